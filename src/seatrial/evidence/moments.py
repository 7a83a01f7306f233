"""Cuts logs by time: the engine's timestamp at each line's start says when it was written."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import IO

from seatrial.evidence.hostile import plain_text

__all__ = ["LogLine", "parse_moment", "read_between"]

MAX_BYTES = 1 << 19
"""Read of a log for one slice, from its end: 200 lines of 2,600 characters."""
MAX_TEXT = 2000
_MAX_LINE = 1 << 16
_MOMENT = re.compile(rb"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.(\d{1,9}))?Z ")


@dataclass(frozen=True)
class LogLine:
    """A line of a log; `at` is seconds since 1970."""

    at: float
    service: str
    text: str
    """Cleaned of escape codes, at most 2,000 characters."""


def parse_moment(line: bytes) -> float | None:
    """Seconds since 1970 of a line's RFC 3339 timestamp; None if it has none."""
    match = _MOMENT.match(line)
    if not match:
        return None
    try:
        whole = datetime.strptime(match[1].decode(), "%Y-%m-%dT%H:%M:%S").replace(tzinfo=UTC)
    except ValueError:
        return None
    return whole.timestamp() + float(b"0." + (match[2] or b"0"))


def read_between(
    path: Path, service: str, start: float, end: float, *, max_lines: int
) -> tuple[list[LogLine], bool]:
    """The lines written between two moments, and whether earlier ones of them were left out.

    Finds the place by bisection, so that a log of a gigabyte costs no more than a small one.
    No log is no lines.
    """
    try:
        with path.open("rb") as file:
            size = file.seek(0, 2)
            first, last = _offset(file, size, start), _offset(file, size, end, after=True)
            begin = max(first, last - MAX_BYTES)
            found = list(_lines(file, begin, last, service))
    except OSError:
        return [], False
    cut = begin > first or len(found) > max_lines
    return found[-max_lines:], cut


def _offset(file: IO[bytes], size: int, moment: float, *, after: bool = False) -> int:
    """Where the first line begins that was written at `moment` or later (`after`: later)."""
    low, high = 0, size
    while low < high:
        middle = (low + high) // 2
        begin, at = _next_line(file, middle, size)
        if at is None or (at > moment if after else at >= moment):
            high = middle
        else:
            low = max(begin + 1, middle + 1)
    return _next_line(file, low, size)[0]


def _next_line(file: IO[bytes], offset: int, size: int) -> tuple[int, float | None]:
    """The first line that begins at `offset` or later and has a timestamp: where, and when."""
    if offset > 0:
        file.seek(offset - 1)
        while (skipped := file.readline(_MAX_LINE)) and not skipped.endswith(b"\n"):
            pass
    else:
        file.seek(0)
    while line := file.readline(_MAX_LINE):
        if (at := parse_moment(line)) is not None:
            return file.tell() - len(line), at
    return size, None


def _lines(file: IO[bytes], begin: int, end: int, service: str) -> Iterator[LogLine]:
    file.seek(begin)
    at = 0.0
    while file.tell() < end and (line := file.readline(min(_MAX_LINE, end - file.tell()))):
        moment = parse_moment(line)
        at = moment if moment is not None else at
        raw = line.partition(b" ")[2] if moment is not None else line
        for text in plain_text(raw.decode(errors="replace")).splitlines():
            if text.strip():
                yield LogLine(at, service, text.rstrip()[:MAX_TEXT])
