from pathlib import Path
from typing import Any

from seatrial.evidence.partial import Partial
from seatrial.evidence.record import Failure, Status
from seatrial.trial.experience import look_back
from unit.factories import make_pytest, make_resources, make_service
from unit.selection.trials import make_trial

TESTS = {f"test_a.py::t{number}": 0.5 for number in range(4)}


def trial(project: Path, number: int, *peaks: int, tests: int = 4, **values: Any) -> None:
    """A trial of so many tests whose services took so much memory."""
    services = tuple(
        make_service(f"s{place}", resources=make_resources(peak))
        for place, peak in enumerate(peaks)
    )
    make_trial(project, number, dict(list(TESTS.items())[:tests]), services=services, **values)


def peak(project: Path) -> int | None:
    return look_back(project, failures_first=True).peak_bytes


def test_without_a_past_nothing_is_known(tmp_path: Path) -> None:
    found = look_back(tmp_path, failures_first=True)

    assert found.peak_bytes is None
    assert found.known.weighed_by == "nothing"
    assert found.known.weights == {}


def test_without_durations_files_are_weighed_by_their_sizes(tmp_path: Path) -> None:
    (tmp_path / "test_a.py").write_text("x" * 7)

    known = look_back(tmp_path, failures_first=True).known

    assert (known.weighed_by, known.weights) == ("sizes", {"test_a.py": 7.0})


def test_durations_win_over_sizes(tmp_path: Path) -> None:
    (tmp_path / "test_a.py").write_text("x" * 7)
    trial(tmp_path, 1)

    known = look_back(tmp_path, failures_first=True).known

    assert (known.weighed_by, known.weights) == ("durations", TESTS)


def test_what_failed_comes_first_unless_that_is_switched_off(tmp_path: Path) -> None:
    failed = Failure(test="test_a.py::t2", message="")
    seen = make_pytest(1, failed=1, passed=3, failures=(failed,))
    trial(tmp_path, 1, status=Status.FAILED, pytest=seen)

    assert look_back(tmp_path, failures_first=True).known.first == ("test_a.py::t2",)
    assert look_back(tmp_path, failures_first=False).known.first == ()


def test_a_stack_takes_what_all_its_services_took(tmp_path: Path) -> None:
    trial(tmp_path, 1, 300, 40)

    assert peak(tmp_path) == 340


def test_the_largest_of_the_newest_full_trials_counts(tmp_path: Path) -> None:
    for number, took in enumerate((9000, 300, 500, 400)):
        trial(tmp_path, number, took)

    assert peak(tmp_path) == 500


def test_a_trial_of_a_part_tells_nothing_of_the_whole(tmp_path: Path) -> None:
    trial(tmp_path, 1, 500)
    trial(tmp_path, 2, 40, tests=1)
    partial = Partial(since="t", selected=3, left_out=1)
    trial(tmp_path, 3, 60, tests=3, partial=partial)

    assert peak(tmp_path) == 500


def test_a_trial_that_was_cut_off_tells_nothing_of_the_whole(tmp_path: Path) -> None:
    trial(tmp_path, 1, 500)
    trial(tmp_path, 2, 40, exit_status=None)
    trial(tmp_path, 3)

    assert peak(tmp_path) == 500
