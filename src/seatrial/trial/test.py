"""Phase `test`: the test container runs until it ends, or its time is up."""

import asyncio
from collections.abc import Coroutine
from dataclasses import dataclass
from typing import Any

from seatrial.engine.faults import engine_faults
from seatrial.engine.logs import follow_log
from seatrial.trial.isolation import measure_isolation
from seatrial.trial.live import follow_tests
from seatrial.trial.rig import Journal, Rig
from seatrial.trial.service import log_path
from seatrial.trial.start import StartedStack

__all__ = ["TestRun", "run_tests"]

STOP_GRACE_S = 5
"""For a test container whose time is up: enough for pytest to write its reports on SIGTERM."""


@dataclass(frozen=True)
class TestRun:
    """How the test container ended."""

    exit_code: int
    timed_out: bool
    out_of_memory: bool
    lost_services: tuple[str, ...]
    """Needed services that ended while the tests ran."""


async def run_tests(
    rig: Rig, journal: Journal, stack: StartedStack, *, stop: asyncio.Event
) -> TestRun:
    """Start the test container and wait for it; end it early once `stop` is set.

    Raises:
        EnvironmentFault: the container cannot be started.
    """
    name = rig.plan.selection.test
    log = log_path(name)
    with engine_faults(f"service {name}"):
        await rig.engine.start(stack.test_container)
        tty = (await rig.engine.inspect(stack.test_container))["Config"]["Tty"]
        follower = asyncio.create_task(
            follow_log(
                rig.engine,
                stack.test_container,
                rig.folder.path / log,
                tty=tty,
                on_line=lambda line: rig.observer.output("test", line),
            )
        )
        journal.log_tasks[log] = follower
        journal.resources.watch(name, stack.test_container)
        journal.update(name, log=log, container=stack.test_container)
        watchers = [
            asyncio.create_task(_watch(rig, journal, service))
            for service in rig.plan.selection.required
            if journal.services[service].state in {"ready", "started"}
        ]
        progress = asyncio.create_task(follow_tests(rig, journal.live, stack.test_container))
        over = asyncio.Event()
        if rig.place in {"", "workers/1/"}:  # what holds for one stack holds for its twins
            measuring = measure_isolation(rig, journal, over=over)
            journal.beside.append(asyncio.create_task(measuring))
        timed_out = False
        try:
            async with asyncio.timeout(rig.settings.timeouts.test):
                if await _ends_first(rig.engine.wait(stack.test_container), stop):
                    await rig.engine.stop(stack.test_container, grace_s=STOP_GRACE_S)
        except TimeoutError:
            timed_out = True
            await rig.engine.stop(stack.test_container, grace_s=STOP_GRACE_S)
        finally:
            over.set()
            for task in (*watchers, progress):
                task.cancel()
            # Without the engine a watcher fails, which says nothing of its service.
            seen = await asyncio.gather(*watchers, progress, return_exceptions=True)
            lost = tuple(name for name in seen if isinstance(name, str))
        await follower
        state = (await rig.engine.inspect(stack.test_container))["State"]
    journal.update(
        name,
        state="ran",
        exit_code=state["ExitCode"],
        out_of_memory=state["OOMKilled"],
    )
    return TestRun(state["ExitCode"], timed_out, state["OOMKilled"], lost)


async def _ends_first(running: Coroutine[Any, Any, int], stop: asyncio.Event) -> bool:
    """Whether `stop` was set before what runs came to its end."""
    tasks = asyncio.create_task(running), asyncio.create_task(stop.wait())
    try:
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        for task in done:
            task.result()
        return tasks[0] not in done
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _watch(rig: Rig, journal: Journal, service: str) -> str:
    container = journal.services[service].container
    assert container is not None  # noqa: S101 - a service in this state has one
    code = await rig.engine.wait(container)
    journal.update(service, exit_code=code)
    journal.note(f"service {service} ended with exit code {code} while the tests ran")
    return service
