"""Start-up alone: Seatrial, `up --wait`, and the earliest moment at which a tight loop sees it.

A tight loop is one per service that speaks the service's own protocol to it, every millisecond from
the moment the container has an address. It watches two flows:

- a trial: how much later than it could be does Seatrial know that its services are ready?
- `docker compose up --detach`, the plain flow without its waiting: creating and starting containers
  and what the services take with the project's own settings, and no interpreter, plan, build or
  health check, all of which are in Seatrial's time.
"""

import asyncio
import contextlib
import subprocess
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from aiodocker.exceptions import DockerError

from bench.plain import compose_command
from bench.trials import run_trial
from seatrial.engine.api import Engine
from seatrial.trial.identity import PROJECT_LABEL, project_slug

__all__ = ["Greeting", "Ready", "loop_beside_trial", "remove_built", "tight_loop", "up_and_wait"]

PAUSE_S = 0.001
"""Without any the loops would take a whole core from the services that they wait for."""
PATIENCE_S = 60.0

Greeting = tuple[int, bytes, bytes]
"""A port, what is sent to it, and how an answer begins that only a ready service gives."""


@dataclass(frozen=True)
class Ready:
    """Seconds from the start of a trial's process until all services were ready."""

    told: float
    """As Seatrial tells it."""
    seen: float
    """As a tight loop beside it saw them."""


def remove_built(project: Path, compose_file: str, *, name: str) -> None:
    """Remove the images that `up` built under the name."""
    compose = compose_command(name, compose_file)
    down = [*compose, "down", "-v", "--rmi", "local"]
    subprocess.run(down, cwd=project, check=False, capture_output=True)


def up_and_wait(project: Path, compose_file: str, *, name: str, services: Sequence[str]) -> float:
    """Seconds that `docker compose up --wait` takes; all it made is removed afterwards."""
    compose = compose_command(name, compose_file)
    began = time.perf_counter()
    try:
        subprocess.run(
            [*compose, "up", "--wait", "--detach", *services],
            cwd=project,
            check=True,
            capture_output=True,
        )
        return time.perf_counter() - began
    finally:
        subprocess.run([*compose, "down", "-v"], cwd=project, check=False, capture_output=True)


async def tight_loop(
    engine: Engine,
    project: Path,
    compose_file: str,
    *,
    name: str,
    greetings: Mapping[str, Greeting],
) -> float:
    """Seconds from the start of `docker compose up --detach` until every service has answered.

    Raises:
        TimeoutError: one did not within a minute.
    """
    compose = compose_command(name, compose_file)
    began = time.perf_counter()
    up = await asyncio.create_subprocess_exec(
        *compose, "up", "--detach", *greetings, cwd=project, stderr=asyncio.subprocess.DEVNULL
    )
    try:
        async with asyncio.timeout(PATIENCE_S):
            await _all_answered(engine, f"com.docker.compose.project={name}", greetings)
        return time.perf_counter() - began
    finally:
        await up.wait()
        down = await asyncio.create_subprocess_exec(
            *compose, "down", "-v", cwd=project, stderr=asyncio.subprocess.DEVNULL
        )
        await down.wait()


async def loop_beside_trial(
    engine: Engine, project: Path, *arguments: str, greetings: Mapping[str, Greeting]
) -> Ready:
    """Run a trial with the loop beside it.

    Raises:
        TimeoutError: a service did not answer within a minute.
        CalledProcessError: the trial did not pass.
    """
    began = time.perf_counter()
    trial = asyncio.create_task(asyncio.to_thread(run_trial, project, *arguments))
    try:
        async with asyncio.timeout(PATIENCE_S):
            await _all_answered(engine, f"{PROJECT_LABEL}={project_slug(project)}", greetings)
        seen = time.perf_counter() - began
    finally:
        ran = await trial
    return Ready(told=ran.start, seen=seen)


async def _all_answered(engine: Engine, label: str, greetings: Mapping[str, Greeting]) -> None:
    await asyncio.gather(
        *(_answered(engine, label, service, said) for service, said in greetings.items())
    )


async def _answered(engine: Engine, label: str, service: str, greeting: Greeting) -> None:
    address = None
    while address is None or not await _answers(address, greeting):
        await asyncio.sleep(PAUSE_S)
        address = address or await _address(engine, label, service)


async def _address(engine: Engine, label: str, service: str) -> str | None:
    with contextlib.suppress(DockerError):  # listed, and gone before it was looked at
        for container in await engine.containers(label):
            if container.service == service:
                networks = (await engine.inspect(container.id))["NetworkSettings"]["Networks"]
                return next((n["IPAddress"] for n in networks.values() if n["IPAddress"]), None)
    return None


async def _answers(address: str, greeting: Greeting) -> bool:
    port, said, expected = greeting
    with contextlib.suppress(OSError, EOFError):
        reader, writer = await asyncio.open_connection(address, port)
        try:
            writer.write(said)
            return await reader.readexactly(len(expected)) == expected
        finally:
            writer.close()
    return False
