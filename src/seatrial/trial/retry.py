"""Runs failed tests again, each time in a fresh stack, and tells failed tests from flaky ones."""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime

from seatrial.errors import ExitCode
from seatrial.evidence.folder import RunFolder
from seatrial.evidence.record import Pytest, Retry, Status
from seatrial.selection.division import divide
from seatrial.trial.attempt import Attempt, make_attempt
from seatrial.trial.clean import remove_stack, remove_stacks
from seatrial.trial.outcome import PYTEST_TESTS_FAILED, Outcome
from seatrial.trial.rig import Journal, Rig, fresh_journal
from seatrial.words import counted

__all__ = ["retry_failures"]


async def retry_failures(
    rig: Rig, journal: Journal, first: Attempt, *, wall_clock: Callable[[], datetime]
) -> tuple[Attempt, tuple[Retry, ...]]:
    """Run what failed again, at most `retries` times, until nothing fails.

    Only after a run that came to its own end: what was cut off has tests that nobody saw. If at
    last all have passed, so has the trial, and it says which tests were flaky. A coverage that is
    below its threshold stays a failure.
    """
    if not _worth_it(rig, first.pytest):
        return first, ()
    assert first.pytest is not None  # noqa: S101 - see _worth_it
    failing = tuple(failure.test for failure in first.pytest.failures)
    retries: list[Retry] = []
    await remove_stacks(rig, journal)
    for number in range(1, rig.settings.retries + 1):
        journal.note(f"running {counted(len(failing), 'failed test')} again in a fresh stack")
        retry, own = await _again(rig, number, failing, wall_clock)
        journal.removed += own.removed
        journal.doubt(own.doubts)
        retries.append(retry)
        if retry.failed is None:
            journal.note(f"running them again did not work: {retry.reason}")
            return first, tuple(retries)
        failing = retry.failed
        if not failing:
            break
    threshold = first.coverage.threshold if first.coverage else None
    if failing or (threshold and not threshold.met):
        return first, tuple(retries)
    flaky = len(first.pytest.failures)
    reason = (
        f"{counted(first.pytest.counts.passed + flaky, 'test')} passed, "
        f"{flaky} of them only when run again"
    )
    passed = Outcome(Status.PASSED, ExitCode.OK, reason)
    return replace(first, outcome=passed, fault=None, diagnosis=None), tuple(retries)


def _worth_it(rig: Rig, pytest: Pytest | None) -> bool:
    if pytest is None or rig.settings.retries == 0 or pytest.exit_status != PYTEST_TESTS_FAILED:
        return False
    # Beyond what the record names nobody knows which tests to run again.
    return pytest.counts.failed + pytest.counts.errors == len(pytest.failures) > 0


async def _again(
    rig: Rig, number: int, tests: tuple[str, ...], wall_clock: Callable[[], datetime]
) -> tuple[Retry, Journal]:
    name = f"retry-{number}"
    folder = RunFolder(rig.folder.path / name)
    folder.logs.mkdir(parents=True)
    again = replace(
        rig, folder=folder, division=divide(rig.known, 1, tests=tests, reason="tests that failed")
    )
    journal = fresh_journal(again)
    began = rig.clock()
    attempt = await make_attempt(again, journal, wall_clock=wall_clock)
    await remove_stack(again, journal)
    seconds = rig.clock() - began
    pytest = attempt.pytest
    judged = pytest is not None and pytest.exit_status in {0, PYTEST_TESTS_FAILED}
    failed = (
        tuple(failure.test for failure in pytest.failures)
        if pytest is not None and judged and pytest.counts.ran
        else None
    )
    retry = Retry(
        folder=name, seconds=seconds, tests=tests, failed=failed, reason=attempt.outcome.reason
    )
    return retry, journal
