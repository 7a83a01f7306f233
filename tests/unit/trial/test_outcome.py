from typing import Any

import pytest

from seatrial.errors import ExitCode
from seatrial.evidence.record import Failure, Pytest, Status
from seatrial.settings import Budgets
from seatrial.trial.outcome import judge_budgets, judge_tests
from unit.factories import make_pytest, make_run

ENDS: list[tuple[str, dict[str, Any], Pytest | None, Status, ExitCode, str]] = [
    (
        "all passed",
        {},
        make_pytest(passed=3),
        Status.PASSED,
        ExitCode.OK,
        "3 tests passed",
    ),
    (
        "one passed, the rest skipped",
        {},
        make_pytest(passed=1, skipped=5, xfailed=1),
        Status.PASSED,
        ExitCode.OK,
        "1 test passed",
    ),
    (
        "the session ended well before all had a result",
        {},
        make_pytest(passed=1, skipped=1, collected=5),
        Status.FAILED,
        ExitCode.TESTS_FAILED,
        "3 of 5 collected tests came to no result, although pytest ended with 0",
    ),
    (
        "a test failed",
        {"exit_code": 1},
        make_pytest(1, passed=3, failed=1),
        Status.FAILED,
        ExitCode.TESTS_FAILED,
        "1 of 4 tests failed",
    ),
    (
        "a test erred",
        {"exit_code": 1},
        make_pytest(1, errors=1),
        Status.FAILED,
        ExitCode.TESTS_FAILED,
        "1 of 1 test failed",
    ),
    (
        "a file could not be collected",
        {"exit_code": 2},
        make_pytest(2, errors=1, collected=7, failures=(Failure(test="test_a.py", message="x"),)),
        Status.FAILED,
        ExitCode.TESTS_FAILED,
        "1 file could not be collected",
    ),
    (
        "a file could not be collected and the rest was run",
        {"exit_code": 1},
        make_pytest(
            1,
            passed=2,
            failed=1,
            errors=1,
            collected=3,
            failures=(
                Failure(test="test_a.py", message="x"),
                Failure(test="test_b.py::test_one", message="x"),
            ),
        ),
        Status.FAILED,
        ExitCode.TESTS_FAILED,
        "1 of 3 tests failed, and 1 file could not be collected",
    ),
    (
        "a failure is hidden by the command",
        {},
        make_pytest(1, passed=1, failed=1),
        Status.FAILED,
        ExitCode.TESTS_FAILED,
        "exit code 0 hides it",
    ),
    (
        "a needed service was lost",
        {"exit_code": 1, "lost_services": ("db",)},
        make_pytest(1, failed=2),
        Status.ENVIRONMENT,
        ExitCode.ENVIRONMENT,
        "2 tests failed after service db ended",
    ),
    (
        "a service was lost and nobody minded",
        {"lost_services": ("db",)},
        make_pytest(passed=1),
        Status.PASSED,
        ExitCode.OK,
        "1 test passed",
    ),
    (
        "time was up",
        {"exit_code": 137, "timed_out": True},
        make_pytest(None, passed=1, running="test_slow"),
        Status.FAILED,
        ExitCode.TESTS_FAILED,
        "did not end in time while test_slow ran",
    ),
    (
        "time was up before pytest began",
        {"exit_code": 137, "timed_out": True},
        None,
        Status.FAILED,
        ExitCode.TESTS_FAILED,
        "did not end in time",
    ),
    (
        "memory was used up",
        {"exit_code": 137, "out_of_memory": True},
        make_pytest(None, running="test_big"),
        Status.FAILED,
        ExitCode.TESTS_FAILED,
        "ran out of memory while test_big ran",
    ),
    (
        "pytest was killed",
        {"exit_code": 139},
        make_pytest(None, passed=1, running="test_crash"),
        Status.FAILED,
        ExitCode.TESTS_FAILED,
        "cut off while test_crash ran: killed by SIGSEGV",
    ),
    (
        "pytest was ended by os._exit",
        {"exit_code": 0},
        make_pytest(None, passed=1),
        Status.FAILED,
        ExitCode.TESTS_FAILED,
        "pytest was cut off: exit code 0",
    ),
    (
        "pytest refused its arguments after it began",
        {"exit_code": 4},
        make_pytest(4),
        Status.USAGE,
        ExitCode.USAGE,
        "rejected its arguments",
    ),
    (
        "pytest refused its arguments before it began",
        {"exit_code": 4},
        None,
        Status.USAGE,
        ExitCode.USAGE,
        "rejected its arguments",
    ),
    (
        "no test was collected",
        {"exit_code": 5},
        make_pytest(5),
        Status.NO_TESTS,
        ExitCode.NO_TESTS,
        "no test ran",
    ),
    (
        "no test was collected, and that is hidden",
        {},
        make_pytest(5),
        Status.NO_TESTS,
        ExitCode.NO_TESTS,
        "no test ran",
    ),
    (
        "every test was skipped",
        {},
        make_pytest(skipped=4),
        Status.NO_TESTS,
        ExitCode.NO_TESTS,
        "no test ran (4 skipped)",
    ),
    (
        "a threshold failed",
        {"exit_code": 2},
        make_pytest(passed=3),
        Status.FAILED,
        ExitCode.TESTS_FAILED,
        "no test failed, but the command ended with exit code 2 (pytest itself with 0)",
    ),
    (
        "pytest failed although no test did",
        {"exit_code": 1},
        make_pytest(1, passed=3),
        Status.FAILED,
        ExitCode.TESTS_FAILED,
        "no test failed, but the command ended with exit code 1",
    ),
    (
        "pytest broke inside, and the command hides it",
        {},
        make_pytest(3, passed=3),
        Status.FAILED,
        ExitCode.TESTS_FAILED,
        "pytest itself ended with 3",
    ),
    (
        "pytest was interrupted, and the command hides it",
        {},
        make_pytest(2, passed=3),
        Status.FAILED,
        ExitCode.TESTS_FAILED,
        "pytest itself ended with 2",
    ),
    (
        "the command ended with 0 and ran no pytest",
        {},
        None,
        Status.NO_TESTS,
        ExitCode.NO_TESTS,
        "nothing shows that pytest ran",
    ),
    (
        "pytest without probe found no test",
        {"exit_code": 5},
        None,
        Status.NO_TESTS,
        ExitCode.NO_TESTS,
        "no test was collected",
    ),
    (
        "the command failed before pytest",
        {"exit_code": 1},
        None,
        Status.ENVIRONMENT,
        ExitCode.ENVIRONMENT,
        "ended before pytest began: exit code 1",
    ),
    (
        "the command was killed before pytest",
        {"exit_code": 137},
        None,
        Status.ENVIRONMENT,
        ExitCode.ENVIRONMENT,
        "ended before pytest began: killed by SIGKILL",
    ),
]


@pytest.mark.parametrize(
    ("run", "seen", "status", "code", "reason"),
    [end[1:] for end in ENDS],
    ids=[end[0] for end in ENDS],
)
def test_a_trial_ends_as_what_was_seen(
    run: dict[str, Any], seen: Pytest | None, status: Status, code: ExitCode, reason: str
) -> None:
    outcome = judge_tests(make_run(**run), seen, ())

    assert (outcome.status, outcome.exit_code) == (status, code)
    assert reason in outcome.reason


def test_only_a_trial_in_which_a_test_ran_passes() -> None:
    passing = [
        seen
        for _, run, seen, _, _, _ in ENDS
        if judge_tests(make_run(**run), seen, ()).status is Status.PASSED
    ]

    assert all(seen is not None and seen.counts.ran for seen in passing)


def test_arguments_that_the_user_gave_are_suspected_first() -> None:
    refused = make_run(exit_code=4)

    assert "after --" in judge_tests(refused, make_pytest(4), ("-k",)).next_step
    assert "log" in judge_tests(refused, make_pytest(4), ()).next_step


def test_a_probe_that_could_not_be_imported_is_told() -> None:
    outcome = judge_tests(make_run(exit_code=1), None, (), probe_refused=True)

    assert (outcome.status, outcome.exit_code) == (Status.USAGE, ExitCode.USAGE)
    assert "PYTHONPATH" in outcome.next_step


def test_without_limits_nothing_is_judged() -> None:
    assert judge_budgets(Budgets(), {"test": 5, "total": 10}) == ()


@pytest.mark.parametrize(("seconds", "met"), [(59.9, True), (60, True), (60.1, False)])
def test_a_limit_is_met_up_to_itself(seconds: float, met: bool) -> None:
    [result] = judge_budgets(Budgets(test=60), {"test": seconds, "total": 100})

    assert (result.metric, result.limit, result.measured) == ("test", 60, seconds)
    assert result.met is met


def test_the_whole_trial_has_a_limit_too() -> None:
    [result] = judge_budgets(Budgets(total=300), {"total": 301})

    assert (result.metric, result.measured, result.met) == ("total", 301, False)


def test_memory_and_cpu_have_limits_in_their_own_units() -> None:
    budgets = Budgets(memory=2 << 30, cpu=0.8)

    results = judge_budgets(budgets, {"memory": 3 << 30, "cpu": 0.8})

    assert [(one.metric, one.unit, one.met) for one in results] == [
        ("memory", "bytes", False),
        ("cpu", "share", True),
    ]


def test_what_was_not_measured_is_not_met() -> None:
    [result] = judge_budgets(Budgets(test=60), {"total": 100})

    assert (result.measured, result.met) == (None, False)
