"""Brings together what a trial needs, from the project's folder to the record.

The larger part of the program is imported while others work: Compose, which reads the project's
files, and the builder.
"""

import asyncio
import contextlib
import gc
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from seatrial.engine.api import Engine
from seatrial.engine.connect import Endpoint, find_endpoint, import_client, open_engine
from seatrial.errors import SeatrialError
from seatrial.settings import LoadedSettings, Settings
from seatrial.stack.compose import Compose, find_compose
from seatrial.stack.plan import Plan
from seatrial.stack.twin import refuse_impossible
from seatrial.trial.identity import Identity
from seatrial.trial.planning import Surroundings, identify, plan_trial
from seatrial.trial.reaper import Reaper

if TYPE_CHECKING:
    from seatrial.evidence.fingerprint import Stock
    from seatrial.evidence.folder import RunFolder
    from seatrial.evidence.record import Record
    from seatrial.trial.changed import Narrowing
    from seatrial.trial.observer import Observer
    from seatrial.trial.preparation import Preparation
    from seatrial.trial.reuse import Ledger

__all__ = ["launch"]


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
    identity = identify(project, surroundings)
    max_age_s = 0 if fresh else loaded.settings.reuse.max_age
    async with contextlib.AsyncExitStack() as opened:
        compose, plan, engine, engine_is_local = await _find(
            project, identity, loaded, arguments, surroundings, opened
        )
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
        if past := await find_reusable(ledger, stock, max_age_s, asked_for=identity.trial):
            return past
        # Before anything is built: a file that is changed later is known as it was built.
        plan, missing, narrowing = await _decide(
            engine, plan, loaded.settings, stock, ledger, local=engine_is_local
        )
        from seatrial.evidence.folder import new_run_folder  # noqa: PLC0415
        from seatrial.trial.begin import begin  # noqa: PLC0415
        from seatrial.trial.rig import Rig, open_journal  # noqa: PLC0415

        folder = new_run_folder(project, identity.trial)
        observer = announce(plan, identity)
        async with _watched(identity.trial, folder.path) as reaper:
            compose = replace(compose, on_start=reaper.child_started)
            clock = surroundings.clock
            async with begin(
                compose,
                plan,
                folder,
                open_journal(engine, folder, observer, clock, local=engine_is_local),
                started=surroundings.wall_clock(),
                limit_s=loaded.settings.timeouts.build,
            ) as begun:
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
            if record.clean_up.left:
                reaper.leave_to_it()
    return record, folder


async def _find(
    project: Path,
    identity: Identity,
    loaded: LoadedSettings,
    arguments: Sequence[str],
    surroundings: Surroundings,
    opened: contextlib.AsyncExitStack,
) -> tuple[Compose, Plan, Engine, bool]:
    """Plan, and connect to the engine meanwhile; last, whether that sees this machine's files.

    `opened` ends the connection.
    """
    endpoint = find_endpoint(surroundings.environ, surroundings.home)
    opening = asyncio.create_task(_open(endpoint, opened))

    async def local() -> bool:
        return (await opening)[1]

    async def planned() -> tuple[Compose, Plan]:
        compose = await find_compose(endpoint.environ(surroundings.environ), project)
        return compose, await plan_trial(compose, identity, project, loaded, arguments, local=local)

    planning = asyncio.create_task(planned())
    try:
        (compose, plan), (engine, engine_is_local) = await asyncio.gather(planning, opening)
    finally:
        # The one need not go on if the other has failed, but must come to its end.
        for task in (planning, opening):
            task.cancel()
        await asyncio.gather(planning, opening, return_exceptions=True)
    return compose, plan, engine, engine_is_local


async def _decide(
    engine: Engine,
    plan: Plan,
    settings: Settings,
    stock: "Stock | str",
    ledger: "Ledger",
    *,
    local: bool,
) -> "tuple[Plan, tuple[Preparation, ...], Narrowing | None]":
    """The plan with what is prepared already, what is to be prepared, and which tests are to run.

    Raises:
        UsageFault, EnvironmentFault: the trial cannot be run as it is asked for.
    """
    from seatrial.trial.changed import narrow  # noqa: PLC0415 - see above
    from seatrial.trial.prepared import with_prepared  # noqa: PLC0415

    missing: tuple[Preparation, ...] = ()
    if settings.prepared and local:
        plan, missing = await with_prepared(
            engine, plan, settings.prepare, settings.throwaway_services
        )
    narrowing = None
    if settings.changed:
        narrowing = await narrow(plan, settings, stock=stock, ledger=ledger)
    refuse_impossible(plan, settings.workers)
    return plan, missing, narrowing


@contextlib.asynccontextmanager
async def _watched(trial: str, folder: Path) -> AsyncIterator[Reaper]:
    """Have somebody clean up after the trial if this program cannot."""
    reaper = await asyncio.to_thread(Reaper, trial, folder)
    try:
        yield reaper
    except SeatrialError:
        await asyncio.to_thread(reaper.dismiss)
        raise
    except BaseException:
        # Not foreseen, so it is not known what has been cleaned up.
        await asyncio.to_thread(reaper.call)
        raise
    if not reaper.is_on_its_own:
        await asyncio.to_thread(reaper.dismiss)


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
