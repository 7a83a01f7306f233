"""One way through build, start, test and collect, on one stack; a fault becomes the result."""

import asyncio
import contextlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime

from seatrial.engine.logs import last_lines
from seatrial.errors import ExitCode, SeatrialError
from seatrial.evidence.coverage import Coverage
from seatrial.evidence.diagnosis import Diagnosis
from seatrial.evidence.folder import file_fault
from seatrial.evidence.record import Fault, Image, PhaseName, Pytest, Status
from seatrial.stack.instrument import PROBE_MODULE
from seatrial.trial.build import build
from seatrial.trial.collect import collect
from seatrial.trial.diagnose import diagnose
from seatrial.trial.outcome import Outcome, judge_tests
from seatrial.trial.rig import Journal, Rig
from seatrial.trial.start import StartedStack, start
from seatrial.trial.test import TestRun, run_tests

__all__ = ["Attempt", "make_attempt"]

_TAIL = 30
DIAGNOSIS_S = 30.0
"""Looking into a failure takes about a second; an engine in trouble must not hold up the rest."""


@dataclass(frozen=True)
class Attempt:
    """What it came to, so far as it came."""

    outcome: Outcome
    fault: Fault | None = None
    run: TestRun | None = None
    pytest: Pytest | None = None
    coverage: Coverage | None = None
    arguments_by: str = "none"
    diagnosis: Diagnosis | None = None


async def make_attempt(
    rig: Rig, journal: Journal, *, wall_clock: Callable[[], datetime]
) -> Attempt:
    """Do the work, and look into it if it failed, while what it made is still there."""
    result = await _work(rig, journal)
    if result.fault is None:
        return result
    stopped = bool(result.run and result.run.timed_out)
    try:
        async with asyncio.timeout(DIAGNOSIS_S):
            diagnosis, causes = await diagnose(
                rig, journal, result.fault, now=wall_clock(), stopped=stopped
            )
    except (SeatrialError, OSError, LookupError, TypeError, ValueError) as error:
        # An engine that answers in a shape of its own must not cost the trial its record.
        reason = error.what if isinstance(error, SeatrialError) else str(error) or "no time left"
        journal.note(f"the failure could not be looked into: {reason}")
        return result
    fault = result.fault.model_copy(update={"causes": causes})
    return replace(result, fault=fault, diagnosis=diagnosis)


async def _work(rig: Rig, journal: Journal) -> Attempt:
    """Build, start, test and collect; a fault becomes the result."""
    try:
        stack = await _build_and_start(rig, journal)
        with journal.phase(PhaseName.TEST):
            run = await run_tests(rig, journal, stack)
        with journal.phase(PhaseName.COLLECT):
            collected = await collect(rig, journal, stack.test_container, exit_code=run.exit_code)
    except SeatrialError as error:
        return _broken_off(error)
    except OSError as error:
        return _broken_off(file_fault("a file of the trial", error, rig.folder.path))
    outcome = judge_tests(
        run,
        collected.pytest,
        rig.plan.arguments,
        coverage=collected.coverage,
        probe_refused=any(PROBE_MODULE in line for line in _log_tail(rig, journal)),
    )
    fault = _explain(outcome, rig, journal) if outcome.exit_code is not ExitCode.OK else None
    return Attempt(outcome, fault, run, collected.pytest, collected.coverage, stack.arguments_by)


def _broken_off(error: SeatrialError) -> Attempt:
    return Attempt(
        Outcome(_status_of(error), error.exit_code, error.what, error.next_step),
        Fault(what=error.what, where=error.where, next_step=error.next_step, details=error.details),
    )


async def _build_and_start(rig: Rig, journal: Journal) -> StartedStack:
    async def timed_build() -> dict[str, Image]:
        with journal.phase(PhaseName.BUILD):
            return await build(rig, journal)

    async def timed_start(built: asyncio.Task[dict[str, Image]]) -> StartedStack:
        with journal.phase(PhaseName.START):
            return await start(rig, journal, built)

    with _first_of_group():
        async with asyncio.TaskGroup() as group:
            building = group.create_task(timed_build())
            starting = group.create_task(timed_start(building))
    return starting.result()


@contextlib.contextmanager
def _first_of_group() -> Iterator[None]:
    """Raise the first fault of a task group instead of the group."""
    try:
        yield
    except BaseExceptionGroup as group:
        faults = list(_flatten(group))
        raise next((f for f in faults if isinstance(f, SeatrialError)), faults[0]) from group


def _flatten(error: BaseException) -> Iterator[BaseException]:
    if isinstance(error, BaseExceptionGroup):
        for inner in error.exceptions:
            yield from _flatten(inner)
    else:
        yield error


def _status_of(error: SeatrialError) -> Status:
    return Status.USAGE if error.exit_code is ExitCode.USAGE else Status.ENVIRONMENT


def _explain(outcome: Outcome, rig: Rig, journal: Journal) -> Fault:
    return Fault(
        what=outcome.reason,
        where=journal.services[rig.plan.selection.test].log or "",
        next_step=outcome.next_step,
        details=_log_tail(rig, journal),
    )


def _log_tail(rig: Rig, journal: Journal) -> tuple[str, ...]:
    log = journal.services[rig.plan.selection.test].log
    return last_lines(rig.folder.path / log, _TAIL) if log else ()
