"""Finds out when a started service can be used, and by what proof."""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

from seatrial.engine.api import Engine, ExecResult
from seatrial.evidence.hostile import plain_text
from seatrial.stack.health_defaults import INTERVAL_S, RETRIES, TIMEOUT_S
from seatrial.stack.servers import KnownServer, recognise

__all__ = ["HealthCheck", "Proof", "Readiness", "read_health_check", "watch_service"]

Proof = Literal["health check", "client", "port", "completed", "none"]
"""How it was shown that a service is ready; `none`: it was started, and no more is known."""

FIRST_PAUSE_S = 0.02
LAST_PAUSE_S = 0.25
PAUSE_GROWTH = 1.4
"""Pauses between attempts: short at first, since most services are ready within a second, and
never longer than a quarter of one, so that at most that is lost."""
DOOR_PAUSE_S = 0.02
DOOR_PATIENCE_S = 1.0
"""Before a check is run in a container, its port is watched from outside, which costs nothing,
where an exec takes 50 ms of a core that the starting server needs. A check is run once a second
all the same: the port may be another than we think."""
UNDECLARED_PATIENCE_S = 30.0
"""For a service without a health check: what we try is our idea, so it must not fail a trial."""
GUARD_PATIENCE_S = 60.0
"""For a known server whose own health check has passed: the TCP port opens after the set-up."""
PORT_TIMEOUT_S = 1.0
UNPROVEN_WAIT_S = 1.0
"""For a service that nothing can prove to be ready: one whose configuration is wrong ends within
about half a second, and must not be taken for started."""
CLIENT_TIMEOUT_S = 5.0
HOPELESS_AFTER = 3
"""Attempts in a row: an exec into a container that is just starting can fail in the same way."""
NOT_FOUND, NOT_EXECUTABLE = 127, 126
_NS = 1_000_000_000


@dataclass(frozen=True)
class HealthCheck:
    """A container's health check, times in seconds."""

    command: tuple[str, ...]
    timeout: float
    patience: float
    """How long the engine would wait before it calls the service unhealthy."""


@dataclass(frozen=True)
class Readiness:
    """What became of a started service."""

    state: Literal["ready", "started", "completed", "exited", "unready"]
    """`started`: it runs, and readiness could not be proven; `completed`: it ended with 0."""
    proof: Proof
    seconds: float
    """From its start to the proof."""
    attempts: int
    exit_code: int | None = None
    detail: str = ""
    """The last answer of the health check or client, if the service did not become ready."""
    hopeless: bool = False
    """Trying again changes nothing: the image lacks the program that the check runs."""


def read_health_check(config: Mapping[str, Any]) -> HealthCheck | None:
    """The health check in a container's `Config`; None if there is none or it is switched off.

    What is missing is as the engine takes it; then there is no start period.
    """
    raw = config.get("Healthcheck") or {}
    test = raw.get("Test") or []
    if not test or test[0] == "NONE":
        return None
    shell = config.get("Shell") or ["/bin/sh", "-c"]
    command = (*shell, *test[1:]) if test[0] == "CMD-SHELL" else tuple(test[1:])
    timeout = (raw.get("Timeout") or TIMEOUT_S * _NS) / _NS
    interval = (raw.get("Interval") or INTERVAL_S * _NS) / _NS
    retries = raw.get("Retries") or RETRIES
    start_period = (raw.get("StartPeriod") or 0) / _NS
    return HealthCheck(tuple(command), timeout, start_period + retries * (interval + timeout))


async def watch_service(
    engine: Engine,
    container: str,
    *,
    image: str,
    declared_ports: Sequence[int],
    reachable: bool,
    timeout_s: float,
    clock: Callable[[], float],
    must_complete: bool = False,
) -> Readiness:
    """Wait until a started container is ready, has ended, or has used up its time.

    Proof is, in this order: its own health check (and for a known server an answer over TCP), a
    known server's client, connections to the ports it declares. `reachable`: this machine can
    connect to the container's addresses. `must_complete`: others wait for it to end with 0, so
    only that counts.
    """
    began = clock()
    inspected = await engine.inspect(container)
    ended = asyncio.ensure_future(engine.wait(container))
    probing = asyncio.ensure_future(
        _never()
        if must_complete
        else _prove(
            engine,
            container,
            inspected,
            image=image,
            declared_ports=declared_ports,
            reachable=reachable,
            timeout_s=timeout_s,
        )
    )
    try:
        await asyncio.wait(
            {ended, probing},
            timeout=timeout_s if must_complete else None,
            return_when=asyncio.FIRST_COMPLETED,
        )
        seconds = clock() - began
        if ended.done():
            code = ended.result()
            if code == 0:
                return Readiness("completed", "completed", seconds, 0, exit_code=0)
            return Readiness("exited", "none", seconds, 0, exit_code=code)
        if not probing.done():
            return Readiness("unready", "none", seconds, 0, detail="it has not ended")
        found = probing.result()
        return Readiness(
            found.state,
            found.proof,
            seconds,
            found.attempts,
            detail=found.detail,
            hopeless=found.hopeless,
        )
    finally:
        for task in (ended, probing):
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError, Exception):
                await task


@dataclass(frozen=True)
class _Found:
    state: Literal["ready", "started", "unready"]
    proof: Proof
    attempts: int
    detail: str = ""
    hopeless: bool = False


@dataclass(frozen=True)
class _Answer:
    """What one attempt brought."""

    passed: bool
    detail: str = ""
    hopeless: bool = False


async def _prove(
    engine: Engine,
    container: str,
    inspected: Mapping[str, Any],
    *,
    image: str,
    declared_ports: Sequence[int],
    reachable: bool,
    timeout_s: float,
) -> _Found:
    config = inspected["Config"]
    check = read_health_check(config)
    server = recognise(image, inspected.get("Args") or ())
    addresses = _addresses(inspected) if reachable else ()
    exposed = _exposed_ports(config)
    ports = declared_ports or ([server.port] if server else exposed)
    door = _Door(addresses[0], ports) if addresses and ports else None
    attempts = 0
    if check:
        patience = max(timeout_s, check.patience)
        answer, attempts = await _until(
            lambda: _check_passes(engine, container, check), patience, door
        )
        if not answer.passed:
            return _Found("unready", "none", attempts, answer.detail, answer.hopeless)
    if check and (server is None or (door and door.opened)):
        return _Found("ready", "health check", attempts)
    if server:
        patience = min(timeout_s, GUARD_PATIENCE_S if check else UNDECLARED_PATIENCE_S)
        answer, more = await _until(
            lambda: _client_answers(engine, container, server), patience, door
        )
        attempts += more
        if answer.passed and not check:
            return _Found("ready", "client", attempts)
    if check:
        return _Found("ready", "health check", attempts)
    if addresses and (declared_ports or exposed):
        # What the compose file declares must all be open; an image often exposes ports that a
        # given configuration does not use, so of those one is enough.
        ports, enough = (declared_ports, all) if declared_ports else (exposed, any)
        answer, more = await _until(
            lambda: _ports_open(addresses[0], ports, enough), min(timeout_s, UNDECLARED_PATIENCE_S)
        )
        if answer.passed:
            return _Found("ready", "port", attempts + more)
    # The caller sees it if the service ends meanwhile.
    await asyncio.sleep(UNPROVEN_WAIT_S)
    return _Found("started", "none", attempts)


async def _until(
    attempt: Callable[[], Awaitable[_Answer]], patience_s: float, door: "_Door | None" = None
) -> tuple[_Answer, int]:
    """Repeat `attempt` with growing pauses until it passes, cannot pass, or time is up.

    While `door` is closed, it is waited for before each attempt. Returns the last answer and the
    number of attempts.
    """
    pause, attempts, in_a_row, answer = FIRST_PAUSE_S, 0, 0, _Answer(passed=False, detail="none")
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(patience_s):
            while True:
                if door:
                    await door.wait()
                attempts += 1
                answer = await attempt()
                in_a_row = in_a_row + 1 if answer.hopeless else 0
                if answer.passed or in_a_row >= HOPELESS_AFTER:
                    return answer, attempts
                await asyncio.sleep(pause)
                pause = min(pause * PAUSE_GROWTH, LAST_PAUSE_S)
    return replace(answer, passed=False, hopeless=False), attempts


class _Door:
    """A container's ports as seen from this machine; open once one of them accepts a connection."""

    def __init__(self, address: str, ports: Sequence[int]) -> None:
        self._address = address
        self._ports = ports
        self.opened = False

    async def wait(self) -> None:
        """Wait until it is open, but not longer than DOOR_PATIENCE_S."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(DOOR_PATIENCE_S):
                while not self.opened:
                    self.opened = (await _ports_open(self._address, self._ports, any)).passed
                    if not self.opened:
                        await asyncio.sleep(DOOR_PAUSE_S)


async def _check_passes(engine: Engine, container: str, check: HealthCheck) -> _Answer:
    result = await _try_exec(engine, container, check.command, check.timeout)
    if result is None:
        return _Answer(passed=False, detail=f"the check did not end within {check.timeout:g} s")
    return _Answer(result.code == 0, _describe(result), _is_missing(result))


async def _client_answers(engine: Engine, container: str, server: KnownServer) -> _Answer:
    result = await _try_exec(engine, container, server.client, CLIENT_TIMEOUT_S)
    if result is None:
        return _Answer(passed=False, detail=f"{server.name} did not answer in time")
    passed = server.answers(result.code, result.output)
    return _Answer(passed, _describe(result), _is_missing(result))


async def _try_exec(
    engine: Engine, container: str, command: Sequence[str], timeout_s: float
) -> ExecResult | None:
    from aiodocker.exceptions import DockerError  # noqa: PLC0415 - imported late, see connect

    try:
        return await engine.exec(container, command, timeout_s=timeout_s)
    except TimeoutError:
        return None
    except DockerError as error:
        # A container that is just ending refuses; its exit is noticed elsewhere.
        return ExecResult(1, error.message)


def _describe(result: ExecResult) -> str:
    output = " ".join(plain_text(result.output).split())[-500:]
    if _is_missing(result):
        return f"the image lacks the program: {output or f'exit code {result.code}'}"
    return f"exit code {result.code}" + (f": {output}" if output else "")


def _is_missing(result: ExecResult) -> bool:
    return result.code in {NOT_FOUND, NOT_EXECUTABLE}


async def _ports_open(
    address: str, ports: Sequence[int], enough: Callable[[list[bool]], bool]
) -> _Answer:
    opened = await asyncio.gather(*(_port_open(address, port) for port in ports))
    return _Answer(enough(list(opened)))


async def _port_open(address: str, port: int) -> bool:
    try:
        async with asyncio.timeout(PORT_TIMEOUT_S):
            _, writer = await asyncio.open_connection(address, port)
    except (OSError, TimeoutError):
        return False
    writer.close()
    return True


def _exposed_ports(config: Mapping[str, Any]) -> list[int]:
    return [
        int(port.split("/")[0])
        for port in config.get("ExposedPorts") or {}
        if port.endswith("/tcp")
    ]


def _addresses(inspected: Mapping[str, Any]) -> tuple[str, ...]:
    networks = (inspected.get("NetworkSettings") or {}).get("Networks") or {}
    return tuple(n["IPAddress"] for n in networks.values() if n.get("IPAddress"))


async def _never() -> _Found:
    await asyncio.Event().wait()
    raise AssertionError  # pragma: no cover - the event is never set
