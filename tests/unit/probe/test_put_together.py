"""What was stored and what ran are put together exactly, or it is said why not."""

import json
import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import coverage
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from seatrial.probe.seatrial_coverage import PREFIX, ByTest, CannotPutTogether, put_together

Data = Mapping[str, Mapping[str, set[Any]]]
"""By context, by file: lines, or pairs of lines."""
FILES = ("a.py", "b.py", "c.py")
VERSIONS = {"version": "7.0", "python": "3.13.1"}


class Case:
    """A project with three sources, and data in a folder of its own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        for name in FILES:
            (folder / name).write_text(name, encoding="utf-8")

    def data(self, name: str, data: Data, *, branch: bool = True) -> Path:
        """A data file of coverage.py with that in it."""
        path = self.folder / name
        path.unlink(missing_ok=True)
        made = coverage.CoverageData(basename=str(path))
        for context, rows in data.items():
            made.set_context(PREFIX + context if context else "")
            named = {str(self.folder / file): found for file, found in rows.items()}
            if branch:
                made.add_arcs(named)
            else:
                made.add_lines(named)
        made.touch_file(str(self.folder / "never.py"))
        made.close()
        return path

    def stored(self, data: Data, *, branch: bool = True) -> None:
        """Keep what a run of all tests covered."""
        put_together(
            {"stored": None}, str(self.data("all", data, branch=branch)), str(self.folder), VERSIONS
        )
        shutil.copyfile(self.folder / "all", self.folder / "stored")
        (self.folder / "by-test.json").rename(self.folder / "notes")

    def joined(self, new: Data, *, branch: bool = True, **plan: Any) -> dict[str, set[Any]]:
        """Put it together with what a run of some covered; by file."""
        told = {"keep": [], "keepers": [], "same_tests": True, **plan}
        (self.folder / "plan").write_text(json.dumps(told), encoding="utf-8")
        kept = self.data("new", new, branch=branch)
        asked = {name: str(self.folder / name) for name in ("stored", "notes", "plan")}
        put_together(asked, str(kept), str(self.folder), VERSIONS)
        opened = ByTest(str(kept))
        found = opened.rows(opened.contexts())
        opened.close()
        return {Path(path).name: rows for path, rows in found.items()}


@pytest.fixture
def case(tmp_path: Path) -> Case:
    return Case(tmp_path)


ARCS = st.sets(st.tuples(st.integers(1, 9), st.integers(-1, 9)), min_size=1, max_size=5)
TESTS = st.dictionaries(
    st.sampled_from(["test:1", "test:2", "module:/a", "fixture:x"]),
    st.dictionaries(st.sampled_from(FILES), ARCS, min_size=1),
    min_size=1,
)


@settings(max_examples=25)
@given(TESTS, TESTS, st.sets(st.sampled_from(["test:1", "module:/a", "test:9"])))
def test_the_outcome_is_what_ran_and_what_of_the_stored_is_kept(
    stored: Data, new: Data, keep: set[str]
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        case = Case(Path(folder))
        case.stored(stored)

        found = case.joined(new, keep=sorted(keep))

    expected: dict[str, set[Any]] = {}
    parts = [*new.values(), *(rows for context, rows in stored.items() if context in keep)]
    for rows in parts:
        for file, arcs in rows.items():
            expected.setdefault(file, set()).update(arcs)
    assert found == expected


def test_files_of_which_nothing_ran_are_still_reported(case: Case) -> None:
    case.stored({"test:1": {"a.py": {(1, 2)}}})

    case.joined({"test:2": {"b.py": {(1, 2)}}, "session": {"b.py": {(2, 3)}}})

    data = coverage.CoverageData(basename=str(case.folder / "new"))
    data.read()
    assert {Path(path).name for path in data.measured_files()} == {"b.py", "never.py"}


def test_lines_are_put_together_like_branches(case: Case) -> None:
    case.stored({"test:1": {"a.py": {1, 2}}}, branch=False)

    found = case.joined({"test:2": {"a.py": {70}}}, branch=False, keep=["test:1"])

    assert found == {"a.py": {1, 2, 70}}


def test_what_was_put_together_can_be_built_on(case: Case) -> None:
    case.stored({"test:1": {"a.py": {(1, 2)}}})
    case.joined({"test:2": {"b.py": {(1, 2)}}}, keep=["test:1"])
    shutil.copyfile(case.folder / "new", case.folder / "stored")
    (case.folder / "by-test.json").rename(case.folder / "notes")

    found = case.joined({"test:3": {"c.py": {(1, 2)}}}, keep=["test:1", "test:2"])

    assert sorted(found) == ["a.py", "b.py", "c.py"]


def test_of_a_file_that_differs_only_what_ran_now_counts(case: Case) -> None:
    case.stored({"test:1": {"a.py": {(1, 2)}, "b.py": {(1, 2)}}, "test:2": {"b.py": {(3, 4)}}})
    (case.folder / "a.py").write_text("other", encoding="utf-8")

    assert case.joined({"test:1": {"a.py": {(5, 6)}}}, keep=["test:2"]) == {
        "a.py": {(5, 6)},
        "b.py": {(3, 4)},
    }
    with pytest.raises(CannotPutTogether, match=r"a\.py differs, and not all that ran it"):
        case.joined({"test:2": {"a.py": {(5, 6)}}}, keep=["test:1"])


def test_outside_of_the_tests_the_stored_counts_if_the_tests_are_the_same(case: Case) -> None:
    case.stored({"session": {"a.py": {(1, 2)}}})
    other = {"session": {"a.py": {(1, 3)}}}

    assert case.joined(other) == {"a.py": {(1, 2)}}
    assert case.joined({"session": {"a.py": {(1, 2)}}}, same_tests=False) == {"a.py": {(1, 2)}}
    with pytest.raises(CannotPutTogether, match="outside of the tests ran other lines"):
        case.joined(other, same_tests=False)


def test_lines_that_only_a_test_ran_that_kept_something_may_be_others_now(case: Case) -> None:
    case.stored({"test:1": {"a.py": {(1, 2)}}})

    assert case.joined({"test:1": {"a.py": {(1, 2)}}}, keepers=["test:1"]) == {"a.py": {(1, 2)}}
    with pytest.raises(CannotPutTogether, match="may have kept what came of it"):
        case.joined({"test:1": {"b.py": {(1, 2)}}}, keepers=["test:1"])


def test_lines_that_no_context_tells_of_cannot_be_told_apart(case: Case) -> None:
    with pytest.raises(CannotPutTogether, match=r"a\.py ran before the tests, or in a process"):
        case.stored({"": {"a.py": {(1, 2)}}})


def test_what_is_not_there_any_more_cannot_be_compared_later(case: Case) -> None:
    (case.folder / "a.py").unlink()

    with pytest.raises(CannotPutTogether, match=r"a\.py was measured and is not there"):
        case.stored({"test:1": {"a.py": {(1, 2)}}})


def test_another_version_or_mode_is_another_measure(case: Case) -> None:
    case.stored({"test:1": {"a.py": {1}}}, branch=False)

    with pytest.raises(CannotPutTogether, match="branches were measured in only one"):
        case.joined({"test:1": {"a.py": {(1, 2)}}})
    notes = json.loads((case.folder / "notes").read_bytes())
    (case.folder / "notes").write_text(json.dumps({**notes, "python": "3.12.0"}), encoding="utf-8")
    with pytest.raises(CannotPutTogether, match=r"another python: 3\.12\.0, not 3\.13\.1"):
        case.joined({"test:1": {"a.py": {1}}}, branch=False)
