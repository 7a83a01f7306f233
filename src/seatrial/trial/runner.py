"""Runs a trial: the phases in their order, timed, and clean-up whatever happens."""

import asyncio
import contextlib
import signal
from collections.abc import Callable, Coroutine, Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from seatrial.engine.faults import engine_faults
from seatrial.engine.logs import last_lines
from seatrial.errors import ExitCode, SeatrialError
from seatrial.evidence.commit import read_commit
from seatrial.evidence.coverage import Coverage
from seatrial.evidence.diagnosis import Diagnosis
from seatrial.evidence.folder import file_fault, manifest, write_record
from seatrial.evidence.host import read_host
from seatrial.evidence.record import (
    BudgetResult,
    CleanUp,
    Fault,
    Image,
    PatchedPlace,
    PhaseName,
    Pytest,
    Record,
    ServiceRecord,
    Status,
)
from seatrial.settings import LoadedSettings
from seatrial.stack.instrument import PROBE_MODULE
from seatrial.trial.build import build
from seatrial.trial.built import examine_build
from seatrial.trial.clean import clean
from seatrial.trial.collect import collect
from seatrial.trial.diagnose import diagnose
from seatrial.trial.outcome import Outcome, judge_budgets, judge_tests
from seatrial.trial.resources import RESOURCES_FILE, ResourceLog
from seatrial.trial.rig import Journal, Rig
from seatrial.trial.start import StartedStack, start
from seatrial.trial.test import TestRun, run_tests

__all__ = ["run_trial"]

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
_TAIL = 30
DIAGNOSIS_S = 30.0
"""Looking into a failure takes about a second; an engine in trouble must not hold up the rest."""


@dataclass(frozen=True)
class _Result:
    """What the work came to, so far as it came."""

    outcome: Outcome
    fault: Fault | None = None
    run: TestRun | None = None
    pytest: Pytest | None = None
    coverage: Coverage | None = None
    arguments_by: str = "none"
    diagnosis: Diagnosis | None = None


async def run_trial(
    rig: Rig,
    *,
    trial: str,
    loaded: LoadedSettings,
    wall_clock: Callable[[], datetime],
) -> Record:
    """Run a trial to its end and write its record.

    A fault in the project or its services is part of the record and not an exception. SIGINT,
    SIGTERM and SIGHUP break the trial off; it is then cleaned up and recorded as interrupted.

    Raises:
        EnvironmentFault: the engine is lost before anything was made, or the record cannot be
            written.
    """
    started = wall_clock()
    began = rig.clock()
    resources = ResourceLog(rig.engine, rig.folder.path / RESOURCES_FILE, lambda at: at - began)
    journal = Journal(rig.clock, rig.observer, began, resources, services=_services(rig))
    for warning in rig.plan.warnings:
        journal.note(warning)
    with engine_faults("the engine"):
        info, version = await rig.engine.info(), await rig.engine.version()
        before = await rig.engine.held()
    # Asked before the tests run: the answer must be of the tree that they were given.
    commit = await asyncio.to_thread(read_commit, rig.project)
    work = _examined(_work(rig, journal), rig, journal, wall_clock)
    result = await _unless_interrupted(work)
    try:
        with journal.phase(PhaseName.CLEAN):
            clean_up = await clean(rig, journal, before)
    except SeatrialError as error:
        clean_up = CleanUp(left=("unknown",), faults=(error.what,))
    seconds = rig.clock() - journal.began
    built = await examine_build(rig, journal)
    result, budgets = _apply_budgets(result, rig, journal, seconds, clean_up)
    record = Record(
        id=trial,
        project=rig.project.name,
        started=started,
        seconds=seconds,
        status=result.outcome.status,
        exit_code=int(result.outcome.exit_code),
        reason=result.outcome.reason,
        fault=result.fault,
        diagnosis=result.diagnosis,
        commit=commit,
        host=read_host(info, version, rig.compose.version),
        compose_files=tuple(str(file) for file in rig.plan.files),
        test_service=rig.plan.selection.test,
        command_exit_code=result.run.exit_code if result.run else None,
        arguments=rig.plan.arguments,
        arguments_by=result.arguments_by,
        settings=_settings(loaded),
        phases=tuple(sorted(journal.phases, key=lambda phase: phase.start)),
        services=tuple(journal.services.values()),
        build=built,
        pytest=result.pytest,
        coverage=result.coverage,
        budgets=budgets,
        clean_up=clean_up,
        changes=tuple(
            PatchedPlace(where=change.where, what=change.what, why=change.why)
            for change in rig.plan.changes
        ),
        findings=tuple(journal.findings),
        files=await asyncio.to_thread(manifest, rig.folder),
    )
    write_record(rig.folder, record)
    return record


async def _work(rig: Rig, journal: Journal) -> _Result:
    """Build, start, test and collect; a fault becomes the result."""
    try:
        stack = await _build_and_start(rig, journal)
        with journal.phase(PhaseName.TEST):
            run = await run_tests(rig, journal, stack)
        with journal.phase(PhaseName.COLLECT):
            collected = await collect(rig, journal, stack.test_container)
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
    return _Result(outcome, fault, run, collected.pytest, collected.coverage, stack.arguments_by)


async def _examined(
    work: Coroutine[Any, Any, _Result],
    rig: Rig,
    journal: Journal,
    wall_clock: Callable[[], datetime],
) -> _Result:
    """Do the work, and look into it if it failed, while what it made is still there."""
    result = await work
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


def _broken_off(error: SeatrialError) -> _Result:
    return _Result(
        Outcome(_status_of(error), error.exit_code, error.what, error.next_step),
        Fault(what=error.what, where=error.where, next_step=error.next_step, details=error.details),
    )


async def _build_and_start(rig: Rig, journal: Journal) -> StartedStack:
    async def timed_build() -> dict[str, Image]:
        with journal.phase(PhaseName.BUILD):
            return await build(rig)

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


async def _unless_interrupted(work: Coroutine[Any, Any, _Result]) -> _Result:
    """Run `work` until it ends or a signal comes; later signals change nothing."""
    loop = asyncio.get_running_loop()
    task = asyncio.ensure_future(work)
    interrupted = False

    def interrupt() -> None:
        nonlocal interrupted
        if not interrupted:  # a second one would break off what the first has to put in order
            interrupted = True
            task.cancel()

    for number in SIGNALS:
        loop.add_signal_handler(number, interrupt)
    try:
        await asyncio.wait({task})
    finally:
        # Clean-up and the record must not be broken off.
        for number in SIGNALS:
            loop.add_signal_handler(number, lambda: None)
    if interrupted:
        # Until the process ends, and not only the loop: whoever keeps pressing Ctrl-C would else
        # cut off the output, and change the exit code.
        for number in SIGNALS:
            loop.remove_signal_handler(number)
            signal.signal(number, signal.SIG_IGN)
        # Whatever the work came to, such as a fault of a program that was ended in the middle.
        await asyncio.gather(task, return_exceptions=True)
        return _Result(Outcome(Status.INTERRUPTED, ExitCode.INTERRUPTED, "interrupted"))
    return task.result()


def _services(rig: Rig) -> dict[str, ServiceRecord]:
    selection = rig.plan.selection
    roles = {selection.test: "test", **dict.fromkeys(selection.required, "required")}
    return {
        name: ServiceRecord.model_validate(
            {"name": name, "role": roles.get(name, "extra"), "state": "not started"}
        )
        for name in rig.plan.services
    }


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


def _apply_budgets(
    result: _Result, rig: Rig, journal: Journal, seconds: float, clean_up: CleanUp
) -> tuple[_Result, tuple[BudgetResult, ...]]:
    """A trial that passed is over budget if a limit was exceeded, and has failed if it leaks."""
    budgets = judge_budgets(rig.settings.budgets, journal.phases, seconds)
    exceeded = [budget for budget in budgets if not budget.met]
    if clean_up.left:
        left = ", ".join(clean_up.left)
        journal.note(f"left behind in the engine: {left}; remove it with seatrial clean")
    if result.outcome.exit_code is not ExitCode.OK:
        return result, budgets
    outcome = result.outcome
    if clean_up.left:
        outcome = Outcome(
            Status.ENVIRONMENT,
            ExitCode.ENVIRONMENT,
            f"{outcome.reason}, but clean-up left something behind",
            "seatrial clean",
        )
    elif exceeded:
        worst = ", ".join(
            f"{b.metric} {b.measured:.1f} s of {b.limit:g} s"
            if b.measured is not None
            else f"{b.metric} was not measured"
            for b in exceeded
        )
        outcome = Outcome(
            Status.OVER_BUDGET,
            ExitCode.BUDGET,
            f"{outcome.reason}, over budget: {worst}",
            "seatrial show tells where the time went; budgets are settings",
        )
    else:
        return result, budgets
    fault = Fault(what=outcome.reason, next_step=outcome.next_step)
    return replace(result, outcome=outcome, fault=fault), budgets


def _settings(loaded: LoadedSettings) -> dict[str, Any]:
    settings = {}
    for key, source in loaded.sources.items():
        value: Any = loaded.settings.model_dump(mode="json")
        for part in key.split("."):
            value = value[part]
        settings[key] = {"value": value, "source": source}
    return settings
