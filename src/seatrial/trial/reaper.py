"""Removes a trial's leftovers if Seatrial itself is killed.

A process of its own, detached from Seatrial's session, that waits on a pipe. Seatrial writes the
ids of the programs it starts, and `done` when it has cleaned up itself. If the pipe ends without
that, Seatrial is dead, or could not reach the engine any more: its programs are ended, then
everything with the trial's label is removed, as soon as the engine answers.

While it waits it holds no more than the interpreter; what it needs is imported when it is needed.
"""

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import IO

from seatrial.errors import SeatrialError
from seatrial.trial.identity import label_of, process_start

__all__ = ["Reaper"]

_DONE = "done"
_CALM_SWEEPS = 2
"""Empty sweeps in a row before it ends: an engine may still be working on a last request."""
_PAUSE_S = 0.5
_MAX_SWEEPS = 120
ENGINE_PATIENCE_S = 600.0
"""For an engine that does not answer: one that is updated or started again takes about a minute."""


Sweep = Callable[[str, Path], Awaitable[None]]
"""Removes what is left of a trial, given its id and the log."""


class Reaper:
    """Seatrial's end of the pipe."""

    def __init__(self, trial: str, folder: Path) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "seatrial.trial.reaper", trial, str(folder / "reaper.log")],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
            cwd="/",
            text=True,
        )

    @property
    def is_on_its_own(self) -> bool:
        """Whether it waits for nothing more from here."""
        return self._process.stdin is None or self._process.stdin.closed

    def child_started(self, pid: int) -> None:
        """Tell of a program that must not outlive Seatrial."""
        self._send(f"{pid} {process_start(pid)}\n")

    def dismiss(self) -> None:
        """Tell that nothing is left to do."""
        self._send(_DONE)
        self.call()

    def call(self) -> None:
        """Let it do its work, unless it was dismissed, and wait for its end."""
        self.leave_to_it()
        self._process.wait()

    def leave_to_it(self) -> None:
        """Let it do its work after Seatrial's end: the engine may not answer for minutes."""
        if self._process.stdin:
            self._process.stdin.close()

    def _send(self, text: str) -> None:
        pipe = self._process.stdin
        if pipe is None or pipe.closed:
            return
        try:
            pipe.write(text)
            pipe.flush()
        except BrokenPipeError:
            pipe.close()


def _listen(pipe: IO[str]) -> dict[int, str] | None:
    """The programs that were started, once the pipe has ended; None after `done`."""
    programs = {}
    for line in pipe:
        if line.strip() == _DONE:
            return None
        pid, _, start = line.strip().partition(" ")
        if pid.isdecimal():
            programs[int(pid)] = start
    return programs


def _end_programs(programs: dict[int, str]) -> None:
    for pid, start in programs.items():
        # The id may belong to somebody else by now; the start time tells.
        if start and process_start(pid) == start:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(pid, signal.SIGKILL)


async def _sweep(trial: str, log: Path) -> None:
    import asyncio  # noqa: PLC0415 - see the module's docstring

    from seatrial.engine.connect import find_endpoint, open_engine  # noqa: PLC0415
    from seatrial.engine.faults import engine_faults  # noqa: PLC0415
    from seatrial.engine.remove import remove_labelled  # noqa: PLC0415

    async with open_engine(find_endpoint(os.environ, Path.home())) as engine:
        calm = 0
        for _ in range(_MAX_SWEEPS):
            with engine_faults("clean-up"):
                removal = await remove_labelled(engine, label_of(trial))
            if removal.removed or removal.left:
                calm = 0
                _tell(log, f"removed {removal.removed}; left {removal.left}")
            else:
                calm += 1
            if calm == _CALM_SWEEPS:
                return
            await asyncio.sleep(_PAUSE_S)


async def _sweep_in_time(
    trial: str,
    log: Path,
    *,
    sweep: Sweep = _sweep,
    patience_s: float = ENGINE_PATIENCE_S,
    pause_s: float = _PAUSE_S,
) -> None:
    """Sweep; as long as the engine does not answer, try again."""
    import asyncio  # noqa: PLC0415 - see the module's docstring

    deadline = time.monotonic() + patience_s
    told = ""
    while True:
        try:
            return await sweep(trial, log)
        except SeatrialError as error:
            said = f"{error.where}: {error.what}"
            if said != told:
                _tell(log, said)
                told = said
            if time.monotonic() >= deadline:
                _tell(log, "gave up; seatrial clean removes what is left")
                return None
        await asyncio.sleep(pause_s)


def main() -> None:
    """Wait, and clean up after a Seatrial that was killed."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    programs = _listen(sys.stdin)
    if programs is None:
        return
    import asyncio  # noqa: PLC0415 - see the module's docstring

    trial, log = sys.argv[1], Path(sys.argv[2])
    _tell(log, "Seatrial ended without cleaning up")
    _end_programs(programs)
    asyncio.run(_sweep_in_time(trial, log))


def _tell(log: Path, text: str) -> None:
    """Write a line; the log is made only then, since the record lists the folder's files."""
    with contextlib.suppress(OSError), log.open("a", encoding="utf-8") as file:
        file.write(f"{text}\n")


if __name__ == "__main__":
    main()
