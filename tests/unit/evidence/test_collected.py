import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seatrial.evidence.collected import MAX_NOT_RUN, not_run, read_collected, write_collected

NAMES = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)


def written(folder: Path, *tests: str) -> Path:
    path = folder / "collected.jsonl"
    with write_collected(path) as write:
        for test in tests:
            write(test)
    return path


def test_tests_stand_under_their_files_in_their_order(tmp_path: Path) -> None:
    path = written(tmp_path, "a.py::one", "a.py::C::two[x::y]", "b.py::one", "a.py::last")

    assert [json.loads(line) for line in path.read_text("utf-8").splitlines()] == [
        {"file": "a.py", "tests": ["one", "C::two[x::y]"]},
        {"file": "b.py", "tests": ["one"]},
        {"file": "a.py", "tests": ["last"]},
    ]


@given(st.lists(st.tuples(NAMES, NAMES)))
def test_what_is_written_is_read(
    tmp_path_factory: pytest.TempPathFactory, tests: list[tuple[str, str]]
) -> None:
    ids = [f"{file}::{name}" if name else file for file, name in tests]
    path = written(tmp_path_factory.mktemp("collected"), *ids)

    assert list(read_collected(path)) == ids


@pytest.mark.parametrize("length", [1, 100_000])
def test_no_line_holds_a_large_file_whole(tmp_path: Path, length: int) -> None:
    path = written(tmp_path, *(f"a.py::{number:0>{length}}" for number in range(1200)))

    lines = path.read_text("utf-8").splitlines()
    assert len(lines) >= 3
    assert max(map(len, lines)) < 1 << 18
    assert len(list(read_collected(path))) == 1200


def test_the_first_tests_without_a_result_are_named(tmp_path: Path) -> None:
    path = written(tmp_path, *(f"a.py::{number}" for number in range(100)))

    assert not_run(path, [f"a.py::{number}" for number in range(98)]) == ("a.py::98", "a.py::99")
    assert len(not_run(path, [])) == MAX_NOT_RUN


def test_of_too_many_results_nothing_is_said(tmp_path: Path) -> None:
    path = written(tmp_path, "a.py::missing")

    assert not_run(path, map(str, range(300_000))) == ()
