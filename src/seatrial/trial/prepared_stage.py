"""Where databases are prepared: apart from the trial's stack, and with no way out to a network."""

import asyncio
from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

from seatrial.engine.faults import engine_faults
from seatrial.engine.logs import follow_log, last_lines
from seatrial.engine.project import create_containers
from seatrial.engine.readiness import watch_service
from seatrial.errors import EnvironmentFault
from seatrial.stack.filling import filling_plan
from seatrial.stack.prepared import Preparable, initial_environment
from seatrial.stack.twin import twin
from seatrial.trial.identity import STACK_LABEL, label_of_stack
from seatrial.trial.preparation import Preparation
from seatrial.trial.rig import Journal, Rig
from seatrial.trial.sources import fill_mounts, make_source_volumes

__all__ = ["filled", "set_up_alone"]

_PATIENCE_S = 60.0
_LAST_LINES = 1


@asynccontextmanager
async def set_up_alone(
    rig: Rig, preparation: Preparation, images: Mapping[str, str]
) -> AsyncIterator[dict[str, str]]:
    """Each database of `images` in a container without a network; yields those, by service.

    Raises:
        EnvironmentFault: one does not come up.
    """
    made: dict[str, str] = {}
    try:
        for wanted in preparation.databases:
            made[wanted.service] = await _create(rig, wanted, images[wanted.service])
            await _come_up(rig, wanted, made[wanted.service])
        yield made
    finally:
        await _remove(rig, made.values())


@asynccontextmanager
async def filled(
    rig: Rig, journal: Journal, preparation: Preparation, images: Mapping[str, str], log: str
) -> AsyncIterator[dict[str, str]]:
    """The databases of `images` in a stack of their own, filled by the project's command.

    Yields the databases' containers, by service. The command runs in the test image of this
    trial, as the test service has it, and what it prints goes to `log` in the trial's logs.

    Raises:
        EnvironmentFault: a database does not come up, or the command fails or takes too long.
    """
    test = rig.plan.selection.test
    image = journal.services[test].image
    if image is None or preparation.command is None:
        raise EnvironmentFault(
            "there is no test image", where=f"services.{test}", next_step="seatrial show"
        )
    plan = filling_plan(
        twin(rig.plan, f"{rig.plan.name}-prepare", STACK_LABEL),
        images,
        test_image=image.id,
        command=preparation.command,
    )
    own = replace(rig, plan=plan)
    made: dict[str, str] = {}
    try:
        made = await _create_stack(own)
        await asyncio.gather(
            *(_come_up(rig, wanted, made[wanted.service]) for wanted in preparation.databases)
        )
        await _run(own, made[test], log)
        yield {name: container for name, container in made.items() if name != test}
    finally:
        await _remove(rig, made.values())


async def _create_stack(rig: Rig) -> dict[str, str]:
    """Create the containers of a filling plan; by service. Clean-up finds them by their label."""
    services = list(rig.plan.form["services"])
    await make_source_volumes(rig)
    await create_containers(rig.compose, rig.plan.form, services, cwd=rig.project)
    with engine_faults("the containers"):
        listed = await rig.engine.containers(label_of_stack(rig.plan.name))
    made = {one.service: one for one in listed if one.service}
    if len(listed) != len(services) or set(made) != set(services):
        raise EnvironmentFault(
            "it is not one container for each service",
            where="services",
            next_step="check scale and deploy.replicas of the services",
        )
    for name, container in made.items():
        await fill_mounts(rig, name, container.id)
    return {name: container.id for name, container in made.items()}


async def _run(rig: Rig, container: str, log: str) -> None:
    """Run the command in the test service's container to its end."""
    where = f"services.{rig.plan.selection.test}"
    path = rig.folder.logs / log
    limit_s = rig.settings.timeouts.prepare
    with engine_faults(where):
        tty = (await rig.engine.inspect(container))["Config"]["Tty"]
        await rig.engine.start(container)
        following = asyncio.create_task(follow_log(rig.engine, container, path, tty=tty))
        try:
            async with asyncio.timeout(limit_s):
                code = await rig.engine.wait(container)
                await following
        except TimeoutError as error:
            raise EnvironmentFault(
                f"the command did not end within {limit_s:g} s",
                where=where,
                next_step="allow more with timeouts.prepare",
            ) from error
        finally:
            following.cancel()
    if code:
        said = "".join(f": {line}" for line in last_lines(path, _LAST_LINES))
        raise EnvironmentFault(
            f"the command ended with exit code {code}{said}",
            where=where,
            next_step=f"logs/{log} in the trial's folder has all that it printed",
        )


async def _create(rig: Rig, wanted: Preparable, image: str) -> str:
    config: dict[str, Any] = {
        "Image": image,
        "Cmd": list(wanted.command),
        "Env": [f"{k}={value}" for k, value in initial_environment(wanted.environment).items()],
        "Healthcheck": {"Test": ["NONE"]},
        "Labels": dict(rig.plan.labels),
        "HostConfig": {
            # What a script fetches from elsewhere would be kept as it once was.
            "NetworkMode": "none",
            "Mounts": [
                {"Type": "bind", "Source": m.source, "Target": m.target, "ReadOnly": True}
                for m in wanted.mounts
            ],
        },
    }
    return await rig.engine.create_container(config)


async def _come_up(rig: Rig, wanted: Preparable, container: str) -> None:
    await rig.engine.start(container)
    readiness = await watch_service(
        rig.engine,
        container,
        image=wanted.image,
        declared_ports=(),
        reachable=False,
        timeout_s=min(_PATIENCE_S, rig.settings.timeouts.start),
        clock=rig.clock,
    )
    if readiness.state != "ready":
        raise EnvironmentFault(
            f"it was {readiness.state} ({readiness.detail or 'no answer'})",
            where=f"services.{wanted.service}",
            next_step="prepared = false",
        )


async def _remove(rig: Rig, containers: Iterable[str]) -> None:
    await asyncio.gather(*(rig.engine.remove_container(one) for one in containers))
