"""Start-up alone: Seatrial, `up --wait`, and the earliest moment at which a tight loop sees it.

The loop's flow is the plain one without its waiting: `docker compose up --detach`, and beside it a
loop per service that speaks the service's own protocol to it, every millisecond from the moment
the container has an address. So it pays for creating and starting containers and for what the
services themselves take, with the project's own settings; it pays for no interpreter, plan, build
or health check, all of which are in Seatrial's time.
"""

import asyncio
import contextlib
import subprocess
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from aiodocker.exceptions import DockerError

from bench.plain import compose_command
from seatrial.engine.api import Engine

__all__ = ["Greeting", "remove_built", "tight_loop", "up_and_wait"]

PAUSE_S = 0.001
"""Without any the loops would take a whole core from the services that they wait for."""
PATIENCE_S = 60.0

Greeting = tuple[int, bytes, bytes]
"""A port, what is sent to it, and how an answer begins that only a ready service gives."""


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
            await asyncio.gather(
                *(_answered(engine, name, service, said) for service, said in greetings.items())
            )
        return time.perf_counter() - began
    finally:
        await up.wait()
        down = await asyncio.create_subprocess_exec(
            *compose, "down", "-v", cwd=project, stderr=asyncio.subprocess.DEVNULL
        )
        await down.wait()


async def _answered(engine: Engine, name: str, service: str, greeting: Greeting) -> None:
    address = None
    while address is None or not await _answers(address, greeting):
        await asyncio.sleep(PAUSE_S)
        address = address or await _address(engine, name, service)


async def _address(engine: Engine, name: str, service: str) -> str | None:
    with contextlib.suppress(DockerError):  # listed, and gone before it was looked at
        for container in await engine.containers(f"com.docker.compose.project={name}"):
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
