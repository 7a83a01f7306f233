"""Plans a project's trial: what each run of the project begins with.

Modules that few need, or that can be imported while Compose reads the project's files, are imported
where they are used.
"""

import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

from seatrial.engine.connect import Endpoint, find_endpoint
from seatrial.errors import EnvironmentFault
from seatrial.settings import LoadedSettings
from seatrial.stack.compose import Compose, find_compose
from seatrial.stack.plan import Plan, make_plan
from seatrial.stack.prepared import tell_prepared
from seatrial.trial.identity import Identity, name_trial, this_process

__all__ = ["Surroundings", "identify", "plan_only", "plan_trial"]


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
    identity = identify(project, surroundings)
    plan = await plan_trial(compose, identity, project, loaded, arguments, local=local)
    if not loaded.settings.prepared or not await local():
        return plan
    from seatrial.trial.preparation import told_as_done  # noqa: PLC0415 - see above

    done = told_as_done(loaded.settings.prepare)
    return tell_prepared(plan, done, loaded.settings.throwaway_services)


async def plan_trial(
    compose: Compose,
    identity: Identity,
    project: Path,
    loaded: LoadedSettings,
    arguments: Sequence[str],
    *,
    local: Callable[[], Awaitable[bool]],
) -> Plan:
    """Plan a trial; `local` tells whether the engine sees this machine's files.

    Raises:
        UsageFault, EnvironmentFault: see `make_plan`.
    """

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


def identify(project: Path, surroundings: Surroundings) -> Identity:
    """Name a trial that begins now."""
    return name_trial(project, surroundings.wall_clock(), surroundings.token(), this_process())


def _endpoint_or_none(surroundings: Surroundings) -> Endpoint | None:
    try:
        return find_endpoint(surroundings.environ, surroundings.home)
    except EnvironmentFault:
        return None
