"""Brings together what a trial needs, from the project's folder to the record.

The larger part of the program is imported while others work: Compose, which reads the project's
files, and the builder.
"""

import asyncio
import contextlib
import gc
import time
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from seatrial.engine.api import Engine
from seatrial.engine.connect import Endpoint, find_endpoint, import_client, open_engine
from seatrial.errors import EnvironmentFault, SeatrialError
from seatrial.settings import LoadedSettings
from seatrial.stack.compose import Compose, find_compose
from seatrial.stack.plan import Plan, make_plan
from seatrial.stack.prepared import tell_prepared
from seatrial.stack.twin import refuse_impossible
from seatrial.trial.identity import Identity, name_trial, this_process
from seatrial.trial.reaper import Reaper

if TYPE_CHECKING:
    from seatrial.evidence.folder import RunFolder
    from seatrial.evidence.record import Record
    from seatrial.trial.observer import Observer
    from seatrial.trial.preparation import Preparation

__all__ = ["Surroundings", "launch", "plan_only"]


@dataclass(frozen=True)
class Surroundings:
    """What is not the project's: passed in, so that a test can choose it."""

    environ: Mapping[str, str]
    home: Path
    wall_clock: Callable[[], datetime]
    """Returns the time in UTC."""
    token: Callable[[], str]
    """Six characters that tell apart the trials of one second."""
    clock: Callable[[], float] = time.monotonic


async def plan_only(
    project: Path,
    loaded: LoadedSettings,
    arguments: Sequence[str],
    surroundings: Surroundings,
) -> Plan:
    """Plan a trial and run nothing; no engine need answer.

    Raises:
        UsageFault, EnvironmentFault: see `make_plan` and `find_compose`.
    """
    endpoint = _endpoint_or_none(surroundings)
    environ = endpoint.environ(surroundings.environ) if endpoint else surroundings.environ

    async def local() -> bool:
        return endpoint is None or endpoint.local

    compose = await find_compose(environ, project)
    identity = _identify(project, surroundings)
    plan = await _plan(compose, identity, project, loaded, arguments, local=local)
    if not loaded.settings.prepared or not await local():
        return plan
    from seatrial.trial.preparation import told_as_done  # noqa: PLC0415 - see above

    done = told_as_done(loaded.settings.prepare)
    return tell_prepared(plan, done, loaded.settings.throwaway_services)


async def launch(
    project: Path,
    loaded: LoadedSettings,
    arguments: Sequence[str],
    surroundings: Surroundings,
    *,
    announce: Callable[[Plan, Identity], "Observer"],
    fresh: bool,
) -> "tuple[Record, RunFolder]":
    """Run a trial of the project. `announce` is given the plan and returns the display.

    Unless it is to be `fresh`, the record of a trial in which nothing was different is returned
    instead; its `reused` says so, and nothing is announced.

    Raises:
        UsageFault, EnvironmentFault: the trial could not begin; afterwards, faults are in the
            record.
    """
    endpoint = find_endpoint(surroundings.environ, surroundings.home)
    identity = _identify(project, surroundings)
    max_age_s = 0 if fresh else loaded.settings.reuse.max_age
    async with contextlib.AsyncExitStack() as opened:
        opening = asyncio.create_task(_open(endpoint, opened))

        async def local() -> bool:
            return (await opening)[1]

        async def planned() -> tuple[Compose, Plan]:
            compose = await find_compose(endpoint.environ(surroundings.environ), project)
            plan = await _plan(compose, identity, project, loaded, arguments, local=local)
            return compose, plan

        planning = asyncio.create_task(planned())
        try:
            (compose, plan), (engine, engine_is_local) = await asyncio.gather(planning, opening)
        finally:
            # The one need not go on if the other has failed, but must come to its end.
            for task in (planning, opening):
                task.cancel()
            await asyncio.gather(planning, opening, return_exceptions=True)
        from seatrial.trial.reuse import (  # noqa: PLC0415 - see above
            Ledger,
            find_reusable,
            hash_stock_of,
            seal,
            take_stock,
        )

        ledger = Ledger(project, surroundings.wall_clock)
        stock = await take_stock(
            engine,
            plan,
            loaded.settings,
            compose_version=compose.version,
            environ=surroundings.environ,
            home=surroundings.home,
        )
        if found := await find_reusable(ledger, stock, max_age_s, asked_for=identity.trial):
            return found
        from seatrial.trial.changed import narrow  # noqa: PLC0415
        from seatrial.trial.prepared import with_prepared  # noqa: PLC0415

        missing: tuple[Preparation, ...] = ()
        if loaded.settings.prepared and engine_is_local:
            plan, missing = await with_prepared(
                engine, plan, loaded.settings.prepare, loaded.settings.throwaway_services
            )
        narrowing = None
        if loaded.settings.changed:
            narrowing = await narrow(plan, loaded.settings, stock=stock, ledger=ledger)
        refuse_impossible(plan, loaded.settings.workers)
        from seatrial.evidence.folder import new_run_folder  # noqa: PLC0415
        from seatrial.trial.begin import begin  # noqa: PLC0415
        from seatrial.trial.rig import Rig, open_journal  # noqa: PLC0415

        folder = new_run_folder(project, identity.trial)
        observer = announce(plan, identity)
        reaper = await asyncio.to_thread(Reaper, identity.trial, folder.path)
        compose = replace(compose, on_start=reaper.child_started)
        clock = surroundings.clock
        journal = open_journal(engine, folder, observer, clock, local=engine_is_local)
        beginning = begin(
            compose,
            plan,
            folder,
            journal,
            started=surroundings.wall_clock(),
            limit_s=loaded.settings.timeouts.build,
        )
        try:
            async with beginning as begun:
                await asyncio.to_thread(_import_runner)
                from seatrial.trial.runner import run_trial  # noqa: PLC0415
                from seatrial.trial.workers import divide_work  # noqa: PLC0415

                known, division = await divide_work(
                    plan, loaded.settings, await engine.info(), narrowing
                )
                rig = Rig(
                    engine=engine,
                    compose=compose,
                    plan=plan,
                    settings=loaded.settings,
                    setting_sources=loaded.sources,
                    folder=folder,
                    observer=observer,
                    clock=clock,
                    known=known,
                    division=division,
                    narrowing=narrowing,
                    missing=missing,
                    engine_is_local=engine_is_local,
                )
                hashing = asyncio.create_task(hash_stock_of(ledger, stock))
                try:
                    record = await run_trial(
                        rig,
                        begun,
                        trial=identity.trial,
                        loaded=loaded,
                        wall_clock=surroundings.wall_clock,
                    )
                    record = await seal(ledger, engine, record, stock, hashing)
                finally:
                    hashing.cancel()
        except SeatrialError:
            await asyncio.to_thread(reaper.dismiss)
            raise
        except BaseException:
            # Not foreseen, so it is not known what has been cleaned up.
            await asyncio.to_thread(reaper.call)
            raise
        if record.clean_up.left:
            reaper.leave_to_it()
        else:
            await asyncio.to_thread(reaper.dismiss)
    return record, folder


async def _open(endpoint: Endpoint, opened: contextlib.AsyncExitStack) -> tuple[Engine, bool]:
    """The engine, and whether it sees this machine's files; `opened` closes it."""
    await asyncio.to_thread(_import_client)
    engine = await opened.enter_async_context(open_engine(endpoint))
    system = str((await engine.info()).get("OperatingSystem"))
    return engine, endpoint.local and "Docker Desktop" not in system


def _import_client() -> None:
    with _no_collection():
        import_client()
        import seatrial.trial.reuse  # noqa: F401, PLC0415 - see above


def _import_runner() -> None:
    with _no_collection():
        import seatrial.trial.runner  # noqa: PLC0415 - see above
        import seatrial.trial.workers  # noqa: F401, PLC0415


@contextlib.contextmanager
def _no_collection() -> Iterator[None]:
    """Modules stay: looking for garbage takes a third of the time that importing them does."""
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        gc.enable()


async def _plan(
    compose: Compose,
    identity: Identity,
    project: Path,
    loaded: LoadedSettings,
    arguments: Sequence[str],
    *,
    local: Callable[[], Awaitable[bool]],
) -> Plan:
    async def copies() -> bool:
        from seatrial.trial.sources import copies_sources  # noqa: PLC0415 - see above

        return copies_sources(loaded.settings.source, engine_is_local=await local())

    plan = await make_plan(
        compose,
        project=project,
        name=identity.compose_project,
        slug=identity.slug,
        settings=loaded.settings,
        labels=identity.labels,
        arguments=arguments,
        copy_sources=copies,
        has_tracked_files=_has_tracked_files,
    )
    from seatrial.evidence.folder import own_folder  # noqa: PLC0415 - see above
    from seatrial.trial.build_context import tell_left_out  # noqa: PLC0415

    return replace(plan, changes=(*plan.changes, *tell_left_out(plan.form, own_folder(project))))


def _has_tracked_files(folder: Path) -> bool:
    from seatrial.evidence.commit import has_tracked_files  # noqa: PLC0415 - see above

    return has_tracked_files(folder)


def _identify(project: Path, surroundings: Surroundings) -> Identity:
    return name_trial(project, surroundings.wall_clock(), surroundings.token(), this_process())


def _endpoint_or_none(surroundings: Surroundings) -> Endpoint | None:
    try:
        return find_endpoint(surroundings.environ, surroundings.home)
    except EnvironmentFault:
        return None
