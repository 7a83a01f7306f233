"""Streams a container's log into a file, with bounded memory and size."""

from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from seatrial.engine.api import Engine
from seatrial.evidence.folder import file_fault
from seatrial.evidence.hostile import plain_text

__all__ = ["follow_log", "last_lines"]

MAX_LOG_BYTES = 1 << 30
_TAIL_BYTES = 1 << 16
_CUT = b"\n[seatrial: the log was cut here, at 1 GiB]\n"


async def follow_log(
    engine: Engine,
    container: str,
    path: Path,
    *,
    tty: bool,
    on_line: Callable[[str], None] | None = None,
) -> None:
    """Write a container's log to `path` until it ends.

    Each line starts with the engine's timestamp. Past 1 GiB the rest is read and dropped.
    `on_line` is given each line, safe to show and without the timestamp.

    Raises:
        EnvironmentFault: the disk is full or not writable.
    """
    written = 0
    pending = b""
    with _file(path) as file:
        async for piece in engine.logs(container, tty=tty):
            with _told(path):
                if written < MAX_LOG_BYTES <= written + len(piece):
                    file.write(_CUT)
                written += len(piece)
                if written < MAX_LOG_BYTES:
                    file.write(piece)
            if on_line:
                *lines, pending = (pending + piece).split(b"\n")
                pending = pending[-_TAIL_BYTES:]
                for line in lines:
                    on_line(_message(line.decode(errors="replace")))


def _file(path: Path) -> IO[bytes]:
    with _told(path):
        return path.open("wb", buffering=0)


@contextmanager
def _told(path: Path) -> Iterator[None]:
    """The disk's faults are not the engine's, though both are OSErrors here."""
    try:
        yield
    except OSError as error:
        raise file_fault("the log", error, path) from error


def last_lines(path: Path, count: int) -> tuple[str, ...]:
    """The last lines of a log file, safe to show, without the timestamps; () if there is none."""
    try:
        with path.open("rb") as file:
            file.seek(max(0, path.stat().st_size - _TAIL_BYTES))
            text = file.read().decode(errors="replace")
    except OSError:
        return ()
    tail: deque[str] = deque(maxlen=count)
    for line in text.splitlines():
        if message := _message(line):
            tail.append(message)
    return tuple(tail)


def _message(line: str) -> str:
    return plain_text(line.partition(" ")[2]).rstrip()
