"""What counts as a change that importing a file can show."""

from textwrap import dedent

import pytest

from seatrial.selection.skeleton import skeleton

BEFORE = '''
import json
LIMIT = 3

@cached(LIMIT)
def load(name: str, deep=False):
    """Loads."""
    return json.loads(name)

class Shop:
    rate = 19

    def vat(self, amount):
        return amount * self.rate
'''


def same(before: str, after: str) -> bool:
    found = skeleton(dedent(before).encode())
    assert found is not None
    return found == skeleton(dedent(after).encode())


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("return json.loads(name)", "return None"),
        ("return amount * self.rate", "assert amount; return 1"),
        ("LIMIT = 3", "LIMIT = 3  # at most"),
        ("    return json.loads(name)", "    def inner(): yield 1\n    return inner"),
    ],
)
def test_a_change_in_a_function_is_none(old: str, new: str) -> None:
    assert old in BEFORE

    assert same(BEFORE, BEFORE.replace(old, new))


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("LIMIT = 3", "LIMIT = 4"),
        ("deep=False", "deep=True"),
        ("name: str", "name: int"),
        ("@cached(LIMIT)", "@cached(LIMIT + 1)"),
        ("rate = 19", "rate = 7"),
        ("import json", "import yaml"),
        ('"""Loads."""', '"""Reads."""'),
        ("def load", "async def load"),
        ("def load", "def read"),
        ("return json.loads(name)", "yield json.loads(name)"),
        ("class Shop", "class Shop(Base)"),
    ],
)
def test_what_can_be_seen_without_a_call_is_one(old: str, new: str) -> None:
    assert old in BEFORE

    assert not same(BEFORE, BEFORE.replace(old, new))


@pytest.mark.parametrize("source", [b"def f(:\n", b"\x00", b"a = '\xff'\n", b"(" * 5000])
def test_what_cannot_be_parsed_has_none(source: bytes) -> None:
    assert skeleton(source) is None
