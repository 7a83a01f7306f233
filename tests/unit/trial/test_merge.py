from pathlib import Path

from seatrial.evidence.record import Failure, Phase, PhaseName, Plugin
from seatrial.trial.merge import merge_lines, merge_phases, merge_pytest, merge_runs
from unit.factories import make_pytest, make_run


def phase(name: PhaseName, start: float, end: float, *, completed: bool = True) -> Phase:
    return Phase(name=name, start=start, seconds=end - start, completed=completed)


def test_a_worker_without_tests_does_not_make_the_command_fail() -> None:
    assert merge_runs([make_run(5), make_run(0)]).exit_code == 0


def test_workers_that_all_have_no_tests_are_no_tests() -> None:
    assert merge_runs([make_run(5), make_run(5)]).exit_code == 5
    assert merge_pytest([make_pytest(5), make_pytest(5)]).exit_status == 5


def test_what_went_wrong_on_one_worker_went_wrong() -> None:
    merged = merge_runs(
        [make_run(0), make_run(2, timed_out=True), make_run(0, lost_services=("db",))]
    )

    assert merged == make_run(2, timed_out=True, lost_services=("db",))


def test_counts_and_failures_are_added_up() -> None:
    failure = Failure(test="a.py::test", message="no")
    plugin = Plugin(name="pytest-cov", version="7.1")
    parts = [
        make_pytest(0, passed=3, containers=("one",), container_confirmed=True, plugins=(plugin,)),
        make_pytest(
            1,
            failed=1,
            failures=(failure,),
            containers=("two",),
            plugins=(plugin,),
            not_run=("a.py::b",),
        ),
    ]

    merged = merge_pytest(parts)

    assert merged.exit_status == 1
    assert (merged.counts.collected, merged.counts.passed, merged.counts.failed) == (4, 3, 1)
    assert merged.failures == (failure,)
    assert merged.containers == ("one", "two")
    assert merged.plugins == (plugin,)
    assert merged.not_run == ("a.py::b",)
    assert not merged.container_confirmed


def test_a_worker_that_was_cut_off_leaves_no_exit_status() -> None:
    merged = merge_pytest([make_pytest(0, passed=1), make_pytest(None, running="a.py::test")])

    assert merged.exit_status is None
    assert merged.running == "a.py::test"


def test_a_phase_lasts_from_the_first_start_to_the_last_end() -> None:
    phases = [
        phase(PhaseName.TEST, 3, 10),
        phase(PhaseName.START, 1, 3),
        phase(PhaseName.START, 1, 4, completed=False),
        phase(PhaseName.TEST, 4, 12),
    ]

    assert merge_phases(phases) == (
        phase(PhaseName.START, 1, 4, completed=False),
        phase(PhaseName.TEST, 3, 12),
    )


def test_collecting_counts_from_the_end_of_the_last_tests() -> None:
    phases = [
        phase(PhaseName.TEST, 0, 5),
        phase(PhaseName.TEST, 0, 10),
        phase(PhaseName.COLLECT, 5, 7),
        phase(PhaseName.COLLECT, 10, 11),
    ]

    assert merge_phases(phases)[-1] == phase(PhaseName.COLLECT, 10, 11)


def test_phases_of_one_worker_stay_as_they_are() -> None:
    phases = tuple(phase(name, n, n + 1) for n, name in enumerate(PhaseName))

    assert merge_phases(phases) == phases


def test_results_are_put_one_after_the_other(tmp_path: Path) -> None:
    (tmp_path / "1").write_text("a\n")
    (tmp_path / "2").write_text("b\n")

    merge_lines([tmp_path / "1", tmp_path / "2"], tmp_path / "all")

    assert (tmp_path / "all").read_text() == "a\nb\n"
