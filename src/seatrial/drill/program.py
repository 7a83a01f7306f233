"""Runs the real program on the copy, as a user would, and does to it what a drill wants."""

import asyncio
import contextlib
import json
import os
import signal
import sys
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from seatrial.engine.api import Engine
from seatrial.engine.archive import read_small_file
from seatrial.engine.faults import engine_faults
from seatrial.engine.labels import label_of
from seatrial.errors import EnvironmentFault
from seatrial.stack.instrument import PROBE_OUTPUT

__all__ = ["Act", "Ended", "Interference", "Running", "run_program"]

_INTERRUPT_WAIT_S = 60.0
"""A trial cleans up after SIGINT; an engine that is slow may need this long."""
_PAUSE_S = 0.2
_MAX_PROGRESS = 1 << 19


@dataclass(frozen=True)
class Ended:
    """How the program ended, and what it said."""

    exit_code: int | None
    """Negative: the number of the signal that killed it; None: it did not end in time."""
    stdout: bytes
    stderr: bytes
    trial: str | None
    """Its trial's id; None: it did not come to one."""
    fault: str = ""
    """Why the drill could not do what it wanted meanwhile; empty: it could."""


@dataclass(frozen=True)
class Running:
    """A trial that is under way."""

    engine: Engine
    pid: int
    runs: Path
    """Where the copy's trials are."""
    before: frozenset[str]
    """The trials that were there before."""

    def trial(self) -> str | None:
        """The trial's id, as soon as it has one."""
        return next(iter(_trials(self.runs) - self.before), None)

    def kill(self) -> None:
        """Kill the program as the kernel or `kill -9` would."""
        with contextlib.suppress(ProcessLookupError):
            os.kill(self.pid, signal.SIGKILL)

    async def test_runs(self, service: str, test: str) -> str:
        """Wait until the test runs in the test service's container; the trial's label."""
        while True:
            trial = self.trial()
            # A container can be gone between two questions; whoever asks in vain asks again.
            with contextlib.suppress(EnvironmentFault), engine_faults("the trial of a drill"):
                if trial and await self._is_running(label_of(trial), service, test):
                    return label_of(trial)
            await asyncio.sleep(_PAUSE_S)

    async def _is_running(self, label: str, service: str, test: str) -> bool:
        for container in await self.engine.containers(label):
            if container.service == service and container.state == "running":
                raw = await read_small_file(
                    self.engine,
                    container.id,
                    f"{PROBE_OUTPUT}/progress.json",
                    max_bytes=_MAX_PROGRESS,
                )
                with contextlib.suppress(ValueError, AttributeError):
                    if test in str(json.loads(raw or b"{}").get("running")):
                        return True
        return False


Act = Callable[[Running, str], Awaitable[None]]
"""What is done while the test runs; given the trial's label too."""


@dataclass(frozen=True)
class Interference:
    """What to do, and the sign that it is time."""

    act: Act
    service: str
    """The test service."""
    test: str
    """A part of the node id of the test that must be running."""


async def run_program(
    engine: Engine,
    project: Path,
    arguments: Sequence[str],
    *,
    environ: Mapping[str, str],
    interference: Interference | None,
    timeout_s: float,
) -> Ended:
    """Run a trial of `project` to its end, and interfere once its test runs.

    If the caller is cancelled, or its time is up, the program is interrupted and ends in order; if
    it does not, it is killed.
    """
    runs = project / ".seatrial" / "runs"
    before = frozenset(_trials(runs))
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "seatrial", "run", "--json", "--fresh", "--", *arguments),
        cwd=project,
        env=dict(environ),
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        # In a terminal Ctrl-C would else reach it as well, and the drill could not end it in order.
        start_new_session=True,
    )
    running = Running(engine, process.pid, runs, before)
    talking = asyncio.create_task(process.communicate())
    begun = asyncio.Event()
    acting = asyncio.create_task(_interfere(running, interference, begun))
    try:
        done, _ = await asyncio.wait({talking}, timeout=timeout_s)
    finally:
        if not talking.done():
            await _end(process, talking)
        if not begun.is_set():
            acting.cancel()
        await asyncio.gather(acting, return_exceptions=True)
    stdout, stderr = talking.result()
    code = process.returncode if done else None
    return Ended(code, stdout, stderr, running.trial(), _fault(acting))


async def _interfere(
    running: Running, interference: Interference | None, begun: asyncio.Event
) -> None:
    if interference is None:
        begun.set()
        return
    label = await running.test_runs(interference.service, interference.test)
    begun.set()  # from here on it comes to its end: a connection that it cut is mended
    await interference.act(running, label)


def _fault(acting: "asyncio.Task[None]") -> str:
    if acting.cancelled():
        return "the trial ended before its test was seen to run"
    error = acting.exception()
    return f"{type(error).__name__}: {error}" if error else ""


async def _end(
    process: asyncio.subprocess.Process, talking: "asyncio.Task[tuple[bytes, bytes]]"
) -> None:
    with contextlib.suppress(ProcessLookupError):
        process.send_signal(signal.SIGINT)
    done, _ = await asyncio.wait({talking}, timeout=_INTERRUPT_WAIT_S)
    if not done:
        # The reaper removes what it leaves.
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)
        await asyncio.wait({talking})


def _trials(runs: Path) -> set[str]:
    try:
        return {path.name for path in runs.iterdir()}
    except OSError:
        return set()
