"""Which files hold tests, and which of them a trial's results leave without one."""

from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seatrial.judge.untested_files import files_without_results, has_tests

_UNITTEST = "import unittest\nclass Shop(unittest.TestCase):\n    def test_a(self): pass\n"


@pytest.mark.parametrize(
    "text",
    [
        "def test_a(): pass",
        "async def test_a(): pass",
        "class TestA:\n    def test_b(self): pass",
        "class TestA:\n    class TestB:\n        def test_c(self): pass",
        "if True:\n    def test_a(): pass",
        "try:\n    import a\nexcept ImportError:\n    def test_a(): pass",
        "@pytest.mark.slow\ndef test_a(): pass",
        _UNITTEST,
        "def test_a(: a syntax that is newer than this Python",
    ],
)
def test_a_file_that_pytest_finds_a_test_in_has_tests(text: str) -> None:
    assert has_tests(text)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "def make_order(): pass",
        "@pytest.fixture\ndef test_client(): pass",
        "@pytest.fixture(scope='module')\ndef test_client(): pass",
        "class TestServer:\n    def __init__(self): pass\n    def test_it(self): pass",
        "class TestA:\n    __test__ = False\n    def test_it(self): pass",
        "class TestSettings:\n    name = 1",
        "class Orders:\n    def test_it(self): pass",
        "def outer():\n    def test_a(): pass",
        "# def test_a(): pass",
        "not Python (",
    ],
)
def test_a_file_of_tools_has_none(text: str) -> None:
    assert not has_tests(text)


@pytest.mark.parametrize(
    ("known", "with_results", "expected"),
    [
        (["tests/test_a.py"], ["tests/test_a.py"], []),
        (["tests/test_a.py", "tests/test_b.py"], ["tests/test_a.py"], ["tests/test_b.py"]),
        (["tests/test_a.py"], [], ["tests/test_a.py"]),
        (["api/tests/test_a.py"], ["tests/test_a.py"], []),
        (["tests/test_a.py"], ["app/tests/test_a.py"], []),
        # Two folders, each the root of a session.
        (["api/test_a.py", "web/test_b.py"], ["test_a.py", "test_b.py"], []),
        # A file stands for itself, and not for one of its name elsewhere.
        (["easy/test_a.py", "hard/test_a.py"], ["easy/test_a.py"], ["hard/test_a.py"]),
        (["test_a.py", "hard/test_a.py"], ["test_a.py"], ["hard/test_a.py"]),
        (
            ["api/test_a.py", "api/test_b.py", "web/test_a.py"],
            ["test_a.py", "test_b.py"],
            ["web/test_a.py"],
        ),
        (["tests/test_a.py"], ["other_test_a.py", "a.py"], ["tests/test_a.py"]),
    ],
)
def test_files_without_a_result_are_named(
    known: list[str], with_results: list[str], expected: list[str]
) -> None:
    assert list(files_without_results(known, with_results)) == expected


_FILES = st.lists(st.sampled_from(["a", "b", "a/a", "a/b", "b/a", "b/b", "a/b/a"]), unique=True)


@given(known=_FILES, with_results=_FILES, order=st.randoms())
def test_no_file_stands_for_two_whatever_the_order(
    known: list[str], with_results: list[str], order: Random
) -> None:
    without = files_without_results(known, with_results)
    order.shuffle(known)
    order.shuffle(with_results)
    assert files_without_results(known, with_results) == without
    assert len(known) - len(without) <= len(with_results)
    # Otherwise a folder may be what the results count from, and `a` be the known `a/a`.
    if set(with_results) <= set(known):
        assert not set(without) & set(with_results)
