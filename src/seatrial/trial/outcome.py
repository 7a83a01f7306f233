"""Decides from what was measured how a trial ended."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from seatrial.errors import ExitCode
from seatrial.evidence.budgets import unit_of
from seatrial.evidence.coverage import Coverage, Threshold
from seatrial.evidence.record import BudgetResult, Pytest, Status
from seatrial.settings import Budgets
from seatrial.trial.test import TestRun
from seatrial.trial.threshold import shortfall
from seatrial.words import counted, ending

__all__ = ["PYTEST_TESTS_FAILED", "Outcome", "came_to_its_end", "judge_budgets", "judge_tests"]

PYTEST_TESTS_FAILED = 1
PYTEST_USAGE_ERROR = 4
PYTEST_NO_TESTS = 5


@dataclass(frozen=True)
class Outcome:
    """How a trial ended, and why in one sentence."""

    status: Status
    exit_code: ExitCode
    reason: str
    next_step: str = ""


def judge_tests(
    run: TestRun,
    pytest: Pytest | None,
    arguments: Sequence[str],
    *,
    coverage: Coverage | None = None,
    probe_refused: bool = False,
) -> Outcome:
    """Judge the tests by what the probe saw first and by the command's exit code second.

    `probe_refused`: pytest said that it could not import the probe.

    A command that ends with 0 although tests failed (`pytest || true`) has failed; one that ends
    with 0 and shows no test has no tests; one whose collected tests have not all come to a result
    has failed. Coverage below its threshold fails whether or not the command says so; so does a
    threshold of the settings if coverage was not measured.
    """
    if run.timed_out:
        return _failed(f"the tests did not end in time{_while_running(pytest)}")
    if run.out_of_memory:
        return _failed(f"the test container ran out of memory{_while_running(pytest)}")
    bad = pytest.counts.failed + pytest.counts.errors if pytest else 0
    if bad and run.lost_services:
        return Outcome(
            Status.ENVIRONMENT,
            ExitCode.ENVIRONMENT,
            f"{counted(bad, 'test')} failed after service {', '.join(run.lost_services)} ended",
            "see the log of that service first",
        )
    if bad:
        assert pytest is not None  # noqa: S101 - bad is 0 without it
        hidden = " (the command's exit code 0 hides it)" if run.exit_code == 0 else ""
        return _failed(f"{_told(bad, pytest)}{hidden}")
    if pytest is None and probe_refused:
        return Outcome(
            Status.USAGE,
            ExitCode.USAGE,
            "pytest could not import Seatrial's probe",
            "the test command replaces or ignores PYTHONPATH; let it keep what is there, as in "
            "PYTHONPATH=src:$PYTHONPATH",
        )
    if pytest is None:
        return _without_probe(run)
    if pytest.exit_status is None:
        return _failed(f"pytest was cut off{_while_running(pytest)}: {ending(run.exit_code)}")
    if pytest.exit_status == PYTEST_USAGE_ERROR:
        return Outcome(
            Status.USAGE,
            ExitCode.USAGE,
            "pytest rejected its arguments or configuration",
            "check what stands after --" if arguments else "the log's last lines name the argument",
        )
    if pytest.counts.ran == 0:
        skipped = f" ({pytest.counts.skipped} skipped)" if pytest.counts.skipped else ""
        return Outcome(
            Status.NO_TESTS,
            ExitCode.NO_TESTS,
            f"no test ran{skipped}",
            "check the paths and expressions that select tests",
        )
    if coverage and coverage.threshold and not coverage.threshold.met:
        return _below_threshold(coverage, coverage.threshold)
    if run.exit_code != 0:
        return _failed(
            f"no test failed, but the command ended with exit code {run.exit_code}"
            f"{' (pytest itself with 0)' if pytest.exit_status == 0 else ''}",
            "a coverage threshold or a step after pytest: the log's last lines name it",
        )
    if pytest.exit_status not in (0, PYTEST_NO_TESTS):
        return _failed(
            f"no test failed, but pytest itself ended with {pytest.exit_status} "
            "(the command's exit code 0 hides it)",
            "the log's last lines say why: it was interrupted, broke inside, or missed a threshold",
        )
    missing = pytest.counts.collected - pytest.counts.ran - pytest.counts.skipped
    if missing > 0:
        return _failed(
            f"{missing} of {counted(pytest.counts.collected, 'collected test')} came to no result, "
            "although pytest ended with 0",
            "something ended the session early or keeps results back: pytest.exit() or a hook",
        )
    return Outcome(Status.PASSED, ExitCode.OK, f"{counted(pytest.counts.passed, 'test')} passed")


def came_to_its_end(pytest: Pytest) -> bool:
    """Whether nothing cut the tests off: each that was collected has a result, a good or a bad one.

    What did not run is not known to be unaffected by a change.
    """
    counts = pytest.counts
    return (
        pytest.exit_status in {0, PYTEST_TESTS_FAILED}
        and counts.ran + counts.skipped >= counts.collected
    )


def judge_budgets(budgets: Budgets, measured: Mapping[str, float]) -> tuple[BudgetResult, ...]:
    """Hold what was measured against the limits that are set; unmeasured is not met."""
    results = []
    for metric, limit in budgets.model_dump(exclude_none=True).items():
        value = measured.get(metric)
        results.append(
            BudgetResult(
                metric=metric,
                unit=unit_of(metric),
                limit=limit,
                measured=value,
                met=value is not None and value <= limit,
            )
        )
    return tuple(results)


def _without_probe(run: TestRun) -> Outcome:
    if run.exit_code == 0:
        return Outcome(
            Status.NO_TESTS,
            ExitCode.NO_TESTS,
            "the command ended with 0, but nothing shows that pytest ran",
            "the command must run pytest 7 or newer in this container, with the environment it "
            "was given (tox and nox pass PYTEST_ADDOPTS and PYTHONPATH on only if told to)",
        )
    if run.exit_code == PYTEST_USAGE_ERROR:
        return Outcome(
            Status.USAGE,
            ExitCode.USAGE,
            "pytest rejected its arguments or configuration",
            "the log's last lines name the argument",
        )
    if run.exit_code == PYTEST_NO_TESTS:
        return Outcome(Status.NO_TESTS, ExitCode.NO_TESTS, "no test was collected")
    return Outcome(
        Status.ENVIRONMENT,
        ExitCode.ENVIRONMENT,
        f"the test command ended before pytest began: {ending(run.exit_code)}",
        "the log's last lines say why (a migration, a missing program, a wrong path)",
    )


def _below_threshold(coverage: Coverage, threshold: Threshold) -> Outcome:
    if coverage.percent is None:
        return _failed(
            f"coverage was not measured, but {threshold.percent:g} % is asked for "
            f"({threshold.source})",
            coverage.reason,
        )
    return _failed(
        shortfall(coverage.percent, threshold),
        "coverage/html in the trial's folder shows the lines that no test ran",
    )


def _failed(reason: str, next_step: str = "") -> Outcome:
    return Outcome(Status.FAILED, ExitCode.TESTS_FAILED, reason, next_step)


def _told(bad: int, pytest: Pytest) -> str:
    """How many failed; a file that could not be collected is none of the tests collected."""
    files = sum("::" not in failure.test for failure in pytest.failures)
    parts = []
    if bad > files:
        parts.append(f"{bad - files} of {counted(pytest.counts.collected, 'test')} failed")
    if files:
        parts.append(f"{counted(files, 'file')} could not be collected")
    return ", and ".join(parts)


def _while_running(pytest: Pytest | None) -> str:
    return f" while {pytest.running} ran" if pytest and pytest.running else ""
