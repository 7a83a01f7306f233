"""Asks which services can be reached from beside the tests, right after a failure.

The test container has ended by then, or never ran, so another container of its image on its
networks asks. That container has no mounts, and goes at once.
"""

import asyncio
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from seatrial.engine.api import SERVICE_LABEL
from seatrial.engine.faults import engine_faults
from seatrial.errors import EnvironmentFault
from seatrial.evidence.diagnosis import PortReach, ServiceReach
from seatrial.evidence.hostile import plain_text
from seatrial.probe import reach_source
from seatrial.trial.isolation import read_cpuinfo
from seatrial.trial.rig import Journal, Rig
from seatrial.trial.service import declared_ports

__all__ = [
    "Asked",
    "Question",
    "ask_from_beside",
    "read_answer",
    "run_question",
    "targets_of",
]

PATIENCE_S = 10.0
"""The container asks for at most 4 s; a busy engine takes its time to start it."""
_MAX_PORTS = 20
_MAX_ANSWER = 1 << 18
_MAX_TEXT = 200
_PROJECT_LABEL = "com.docker.compose.project"


@dataclass(frozen=True)
class Asked:
    """What the container found; sizes in bytes."""

    reach: tuple[ServiceReach, ...] = ()
    disk_free: int | None = None
    """Where the engine keeps containers' files."""
    memory_total: int | None = None
    memory_available: int | None = None
    cpuinfo: str = ""
    """The kernel's words on the processor of the engine's machine."""
    program: str = ""
    """The interpreter of the test image that asked."""
    error: str = ""
    """Why nobody could ask."""


@dataclass(frozen=True)
class Question:
    """What a container is started for."""

    image: str
    program: str
    """The image's Python."""
    targets: Sequence[Mapping[str, Any]]
    """Services, each with the ports that are tried."""
    networks: Sequence[str]
    """At least one; or one mode, such as `container:ID`."""
    names: Mapping[str, Any] = field(default_factory=dict)
    """How names are resolved, in the engine's words; empty: as the engine does."""


async def ask_from_beside(
    rig: Rig, journal: Journal, states: Mapping[str, Mapping[str, Any]], python: str | None
) -> Asked:
    """Ask for every service that should be there; `states` is what the engine knows of each.

    `python` is the interpreter that ran pytest, if that is known.
    """
    test = rig.plan.selection.test
    image = journal.services[test].image
    if image is None:
        return Asked(error="there is no test image to ask from")
    host = (states.get(test) or {}).get("HostConfig") or {}
    question = Question(
        image=image.id,
        program="",
        targets=targets_of(rig, journal, states),
        networks=_networks(rig, states),
        names={
            key: host[key]
            for key in ("Dns", "DnsOptions", "DnsSearch", "ExtraHosts")
            if host.get(key)
        },
    )
    error = "no answer"
    for program in dict.fromkeys(filter(None, (python, "python3", "python"))):
        try:
            async with asyncio.timeout(PATIENCE_S):
                with engine_faults("reachability"):
                    said = await run_question(rig, replace(question, program=program))
                    return replace(read_answer(said), program=program)
        except (EnvironmentFault, ValueError) as fault:
            error = str(fault)
        except TimeoutError:
            return Asked(error=f"no answer within {PATIENCE_S:g} s")
    return Asked(error=error)


def read_answer(raw: bytes) -> Asked:
    """Read what the container printed; nothing in it is trusted.

    Raises:
        ValueError: it is not what the container prints.
    """
    try:
        answer = json.loads(raw)
        return Asked(
            reach=tuple(_reach(found) for found in answer["reach"][:200]),
            disk_free=_size(answer["disk_free"]),
            memory_total=_size(answer["memory_total"]),
            memory_available=_size(answer["memory_available"]),
            cpuinfo=read_cpuinfo(raw),
        )
    except (KeyError, TypeError, AttributeError, RecursionError, ValueError) as error:
        said = " ".join(plain_text(raw[-500:].decode(errors="replace")).split())
        raise ValueError(f"no answer that can be read: {said[-_MAX_TEXT:]}") from error


def targets_of(
    rig: Rig, journal: Journal, states: Mapping[str, Mapping[str, Any]]
) -> list[Mapping[str, Any]]:
    """The services of `states` that should be there, each with the ports that are known."""
    return [
        {"service": name, "ports": _ports(inspected, rig.plan.form["services"][name])}
        for name, inspected in states.items()
        if name != rig.plan.selection.test and journal.services[name].state != "completed"
    ]


async def run_question(rig: Rig, question: Question) -> bytes:
    """Run a container that asks, and return what it printed.

    Raises:
        DockerError: the engine refuses, for example since there is no such program.
    """
    engine = rig.engine
    first, *further = question.networks
    container = await engine.create_container(
        {
            "Image": question.image,
            "Entrypoint": [question.program, "-I", "-c", reach_source().decode()],
            "Cmd": [json.dumps(question.targets)],
            "Healthcheck": {"Test": ["NONE"]},
            # Images that Compose built carry its labels; this is none of its containers.
            "Labels": {**rig.plan.labels, SERVICE_LABEL: "", _PROJECT_LABEL: ""},
            "Tty": False,
            "HostConfig": {
                "NetworkMode": first,
                "SecurityOpt": ["no-new-privileges"],
                **question.names,
            },
        }
    )
    try:
        for network in further:
            await engine.connect(network, container)
        await engine.start(container)
        await engine.wait(container)
        said = bytearray()
        async for piece in engine.logs(container, tty=False, follow=False):
            said += piece[: _MAX_ANSWER - len(said)]
    finally:
        await engine.remove_container(container)
    # Each line has the engine's timestamp before it.
    return b"\n".join(line.partition(b" ")[2] for line in bytes(said).splitlines())


def _networks(rig: Rig, states: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """What the test container is on, or would be: at least one entry."""
    test = rig.plan.selection.test
    if inspected := states.get(test):
        mode = str((inspected.get("HostConfig") or {}).get("NetworkMode") or "")
        if mode in {"host", "none"} or mode.startswith("container:"):
            return [mode]
        if names := list((inspected.get("NetworkSettings") or {}).get("Networks") or {}):
            return names
    keys = list(rig.plan.form["services"][test].get("networks") or {"default": None})
    declared = rig.plan.form.get("networks") or {}
    return [str((declared.get(key) or {}).get("name") or key) for key in keys]


def _ports(inspected: Mapping[str, Any], raw: Mapping[str, Any]) -> list[int]:
    """The TCP ports that the image or the compose file names."""
    exposed = (inspected.get("Config") or {}).get("ExposedPorts") or {}
    numbers = [port.partition("/")[0] for port in exposed if port.endswith("/tcp")]
    named = {int(number) for number in numbers if number.isdigit()} | set(declared_ports(raw))
    return sorted(named)[:_MAX_PORTS]


def _reach(found: Mapping[str, Any]) -> ServiceReach:
    return ServiceReach(
        service=_line(found["service"]),
        addresses=tuple(_line(address) for address in found["addresses"][:_MAX_PORTS]),
        error=_line(found["error"]),
        ports=tuple(
            PortReach(
                port=int(port),
                open=bool(answer["open"]),
                seconds=float(answer["seconds"]),
                error=_line(answer["error"]),
            )
            for port, answer in list(found["ports"].items())[:_MAX_PORTS]
        ),
    )


def _line(value: Any) -> str:
    return " ".join(plain_text(str(value)).split())[:_MAX_TEXT]


def _size(value: Any) -> int | None:
    return value if isinstance(value, int) and 0 <= value < 1 << 62 else None
