"""Runs another program to its end, and ends it when it is no longer wanted."""

import asyncio
import contextlib
import os
import signal
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

__all__ = ["Completed", "run_process"]

INTERRUPT_WAIT_S = 0.5
"""After SIGINT: what a client needs to tell the engine to stop a build."""
TERMINATE_WAIT_S = 0.3
"""After SIGTERM, before SIGKILL; with the wait above, within the 2 s promised for Ctrl-C."""
MAX_CAPTURE_BYTES = 4 << 20
"""Captured per stream: the tail is kept, since errors stand at the end."""


@dataclass(frozen=True)
class Completed:
    """How a program ended, and what it printed (each stream's last 4 MiB)."""

    code: int
    stdout: str
    stderr: str


async def run_process(
    command: Sequence[str],
    *,
    cwd: Path,
    environ: Mapping[str, str],
    stdin: bytes = b"",
    on_line: Callable[[str], None] | None = None,
    on_start: Callable[[int], None] | None = None,
) -> Completed:
    """Run `command` in a session of its own, so that Ctrl-C reaches only Seatrial.

    `on_line` is given each line of both streams as it comes, `on_start` the process id.
    If the caller is cancelled the program and its children are interrupted, then terminated,
    then killed.

    Raises:
        FileNotFoundError: there is no such program.
    """
    process = await _start(command, cwd, environ)
    if on_start:
        on_start(process.pid)
    stdin_pipe, stdout_pipe, stderr_pipe = process.stdin, process.stdout, process.stderr
    if stdin_pipe is None or stdout_pipe is None or stderr_pipe is None:
        raise AssertionError  # pragma: no cover - PIPE was asked for
    try:
        stdout, stderr, _ = await asyncio.gather(
            _capture(stdout_pipe, on_line),
            _capture(stderr_pipe, on_line),
            _feed(stdin_pipe, stdin),
        )
        code = await process.wait()
    except BaseException:
        await _end(process)
        raise
    return Completed(code, stdout, stderr)


async def _start(
    command: Sequence[str], cwd: Path, environ: Mapping[str, str]
) -> asyncio.subprocess.Process:
    """Start a program, and end it again if the caller is cancelled meanwhile.

    asyncio itself waits for ever if it is cancelled in the middle of starting a program.
    """
    starting = asyncio.create_task(
        asyncio.create_subprocess_exec(
            *command,
            cwd=cwd,
            env=dict(environ),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            start_new_session=True,
        )
    )
    try:
        return await asyncio.shield(starting)
    except asyncio.CancelledError:
        with contextlib.suppress(OSError):
            await _end(await starting)
        raise


async def _feed(stream: asyncio.StreamWriter, data: bytes) -> None:
    with contextlib.suppress(BrokenPipeError, ConnectionResetError):
        stream.write(data)
        await stream.drain()
    stream.close()


async def _capture(stream: asyncio.StreamReader, on_line: Callable[[str], None] | None) -> str:
    kept = bytearray()
    async for chunk in _lines(stream):
        kept += chunk
        if len(kept) > 2 * MAX_CAPTURE_BYTES:
            del kept[:-MAX_CAPTURE_BYTES]
        if on_line:
            on_line(chunk.decode(errors="replace").rstrip("\r\n"))
    return kept[-MAX_CAPTURE_BYTES:].decode(errors="replace")


async def _lines(stream: asyncio.StreamReader) -> AsyncIterator[bytes]:
    """Lines, and of a line over 64 KiB its pieces (readline would raise)."""
    pending = b""
    while chunk := await stream.read(1 << 16):
        *lines, pending = (pending + chunk).split(b"\n")
        for line in lines:
            yield line + b"\n"
        if len(pending) >= 1 << 16:
            yield pending
            pending = b""
    if pending:
        yield pending


async def _end(process: asyncio.subprocess.Process) -> None:
    for number, wait_s in (
        (signal.SIGINT, INTERRUPT_WAIT_S),
        (signal.SIGTERM, TERMINATE_WAIT_S),
        (signal.SIGKILL, TERMINATE_WAIT_S),
    ):
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, number)
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(asyncio.shield(process.wait()), wait_s)
            break
    # The program may be gone before its children are.
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)
