"""Tries, while the tests run, whether a container of another network reaches the stack.

What keeps networks apart are rules of the engine's machine, which no compose file shows. So a
packet is sent, and must not arrive. It must not cost the trial any time: it runs beside the tests,
and is given up when they end.
"""

import asyncio
import contextlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from seatrial.engine.api import SERVICE_LABEL
from seatrial.engine.faults import engine_faults
from seatrial.errors import EnvironmentFault
from seatrial.evidence.hostile import plain_text
from seatrial.evidence.isolation import Isolation, TriedTarget
from seatrial.probe import isolation_source
from seatrial.stack.servers import recognise
from seatrial.trial.rig import Journal, Rig
from seatrial.trial.service import declared_ports

__all__ = ["find_targets", "measure_isolation", "read_answer", "read_cpuinfo"]

_PROJECT_LABEL = "com.docker.compose.project"
_HEAD_START_S = 1.0
"""For the tests: a container that starts beside pytest takes the core that pytest needs. On two
busy cores it cost a suite of 3 s another 0.8 s without this."""
_PATIENCE_S = 20.0
"""For a busy engine; the attempt itself takes at most 3 s."""
_ANY_PORT = 80
"""Of a service that names none: a closed port answers too, if the packet arrives."""
_MAX_TARGETS = 50
_MAX_ANSWER = 1 << 16
_RUN_PYTHON = 'exec "$(command -v python3 || command -v python)" -I -c "$@"'
_OVER = "the tests were over before it was known"


class _Unknown(Exception):
    """It could not be measured; its words say why."""


@dataclass(frozen=True)
class Target:
    """A port of a service by its address."""

    service: str
    address: str
    port: int


async def measure_isolation(rig: Rig, journal: Journal, *, over: asyncio.Event) -> None:
    """Measure and write it into the journal; `over` is set when the tests are.

    Never raises for what the engine or the container does. Not to be cancelled: what it makes it
    removes, and an engine that is asked to make something makes it although nobody listens.
    """
    began = rig.clock()
    try:
        with engine_faults("isolation"):
            said, targets = await _try(rig, journal, over)
        tried = read_answer(said, targets)
        journal.cpuinfo = read_cpuinfo(said)
        result = Isolation(targets=tried)
    except (EnvironmentFault, _Unknown) as fault:
        result = Isolation(why_not=" ".join(plain_text(str(fault)).split())[:300])
    journal.isolation = result.model_copy(update={"seconds": rig.clock() - began})


def find_targets(
    service: str, inspected: Mapping[str, Any], raw: Mapping[str, Any]
) -> tuple[Target, ...]:
    """The addresses of a container, each with the ports where something may listen."""
    config = inspected.get("Config") or {}
    exposed = [port.partition("/")[0] for port in config.get("ExposedPorts") or {}]
    ports = {int(port) for port in exposed if port.isdigit()} | set(declared_ports(raw))
    server = recognise(str(config.get("Image") or ""), inspected.get("Args") or ())
    if server:
        ports.add(server.port)
    networks = (inspected.get("NetworkSettings") or {}).get("Networks") or {}
    addresses = sorted({str(n["IPAddress"]) for n in networks.values() if n.get("IPAddress")})
    return tuple(
        Target(service, address, port)
        for address in addresses
        for port in sorted(ports or {_ANY_PORT})[:5]
    )


def read_answer(raw: bytes, targets: Sequence[Target]) -> tuple[TriedTarget, ...]:
    """Read what the container printed; nothing in it is trusted.

    Raises:
        _Unknown: it is not what the container prints, or its own network carries nothing.
    """
    try:
        answer = json.loads(raw)
        works = answer["network"]
        tried = tuple(
            TriedTarget(
                service=target.service,
                address=target.address,
                port=target.port,
                arrived=bool(one["arrived"]),
                seconds=float(one["seconds"]),
            )
            for target, one in zip(targets, answer["targets"], strict=True)
        )
    except (KeyError, TypeError, ValueError, RecursionError) as error:
        said = plain_text(raw[-200:].decode(errors="replace"))
        raise _Unknown(f"no answer that can be read: {said}") from error
    if works is not True:
        raise _Unknown("the network that it was tried from carries no packets itself")
    return tried


def read_cpuinfo(raw: bytes) -> str:
    """What a container printed of its machine's processor; empty if nothing."""
    try:
        told = json.loads(raw)["cpuinfo"]
    except (KeyError, TypeError, ValueError, RecursionError):
        return ""
    return told if isinstance(told, str) else ""


async def _try(rig: Rig, journal: Journal, over: asyncio.Event) -> tuple[bytes, tuple[Target, ...]]:
    """What the container printed, and the targets that it was given."""
    targets = await _targets(rig, journal)
    image = journal.services[rig.plan.selection.test].image
    if not targets or image is None:
        raise _Unknown("no service has an address of its own")
    with contextlib.suppress(TimeoutError):
        await asyncio.wait_for(over.wait(), _HEAD_START_S)
        raise _Unknown(_OVER)
    name = f"{rig.plan.name}-isolation"
    network = await rig.engine.create_network(name, rig.plan.labels)
    container = None
    try:
        config = _config(rig, image.id, network, targets)
        container = await rig.engine.create_container(config)
        said = bytearray()
        if await _runs_to_its_end(rig, container, over):
            async for piece in rig.engine.logs(container, tty=False, follow=False):
                said += piece[: _MAX_ANSWER - len(said)]
    finally:
        if container:
            await rig.engine.remove_container(container)
        await rig.engine.remove_network(network)
    if not said:
        raise _Unknown(_OVER if over.is_set() else "the container said nothing")
    # Each line has the engine's timestamp before it.
    lines = [line.partition(b" ")[2] for line in bytes(said).splitlines()]
    return b"\n".join(lines), targets


async def _targets(rig: Rig, journal: Journal) -> tuple[Target, ...]:
    found: list[Target] = []
    for name, service in journal.services.items():
        if service.container and service.state in {"ready", "started"}:
            inspected = await rig.engine.inspect(service.container)
            found += find_targets(name, inspected, rig.plan.form["services"][name])
    return tuple(found[:_MAX_TARGETS])


def _config(rig: Rig, image: str, network: str, targets: Sequence[Target]) -> dict[str, Any]:
    aims = json.dumps([(target.address, target.port) for target in targets])
    return {
        "Image": image,
        "Entrypoint": ["sh", "-c", _RUN_PYTHON, "sh", isolation_source().decode(), aims],
        "Cmd": [],
        "Healthcheck": {"Test": ["NONE"]},
        # Images that Compose built carry its labels; this is none of its containers.
        "Labels": {**rig.plan.labels, SERVICE_LABEL: "", _PROJECT_LABEL: ""},
        "Tty": False,
        "HostConfig": {
            "NetworkMode": network,
            "SecurityOpt": ["no-new-privileges"],
            "CapDrop": ["ALL"],
            # The least: whatever the tests leave is enough.
            "CpuShares": 2,
        },
    }


async def _runs_to_its_end(rig: Rig, container: str, over: asyncio.Event) -> bool:
    """Run the container; False: the tests were over first."""
    if over.is_set():
        return False
    await rig.engine.start(container)
    running = asyncio.ensure_future(rig.engine.wait(container))
    tasks = {running, asyncio.ensure_future(over.wait())}
    try:
        done, _ = await asyncio.wait(
            tasks, timeout=_PATIENCE_S, return_when=asyncio.FIRST_COMPLETED
        )
        if not done:
            raise _Unknown(f"no answer within {_PATIENCE_S:g} s")
        if running in done:
            running.result()
        return running in done
    finally:
        for task in tasks:
            task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await asyncio.gather(*tasks, return_exceptions=True)
