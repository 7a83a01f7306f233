"""Starts one service's containers and watches until they are ready, or are not going to be."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from seatrial.engine.api import Container
from seatrial.engine.faults import engine_faults
from seatrial.engine.logs import follow_log, last_lines
from seatrial.engine.readiness import Readiness, watch_service
from seatrial.errors import EnvironmentFault
from seatrial.trial.build import read_image
from seatrial.trial.rig import Journal, Rig

__all__ = [
    "FAILED_STATES",
    "declared_ports",
    "log_path",
    "must_complete",
    "service_fault",
    "start_service",
]

FAILED_STATES = frozenset({"exited", "unready"})
MAX_RESTARTS = 2
"""A service that does not become ready in its time, or ends although it asks to be restarted, is
started again this often; it is recorded, since it is a fault all the same."""
LOG_TAIL = 20
_LOG_SETTLE_S = 1.0
_STOP_GRACE_S = 1


async def start_service(
    rig: Rig,
    journal: Journal,
    name: str,
    containers: Sequence[Container],
    *,
    on_start: Callable[[], None] = lambda: None,
) -> Readiness:
    """Start all containers of a service; the result is the worst of theirs.

    `on_start` is called when the engine has started one.

    Raises:
        EnvironmentFault: the engine cannot start one.
    """
    results = await asyncio.gather(
        *(
            _start(rig, journal, name, n, container, on_start)
            for n, container in enumerate(containers, 1)
        )
    )
    worst = max(results, key=lambda result: result.state in FAILED_STATES)
    _note(rig, journal, name, worst)
    return worst


def must_complete(rig: Rig, name: str) -> bool:
    """Whether others wait for the service to end with 0."""
    return any(
        dependency.service == name and dependency.condition == "service_completed_successfully"
        for service in rig.plan.services.values()
        for dependency in service.depends_on
    )


async def service_fault(
    rig: Rig, journal: Journal, name: str, readiness: Readiness
) -> EnvironmentFault:
    """What to tell of a service that ended or did not become ready, with its last lines."""
    log = log_path(name, 1)
    if task := journal.log_tasks.get(log):
        await asyncio.wait({task}, timeout=_LOG_SETTLE_S)
    tail = last_lines(rig.folder.path / log, LOG_TAIL)
    if readiness.state == "exited":
        what = f"service {name} ended with exit code {readiness.exit_code} while starting"
        next_step = "its last lines say why"
        details = tail
    else:
        goal = "complete" if must_complete(rig, name) else "ready"
        times = journal.services[name].restarts + 1
        again = f", started {times} times" if times > 1 else ""
        what = f"service {name} did not become {goal} within {readiness.seconds:.0f} s{again}"
        next_step = (
            "mend the service or its health check; a service that needs longer gets it with "
            "--start-timeout (setting: timeouts.start)"
        )
        details = (*tail, f"last health output: {readiness.detail}")
    return EnvironmentFault(
        what, where=f"services.{name}, {log}", next_step=next_step, details=details
    )


async def _start(
    rig: Rig,
    journal: Journal,
    name: str,
    number: int,
    container: Container,
    on_start: Callable[[], None],
) -> Readiness:
    log = log_path(name, number)
    with engine_faults(f"service {name}"):
        await rig.engine.start(container.id)
        on_start()
        inspected = await rig.engine.inspect(container.id)
        journal.resources.watch(name, container.id)
        image = inspected["Config"]["Image"]
        if number == 1:
            known = journal.services[name].image or await read_image(rig.engine, image, built=False)
            journal.update(name, log=log, image=known)
        for restarts in range(MAX_RESTARTS + 1):
            follower = asyncio.create_task(
                follow_log(
                    rig.engine, container.id, rig.folder.path / log, tty=inspected["Config"]["Tty"]
                )
            )
            journal.log_tasks[log] = follower
            readiness = await watch_service(
                rig.engine,
                container.id,
                image=image,
                declared_ports=declared_ports(rig.plan.form["services"][name]),
                reachable=rig.engine_is_local,
                timeout_s=rig.settings.timeouts.start,
                clock=rig.clock,
                must_complete=must_complete(rig, name),
            )
            if restarts == MAX_RESTARTS or not _may_heal(rig, name, readiness):
                return readiness
            journal.note(f"service {name} {_why(readiness)}; it was started again")
            journal.update(name, restarts=restarts + 1)
            rig.observer.service_changed(name, "starting", "again")
            await rig.engine.restart(container.id, grace_s=_STOP_GRACE_S)
            await follower  # ends with the container's first run; the next reads the whole log
    raise AssertionError  # pragma: no cover - the loop returns in its last round


def _may_heal(rig: Rig, name: str, readiness: Readiness) -> bool:
    if readiness.state == "unready":
        return not readiness.hopeless and not must_complete(rig, name)
    return readiness.state == "exited" and rig.plan.services[name].restarts


def _why(readiness: Readiness) -> str:
    if readiness.state == "exited":
        return f"ended with exit code {readiness.exit_code}"
    return f"was not ready after {readiness.seconds:.0f} s ({readiness.detail})"


def _note(rig: Rig, journal: Journal, name: str, readiness: Readiness) -> None:
    settled = readiness.state in {"ready", "completed"}
    journal.update(
        name,
        state=readiness.state,
        proof=readiness.proof,
        probes=readiness.attempts,
        exit_code=readiness.exit_code,
        ready_seconds=readiness.seconds if settled else None,
        ready_at=rig.clock() - journal.began if settled else None,
    )
    if readiness.state == "unready":
        journal.last_answers[name] = readiness.detail
    rig.observer.service_changed(
        name, readiness.state, readiness.proof if settled else readiness.detail
    )
    if readiness.state == "started":
        journal.note(
            f"service {name} was started; nothing shows that it is ready (it has no health "
            "check, no known client and no open port)"
        )


def log_path(name: str, number: int = 1) -> str:
    """The log of a service's container, in the trial's folder; `number` counts from 1."""
    return f"logs/{name}.log" if number == 1 else f"logs/{name}-{number}.log"


def declared_ports(raw: Mapping[str, Any]) -> list[int]:
    """The TCP ports that the compose file itself names."""
    declared = []
    for entry in raw.get("expose") or ():
        port, _, protocol = str(entry).partition("/")
        if port.isdigit() and protocol in {"", "tcp"}:
            declared.append(int(port))
    return declared
