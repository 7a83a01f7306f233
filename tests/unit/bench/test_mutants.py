"""The faults that are put into files of data."""

import json

import pytest
from bench.mutants import DATA_SHARE, Mutant, data_mutants, pick_mutants

RATES = b'{\n  "eur": 100,\n  "usd": 110\n}\n'
TABLE = b"sku,price\nA,10\nB,20\n"


def of(content: bytes) -> dict[str, bytes]:
    return {m.what: m.content for kind in data_mutants("data/file", content) for m in kind}


def test_a_file_without_any_digit_can_have_many_faults() -> None:
    found = of(b"name = anchor\nkind = iron\n")

    assert found["is empty"] == b""
    assert found["line 1 is gone"] == b"kind = iron\n"
    assert found["line 2 stands there twice"] == b"name = anchor\nkind = iron\nkind = iron\n"
    assert found["line 1 and the next change places"] == b"kind = iron\nname = anchor\n"
    assert found["byte 7: anchor is another word"] == b"name = anchorx\nkind = iron\n"
    assert found["byte 0: name is another key"] == b"other_name = anchor\nkind = iron\n"


def test_values_of_a_row_change_places() -> None:
    assert of(TABLE)["line 2: two values change places"] == b"sku,price\n10,A\nB,20\n"


def test_a_key_of_a_json_file_can_be_another_one_and_the_file_still_be_json() -> None:
    changed = of(RATES)["byte 5: eur is another key"]

    assert json.loads(changed) == {"other_eur": 100, "usd": 110}


def test_a_file_that_is_no_text_is_changed_byte_by_byte() -> None:
    content = b"\xff\x00 1\x80\n"

    assert of(content)["byte 3 is another digit"] == b"\xff\x00 2\x80\n"


def test_files_of_data_get_their_share_and_each_several_kinds_of_fault() -> None:
    python = {f"src/{n}.py": b"def f(a):\n    return a + 1\n" * 2 for n in range(30)}
    files = {**python, "data/rates.json": RATES, "data/table.csv": TABLE}

    picked = pick_mutants(files, 40, seed=1)

    data = [mutant for mutant in picked if not mutant.file.endswith(".py")]
    assert len(picked) == 40
    assert len(data) == 40 * DATA_SHARE
    assert len({_kind(mutant) for mutant in data if mutant.file == "data/rates.json"}) >= 4


@pytest.mark.parametrize("files", [{"a.csv": TABLE}, {"a.py": b"x = 1 + 2\ny = 3 + 4\n"}])
def test_where_one_kind_of_file_has_too_few_the_other_fills_up(files: dict[str, bytes]) -> None:
    assert len(pick_mutants(files, 5, seed=1)) == 5


def test_the_same_seed_picks_the_same_and_nothing_is_left_as_it_was() -> None:
    files = {"a.py": b"x = 1\n", "rates.json": RATES, "empty.typed": b""}

    picked = pick_mutants(files, 30, seed=7)

    assert picked == pick_mutants(files, 30, seed=7)
    assert picked != pick_mutants(files, 30, seed=8)
    assert all(mutant.content != files[mutant.file] for mutant in picked)


def _kind(mutant: Mutant) -> str:
    return "".join(letter for letter in mutant.what if not letter.isdigit())
