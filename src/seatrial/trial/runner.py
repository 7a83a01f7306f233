"""Runs a trial: the phases in their order, timed, and clean-up whatever happens."""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

from seatrial.engine.faults import engine_faults
from seatrial.errors import ExitCode, SeatrialError
from seatrial.evidence.budgets import in_words, measured
from seatrial.evidence.commit import read_commit
from seatrial.evidence.folder import manifest, write_record
from seatrial.evidence.host import own_cpuinfo, read_host
from seatrial.evidence.isolation import Isolation
from seatrial.evidence.record import (
    BudgetResult,
    CleanUp,
    Fault,
    Host,
    PatchedPlace,
    PhaseName,
    Record,
    Retry,
    Status,
)
from seatrial.evidence.split import FewerWorkers
from seatrial.settings import LoadedSettings
from seatrial.trial.attempt import Attempt, make_attempt, services_of
from seatrial.trial.begin import Begun
from seatrial.trial.built import examine_build
from seatrial.trial.changed import keep_dependencies
from seatrial.trial.clean import clean
from seatrial.trial.doubts import commit_clock_doubts
from seatrial.trial.fewer import try_with_fewer
from seatrial.trial.outcome import Outcome, came_to_its_end, judge_budgets
from seatrial.trial.prepared import make_prepared
from seatrial.trial.reaper import ENGINE_PATIENCE_S
from seatrial.trial.retry import retry_failures
from seatrial.trial.rig import Journal, Rig, Worker, fresh_services
from seatrial.words import duration

__all__ = ["run_trial"]

UNKNOWN = "unknown"
"""Stands for what is left where the engine could not be asked."""


async def run_trial(
    rig: Rig,
    begun: Begun,
    *,
    trial: str,
    loaded: LoadedSettings,
    wall_clock: Callable[[], datetime],
) -> Record:
    """Run a trial that has begun to its end and write its record.

    A fault in the project or its services is part of the record and not an exception. SIGINT,
    SIGTERM and SIGHUP break the trial off; it is then cleaned up and recorded as interrupted.

    Raises:
        EnvironmentFault: the engine is lost before anything was made, or the record cannot be
            written.
    """
    journal = begun.journal
    journal.services = fresh_services(rig)
    for warning in rig.plan.warnings:
        journal.note(warning)
    with engine_faults("the engine"):
        info, version, before = await asyncio.gather(
            rig.engine.info(), rig.engine.version(), rig.engine.held()
        )
    # Asked while the stack starts: the answer must be of the tree that the tests are given.
    reading = asyncio.create_task(asyncio.to_thread(read_commit, rig.project))
    work = _work(rig, begun, wall_clock)
    result, retries, fewer = await begun.interruption.bound(work) or _INTERRUPTED
    try:
        with journal.phase(PhaseName.CLEAN):
            clean_up = await clean(rig, journal, before)
    except SeatrialError as error:
        clean_up = CleanUp(left=(UNKNOWN,), faults=(error.what,))
    seconds = rig.clock() - journal.began
    await _keep_dependencies(rig, journal, result)
    built = await examine_build(rig, journal)
    commit = await reading
    looking = commit_clock_doubts(rig.project, commit.id if commit else None, begun.started)
    journal.doubt(await asyncio.to_thread(list, looking))
    host = _host(rig, journal, info, version)
    found = measured(journal.phases, services_of(journal), host.cores, seconds)
    result, budgets = _apply_budgets(result, rig, journal, found, clean_up)
    record = Record(
        id=trial,
        project=rig.project.name,
        started=begun.started,
        seconds=seconds,
        status=result.outcome.status,
        exit_code=int(result.outcome.exit_code),
        reason=result.outcome.reason,
        fault=result.fault,
        diagnosis=result.diagnosis,
        commit=commit,
        host=host,
        compose_files=tuple(str(file) for file in rig.plan.files),
        test_service=rig.plan.selection.test,
        command_exit_code=result.run.exit_code if result.run else None,
        arguments=rig.plan.arguments,
        arguments_by=result.arguments_by,
        settings=_settings(loaded),
        phases=tuple(sorted(journal.phases, key=lambda phase: phase.start)),
        services=services_of(journal),
        build=built,
        pytest=result.pytest,
        coverage=result.coverage,
        retries=retries,
        split=result.split,
        fewer_workers=fewer,
        partial=rig.narrowing.partial if rig.narrowing else None,
        budgets=budgets,
        isolation=_isolation(journal),
        clean_up=clean_up,
        changes=tuple(
            PatchedPlace(where=change.where, what=change.what, why=change.why)
            for change in rig.plan.changes
        ),
        findings=tuple(journal.findings),
        doubts=tuple(journal.doubts),
        files=await asyncio.to_thread(manifest, rig.folder),
    )
    write_record(rig.folder, record, wall_clock)
    return record


_Work = tuple[Attempt, tuple[Retry, ...], FewerWorkers | None]
_INTERRUPTED: _Work = (
    Attempt(Outcome(Status.INTERRUPTED, ExitCode.INTERRUPTED, "interrupted")),
    (),
    None,
)


async def _work(rig: Rig, begun: Begun, wall_clock: Callable[[], datetime]) -> _Work:
    journal = begun.journal
    first = await make_attempt(rig, journal, wall_clock=wall_clock, building=begun.building)
    second, fewer = await try_with_fewer(rig, journal, first, wall_clock=wall_clock)
    result, retries = await retry_failures(rig, journal, second, wall_clock=wall_clock)
    if first.run is not None:  # else the engine or the services are in trouble already
        await make_prepared(rig, journal)
    return result, retries, fewer


async def _keep_dependencies(rig: Rig, journal: Journal, result: Attempt) -> None:
    """Only of a run that came to its end, see there."""
    pytest = result.pytest
    if rig.narrowing is None:
        return
    if rig.narrowing.reason:
        journal.note(f"all tests were run: {rig.narrowing.reason}")
    if (
        pytest is None
        or (result.split and result.split.proof and result.split.proof.faults)
        or not came_to_its_end(pytest)
    ):
        return
    traces = [
        path
        for worker in journal.crew or [Worker(1, rig, journal)]
        for path in sorted((worker.rig.folder.path / "probe").glob("dependencies*.jsonl"))
    ]
    why_not = await keep_dependencies(
        rig.narrowing,
        rig.plan,
        traces,
        rig.folder.path,
        engine=rig.engine,
        services=services_of(journal),
    )
    if why_not:
        journal.note(f"what the tests use was not recorded: {why_not}")


def _host(rig: Rig, journal: Journal, info: Mapping[str, Any], version: Mapping[str, Any]) -> Host:
    journals = (journal, *(worker.journal for worker in journal.crew))
    return read_host(
        info,
        version,
        rig.compose.version,
        own=own_cpuinfo(info, engine_is_local=rig.engine_is_local),
        told=next((own.cpuinfo for own in journals if own.cpuinfo), ""),
    )


def _isolation(journal: Journal) -> Isolation | None:
    journals = (journal, *(worker.journal for worker in journal.crew))
    return next((one.isolation for one in journals if one.isolation), None)


def _apply_budgets(
    result: Attempt, rig: Rig, journal: Journal, found: Mapping[str, float], clean_up: CleanUp
) -> tuple[Attempt, tuple[BudgetResult, ...]]:
    """A trial that passed is over budget if a limit was exceeded, and has failed if it leaks."""
    budgets = judge_budgets(rig.settings.budgets, found)
    exceeded = [budget for budget in budgets if not budget.met]
    if clean_up.left == (UNKNOWN,):
        journal.note(
            "what is left in the engine is not known; once the engine answers it is removed, for "
            f"{duration(ENGINE_PATIENCE_S)} from now on; after that, seatrial clean removes it"
        )
    elif clean_up.left:
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
            f"{b.metric} {in_words(b.metric, b.measured)} of {in_words(b.metric, b.limit)}"
            if b.measured is not None
            else f"{b.metric} was not measured"
            for b in exceeded
        )
        outcome = Outcome(
            Status.OVER_BUDGET,
            ExitCode.BUDGET,
            f"{outcome.reason}, over budget: {worst}",
            "seatrial show tells what was used; budgets are settings",
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
