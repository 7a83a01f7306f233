from pathlib import Path
from typing import Any

from seatrial.evidence.events import MAX_FAILURES
from seatrial.evidence.folder import RunFolder, read_record
from seatrial.evidence.record import Failure
from seatrial.selection.failures import failed_tests
from unit.factories import make_pytest, make_record
from unit.selection.trials import add_lines, make_result, make_trial


def trial_of(project: Path, failed: int) -> RunFolder:
    """A trial in which so many tests failed, and one passed; its record names some of them."""
    names = [f"a.py::t{number}" for number in range(failed)]
    results: dict[str, Any] = {
        name: make_result(name, 0.1, outcome="error" if n % 2 else "failed")
        for n, name in enumerate(names)
    }
    failures = tuple(Failure(test=name, message="") for name in names[:MAX_FAILURES])
    seen = make_pytest(1, failed=failed, passed=1, failures=failures)
    return make_trial(project, 1, {**results, "a.py::passes": 0.1}, pytest=seen)


def test_all_failures_are_found_however_many_the_record_names(tmp_path: Path) -> None:
    for count in (0, 3, MAX_FAILURES, MAX_FAILURES + 50):
        project = tmp_path / str(count)
        folder = trial_of(project, count)

        failed = failed_tests(read_record(project, None)[0], folder)

        assert failed == {f"a.py::t{number}" for number in range(count)}


def test_what_cannot_be_read_leaves_what_the_record_names(tmp_path: Path) -> None:
    folder = trial_of(tmp_path, MAX_FAILURES + 50)
    record, _ = read_record(tmp_path, None)
    add_lines(folder, b"{", {"id": 1, "outcome": "failed"}, {"id": "a\x1b", "outcome": "failed"})

    assert len(failed_tests(record, folder)) == MAX_FAILURES + 50
    (folder.path / "tests.jsonl").unlink()
    assert len(failed_tests(record, folder)) == MAX_FAILURES


def test_a_trial_that_ran_no_tests_has_no_failures(tmp_path: Path) -> None:
    assert failed_tests(make_record(pytest=None), RunFolder(tmp_path)) == frozenset()
