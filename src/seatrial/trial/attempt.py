"""One way through build, start, test and collect, by all workers; a fault becomes the result."""

import asyncio
import contextlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from seatrial.errors import ExitCode, SeatrialError
from seatrial.evidence.collected import COLLECTED_FILE
from seatrial.evidence.coverage import Coverage
from seatrial.evidence.diagnosis import Diagnosis
from seatrial.evidence.folder import file_fault
from seatrial.evidence.hostile import plain_text
from seatrial.evidence.junit import JUNIT_FILE, write_junit
from seatrial.evidence.record import Fault, Image, Phase, PhaseName, Pytest, ServiceRecord, Status
from seatrial.evidence.shares import prove_split, read_share_report, tests_with_results
from seatrial.evidence.split import Split, WorkerRecord
from seatrial.evidence.tests import TEST_RESULTS_FILE, read_results
from seatrial.selection.assign import file_of
from seatrial.trial.build import build, read_built
from seatrial.trial.merge import merge_lines, merge_phases, merge_pytest, merge_runs
from seatrial.trial.outcome import Outcome, judge_tests
from seatrial.trial.rig import Journal, Rig, Worker
from seatrial.trial.test import TestRun
from seatrial.trial.together import Together
from seatrial.trial.worker import (
    WorkerEnd,
    explain,
    look_into,
    make_crew,
    probe_refused,
    run_worker,
)

__all__ = ["Attempt", "make_attempt", "services_of"]

_SHARE_REPORT = "probe/share.jsonl"
_MAX_TESTS = 20
_MAX_TOLD = 3
"""Files that are named: that one is enough to know what to do."""


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
    split: Split | None = None
    """None: there was one worker."""


async def make_attempt(
    rig: Rig,
    journal: Journal,
    *,
    wall_clock: Callable[[], datetime],
    building: asyncio.Task[None] | None = None,
) -> Attempt:
    """Do the work, and look into it if it failed, while what it made is still there.

    `building` is `build` at work, if that has been begun.
    """
    crew = make_crew(rig, journal)
    broken: list[Worker] = []
    try:
        ends = await _work(rig, journal, crew, broken, wall_clock, building)
        result = await asyncio.to_thread(_join, rig, ends)
        if result.split and result.pytest:
            for file in await asyncio.to_thread(_split_and_failed, rig):
                journal.note(
                    f"{file}, of which tests failed, was split among the workers: if they rely on "
                    "those before them, name it in whole_files"
                )
    except SeatrialError as error:
        result = _broken_off(error)
    except OSError as error:
        result = _broken_off(file_fault("a file of the trial", error, rig.folder.path))
    finally:
        _gather_journals(journal, crew)
    if result.run is not None or result.fault is None:
        return result
    # A build, or a worker that did not come to its end, and so could not look into it itself.
    worker = (broken or crew)[0]
    fault, diagnosis = await look_into(worker, result.fault, now=wall_clock(), stopped=False)
    return replace(result, fault=fault, diagnosis=diagnosis)


async def _work(
    rig: Rig,
    journal: Journal,
    crew: Sequence[Worker],
    broken: list[Worker],
    wall_clock: Callable[[], datetime],
    building: asyncio.Task[None] | None,
) -> tuple[WorkerEnd, ...]:
    """Build once and let every worker go its way; a fault of one ends all."""
    together = Together(len(crew))
    limit_s = rig.settings.timeouts.build

    async def build_or_wait() -> dict[str, Image]:
        await (building or build(rig.compose, rig.plan, rig.folder, journal, limit_s=limit_s))
        return await read_built(rig.engine, rig.plan)

    async def go(worker: Worker, built: asyncio.Task[dict[str, Image]]) -> WorkerEnd:
        try:
            return await run_worker(rig, worker, together, built, wall_clock=wall_clock)
        except SeatrialError:
            broken.append(worker)
            raise

    with _first_of_group():
        async with asyncio.TaskGroup() as group:
            built = group.create_task(build_or_wait())
            going = [group.create_task(go(worker, built)) for worker in crew]
    return tuple(task.result() for task in going)


def _join(rig: Rig, ends: Sequence[WorkerEnd]) -> Attempt:
    """One result of all workers'."""
    first = ends[0]
    coverage = next((end.coverage for end in ends if end.coverage), None)
    run = merge_runs([end.run for end in ends])
    if len(ends) == 1:
        return Attempt(
            first.outcome,
            first.fault,
            run,
            first.pytest,
            coverage,
            first.arguments_by,
            first.diagnosis,
        )
    failed = [end for end in ends if end.fault]
    blind = next((end for end in ends if end.pytest is None), None)
    split = _split(rig, ends)
    if blind:
        pytest, outcome = None, blind.outcome
        if outcome.exit_code is not ExitCode.OK:
            reason = f"worker {blind.worker.number}: {outcome.reason}"
            outcome = replace(outcome, reason=reason)
    else:
        pytest = merge_pytest([end.pytest for end in ends if end.pytest])
        pytest = pytest.model_copy(update={"junit": _write_results(rig, ends)})
        outcome = judge_tests(
            run,
            pytest,
            rig.plan.arguments,
            coverage=coverage,
            probe_refused=any(probe_refused(end.worker) for end in ends),
        )
        if outcome.exit_code is ExitCode.OK and split.proof and split.proof.faults:
            outcome = Outcome(
                Status.FAILED,
                ExitCode.TESTS_FAILED,
                f"the workers' tests are not all of them, each once: {split.proof.faults[0]}",
                "what is collected differs between workers, or from run to run; try --workers 1",
            )
    worst = next((end for end in failed if end.outcome.status is outcome.status), first)
    fault = None
    if outcome.exit_code is not ExitCode.OK:
        causes = {cause.key: cause for end in failed if end.fault for cause in end.fault.causes}
        fault = explain(outcome, worst.worker).model_copy(update={"causes": (*causes.values(),)})
    return Attempt(
        outcome,
        fault,
        run,
        pytest,
        coverage,
        first.arguments_by,
        _one_diagnosis(failed, worst) if fault else None,
        split,
    )


def _write_results(rig: Rig, ends: Sequence[WorkerEnd]) -> tuple[str, ...]:
    """Put the workers' results together; the paths of all JUnit files, that of the sum first."""
    for name in (TEST_RESULTS_FILE, COLLECTED_FILE):
        merge_lines([end.worker.rig.folder.path / name for end in ends], rig.folder.path / name)
    write_junit(
        rig.folder.path / JUNIT_FILE,
        read_results(rig.folder.path / TEST_RESULTS_FILE),
        started=min((end.started for end in ends if end.started), default=None),
    )
    own = [
        f"{end.worker.rig.place}{path}" for end in ends if end.pytest for path in end.pytest.junit
    ]
    return (JUNIT_FILE, *own)


def _split_and_failed(rig: Rig) -> list[str]:
    """Files of which tests may have failed because others of them ran elsewhere."""
    split = {file_of(test) for test in rig.division.shares[0].assignment.tests}
    if not split:
        return []
    results = read_results(rig.folder.path / TEST_RESULTS_FILE)
    failed = {file_of(result.id) for result in results if result.outcome in ("failed", "error")}
    return [plain_text(file) for file in sorted(split & failed)[:_MAX_TOLD]]


def _test_phase(end: WorkerEnd) -> Phase | None:
    return next((p for p in end.worker.journal.phases if p.name is PhaseName.TEST), None)


def _split(rig: Rig, ends: Sequence[WorkerEnd]) -> Split:
    reports = [read_share_report(end.worker.rig.folder.path / _SHARE_REPORT) for end in ends]
    complete = all(end.pytest and end.pytest.exit_status is not None for end in ends)
    tests = [end.pytest.counts.collected if end.pytest else 0 for end in ends]
    proof = None
    if complete:
        results = [
            tests_with_results(end.worker.rig.folder.path / TEST_RESULTS_FILE) for end in ends
        ]
        proof = prove_split(reports, tests, results)
    return Split(
        workers=tuple(
            WorkerRecord(
                number=end.worker.number,
                folder=end.worker.rig.place.rstrip("/"),
                container=end.worker.journal.services[rig.plan.selection.test].container,
                exit_code=end.run.exit_code,
                exit_status=end.pytest.exit_status if end.pytest else None,
                tests=count,
                start=phase.start if phase else None,
                seconds=phase.seconds if phase else None,
                expected_seconds=expected,
            )
            for end, count, expected, phase in zip(
                ends, tests, rig.division.expected, map(_test_phase, ends), strict=True
            )
        ),
        reason=rig.division.reason,
        weighed_by=rig.division.weighed_by,
        proof=proof,
        xdist=reports[0].xdist,
    )


def _one_diagnosis(failed: Sequence[WorkerEnd], worst: WorkerEnd) -> Diagnosis | None:
    """The worst worker's, with the failed tests of all."""
    if worst.diagnosis is None:
        return None
    tests = [
        test.model_copy(update={"file": f"{end.worker.rig.place}{test.file}"})
        for end in failed
        if end.diagnosis
        for test in end.diagnosis.tests
    ]
    place = worst.worker.rig.place
    services = tuple(
        service.model_copy(update={"log": f"{place}{service.log}"}) if service.log else service
        for service in worst.diagnosis.services
    )
    return worst.diagnosis.model_copy(
        update={
            "tests": tuple(tests[:_MAX_TESTS]),
            "services": services,
            "summary": f"{place}{worst.diagnosis.summary}",
        }
    )


def _gather_journals(journal: Journal, crew: Iterable[Worker]) -> None:
    """Put what workers with journals of their own found into the trial's."""
    own = [worker for worker in crew if worker.journal is not journal]
    if not own:
        return
    for worker in own:
        journal.doubt(worker.journal.doubts)
        for text in worker.journal.findings:
            if text not in journal.findings:
                journal.findings.append(text)
    phases = [*journal.phases, *(phase for w in own for phase in w.journal.phases)]
    journal.phases[:] = merge_phases(phases)
    journal.services = own[0].journal.services


def services_of(journal: Journal) -> tuple[ServiceRecord, ...]:
    """The services of all stacks, for the record."""
    if not journal.crew:
        return tuple(journal.services.values())
    return tuple(
        service.model_copy(
            update={
                "worker": worker.number,
                "log": f"{worker.rig.place}{service.log}" if service.log else None,
            }
        )
        for worker in journal.crew
        for service in worker.journal.services.values()
    )


def _broken_off(error: SeatrialError) -> Attempt:
    status = Status.USAGE if error.exit_code is ExitCode.USAGE else Status.ENVIRONMENT
    return Attempt(
        Outcome(status, error.exit_code, error.what, error.next_step),
        Fault(what=error.what, where=error.where, next_step=error.next_step, details=error.details),
    )


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
