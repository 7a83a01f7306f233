"""Brings together what a trial needs, from the project's folder to the record."""

import asyncio
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

from seatrial.engine.connect import Endpoint, find_endpoint, import_client, open_engine
from seatrial.errors import EnvironmentFault, SeatrialError
from seatrial.evidence.commit import has_tracked_files
from seatrial.evidence.folder import RunFolder, new_run_folder
from seatrial.evidence.record import Record
from seatrial.selection.share import EVERYTHING
from seatrial.settings import LoadedSettings
from seatrial.stack.compose import Compose, find_compose
from seatrial.stack.plan import Plan, make_plan
from seatrial.trial.identity import Identity, name_trial, this_process
from seatrial.trial.observer import Observer
from seatrial.trial.reaper import Reaper
from seatrial.trial.rig import Rig
from seatrial.trial.runner import run_trial
from seatrial.trial.sources import copies_sources

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
    compose = await find_compose(environ, project)
    identity = _identify(project, surroundings)
    local = endpoint is None or endpoint.local
    return await _plan(compose, identity, project, loaded, arguments, local=local)


async def launch(
    project: Path,
    loaded: LoadedSettings,
    arguments: Sequence[str],
    surroundings: Surroundings,
    *,
    announce: Callable[[Plan, Identity], Observer],
) -> tuple[Record, RunFolder]:
    """Run a trial of the project. `announce` is given the plan and returns the display.

    Raises:
        UsageFault, EnvironmentFault: the trial could not begin; afterwards, faults are in the
            record.
    """
    endpoint = find_endpoint(surroundings.environ, surroundings.home)
    # The engine's client takes a while to import; Compose answers meanwhile.
    compose, _ = await asyncio.gather(
        find_compose(endpoint.environ(surroundings.environ), project),
        asyncio.to_thread(import_client),
    )
    async with open_engine(endpoint) as engine:
        identity = _identify(project, surroundings)
        info = await engine.info()
        local = endpoint.local and "Docker Desktop" not in str(info.get("OperatingSystem"))
        plan = await _plan(compose, identity, project, loaded, arguments, local=local)
        folder = new_run_folder(project, identity.trial)
        reaper = await asyncio.to_thread(Reaper, identity.trial, folder.path)
        try:
            rig = Rig(
                engine=engine,
                compose=replace(compose, on_start=reaper.child_started),
                plan=plan,
                settings=loaded.settings,
                setting_sources=loaded.sources,
                folder=folder,
                observer=announce(plan, identity),
                clock=surroundings.clock,
                share=EVERYTHING,
                engine_is_local=local,
            )
            record = await run_trial(
                rig, trial=identity.trial, loaded=loaded, wall_clock=surroundings.wall_clock
            )
        except SeatrialError:
            await asyncio.to_thread(reaper.dismiss)
            raise
        except BaseException:
            # Not foreseen, so it is not known what has been cleaned up.
            await asyncio.to_thread(reaper.call)
            raise
        await asyncio.to_thread(reaper.dismiss)
    return record, folder


async def _plan(
    compose: Compose,
    identity: Identity,
    project: Path,
    loaded: LoadedSettings,
    arguments: Sequence[str],
    *,
    local: bool,
) -> Plan:
    return await make_plan(
        compose,
        project=project,
        name=identity.compose_project,
        slug=identity.slug,
        settings=loaded.settings,
        labels=identity.labels,
        arguments=arguments,
        copy_sources=copies_sources(loaded.settings.source, engine_is_local=local),
        has_tracked_files=has_tracked_files,
    )


def _identify(project: Path, surroundings: Surroundings) -> Identity:
    return name_trial(project, surroundings.wall_clock(), surroundings.token(), this_process())


def _endpoint_or_none(surroundings: Surroundings) -> Endpoint | None:
    try:
        return find_endpoint(surroundings.environ, surroundings.home)
    except EnvironmentFault:
        return None
