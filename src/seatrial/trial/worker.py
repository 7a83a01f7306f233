"""One worker's way: its stack starts, its tests run, and what they wrote is collected."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from seatrial.engine.logs import last_lines
from seatrial.errors import ExitCode, SeatrialError
from seatrial.evidence.coverage import Coverage
from seatrial.evidence.diagnosis import Diagnosis
from seatrial.evidence.events import ProbeReport
from seatrial.evidence.folder import RunFolder
from seatrial.evidence.record import Fault, Image, PhaseName, Pytest, Status
from seatrial.stack.instrument import PROBE_MODULE
from seatrial.stack.twin import twin
from seatrial.trial.clean import remove_stack
from seatrial.trial.collect import collect, read_report
from seatrial.trial.coverage import CoveragePart, measure_coverage, take_part
from seatrial.trial.diagnose import diagnose
from seatrial.trial.doubts import coverage_doubts
from seatrial.trial.identity import STACK_LABEL
from seatrial.trial.outcome import Outcome, came_to_its_end, judge_tests
from seatrial.trial.rig import Journal, Rig, Worker, fresh_journal
from seatrial.trial.start import start
from seatrial.trial.test import TestRun, run_tests
from seatrial.trial.together import OneView, Together

__all__ = ["WorkerEnd", "explain", "look_into", "make_crew", "probe_refused", "run_worker"]

_TAIL = 30
DIAGNOSIS_S = 30.0
"""Looking into a failure takes about a second; an engine in trouble must not hold up the rest."""


@dataclass(frozen=True)
class WorkerEnd:
    """What a worker came to."""

    worker: Worker
    run: TestRun
    pytest: Pytest | None
    started: datetime | None
    """When pytest began, by the container's clock."""
    coverage: Coverage | None
    """All workers' together, by the last of them; None by the others."""
    arguments_by: str
    outcome: Outcome
    """Of its own share."""
    fault: Fault | None
    diagnosis: Diagnosis | None


def make_crew(rig: Rig, journal: Journal) -> tuple[Worker, ...]:
    """The trial's workers; a single one works in the trial's own folder and journal."""
    shares = rig.division.shares
    if len(shares) == 1:
        return (Worker(1, replace(rig, share=shares[0]), journal),)
    view = OneView(rig.observer, len(shares), rig.clock)
    crew = []
    for number, share in enumerate(shares, 1):
        place = f"workers/{number}/"
        folder = RunFolder(rig.folder.path / place)
        folder.logs.mkdir(parents=True)
        name = rig.plan.name if number == 1 else f"{rig.plan.name}-w{number}"
        own = replace(
            rig,
            plan=twin(rig.plan, name, STACK_LABEL),
            folder=folder,
            observer=view.of(number),
            share=share,
            place=place,
        )
        crew.append(Worker(number, own, fresh_journal(own, began=journal.began)))
    journal.crew += crew
    return tuple(crew)


async def run_worker(
    trial: Rig,
    worker: Worker,
    together: Together,
    built: Awaitable[Mapping[str, Image]],
    *,
    wall_clock: Callable[[], datetime],
) -> WorkerEnd:
    """Run a worker's share, and look into what failed while its stack is still there.

    The last worker reports the coverage of all, with what the others left, into the folder of the
    `trial`. The others remove their stacks meanwhile.

    Raises:
        SeatrialError: the stack did not start, or the engine is lost.
    """
    rig, journal = worker.rig, worker.journal
    with journal.phase(PhaseName.START):
        stack = await start(rig, journal, built)
    began = wall_clock()
    with journal.phase(PhaseName.TEST):
        run = await run_tests(rig, journal, stack, stop=together.stop)
    last = together.arrive()
    part: asyncio.Future[CoveragePart] | None = None
    if not last:
        part = asyncio.get_running_loop().create_future()
        together.parts.append(part)
    with journal.phase(PhaseName.COLLECT):
        report = await read_report(rig, journal, stack.test_container)
        # Most of the time for coverage the engine is waited for, as it is by the rest.
        measuring = asyncio.create_task(
            _measure(trial, worker, stack.test_container, report, together, part)
        )
        try:
            report = await collect(
                rig, journal, stack.test_container, report, exit_code=run.exit_code, began=began
            )
        except BaseException:
            measuring.cancel()
            await asyncio.gather(measuring, return_exceptions=True)
            raise
        coverage = await measuring
        if coverage:
            found = coverage_doubts(trial.folder.path, rig.project, coverage)
            journal.doubt(await asyncio.to_thread(list, found))
    pytest = report.pytest if report else None
    outcome = judge_tests(
        run,
        pytest,
        rig.plan.arguments,
        coverage=coverage if together.workers == 1 else None,
        probe_refused=probe_refused(worker),
    )
    fault = diagnosis = None
    if outcome.exit_code is not ExitCode.OK and not _is_idle(outcome, pytest, together):
        if rig.share.fail_fast:
            together.stop.set()
        fault, diagnosis = await look_into(
            worker, explain(outcome, worker), now=wall_clock(), stopped=run.timed_out
        )
    if not last:
        await remove_stack(rig, journal)
    return WorkerEnd(
        worker,
        run,
        pytest,
        report.started if report else None,
        coverage,
        stack.arguments_by,
        outcome,
        fault,
        diagnosis,
    )


async def _measure(
    trial: Rig,
    worker: Worker,
    container: str,
    report: ProbeReport | None,
    together: Together,
    part: asyncio.Future[CoveragePart] | None,
) -> Coverage | None:
    """All workers' coverage, by the last of them; the others leave their `part` and return None."""
    sightings = report.coverage if report else None
    idle = report is not None and not report.pytest.counts.collected
    complete = report is not None and (
        came_to_its_end(report.pytest) or (idle and together.workers > 1)
    )
    if part is not None:
        part.set_result(await take_part(worker, container, sightings, idle=idle, complete=complete))
        return None
    others = await asyncio.gather(*together.parts)
    return await measure_coverage(
        trial, worker.journal, container, sightings, others=others, complete=complete
    )


def _is_idle(outcome: Outcome, pytest: Pytest | None, together: Together) -> bool:
    """Whether just none of the tests is this worker's."""
    return together.workers > 1 and outcome.status is Status.NO_TESTS and pytest is not None


def explain(outcome: Outcome, worker: Worker) -> Fault:
    """The outcome as a fault, with the last lines of the tests' log."""
    log = _log(worker)
    return Fault(
        what=outcome.reason,
        where=f"{worker.rig.place}{log}" if log else "",
        next_step=outcome.next_step,
        details=_log_tail(worker),
    )


def probe_refused(worker: Worker) -> bool:
    """Whether pytest said that it could not import the probe."""
    return any(PROBE_MODULE in line for line in _log_tail(worker))


async def look_into(
    worker: Worker, fault: Fault, *, now: datetime, stopped: bool
) -> tuple[Fault, Diagnosis | None]:
    """Look for the causes of a fault on the worker's stack, which is still there."""
    rig, journal = worker.rig, worker.journal
    try:
        async with asyncio.timeout(DIAGNOSIS_S):
            diagnosis, causes = await diagnose(rig, journal, fault, now=now, stopped=stopped)
    except (SeatrialError, OSError, LookupError, TypeError, ValueError) as error:
        # An engine that answers in a shape of its own must not cost the trial its record.
        reason = error.what if isinstance(error, SeatrialError) else str(error) or "no time left"
        journal.note(f"the failure could not be looked into: {reason}")
        return fault, None
    return fault.model_copy(update={"causes": causes}), diagnosis


def _log(worker: Worker) -> str | None:
    return worker.journal.services[worker.rig.plan.selection.test].log


def _log_tail(worker: Worker) -> tuple[str, ...]:
    log = _log(worker)
    return last_lines(worker.rig.folder.path / log, _TAIL) if log else ()
