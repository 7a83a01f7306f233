"""Reads the files that are audited, as much of them as is sensible."""

import os
import stat
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

__all__ = ["MAX_BYTES", "NotRead", "Source", "read_source"]

MAX_BYTES = 1 << 18
"""Of one file: the largest workflows and Dockerfiles of public projects have a tenth of it."""


@dataclass(frozen=True)
class Source:
    """A file of the project."""

    file: str
    """Relative to the project; as it stands, not yet safe to show."""
    text: str

    @cached_property
    def lines(self) -> tuple[str, ...]:
        """Without their ends; the first is line 1."""
        return tuple(self.text.removeprefix("\ufeff").splitlines())

    def line(self, number: int) -> str:
        """A line by its number; empty if there is none."""
        return self.lines[number - 1] if 0 < number <= len(self.lines) else ""


class NotRead(Exception):
    """The file cannot be audited; its words say why."""


def read_source(project: Path, path: Path) -> Source:
    """Read a file as text.

    Raises:
        NotRead: it is none, too large or binary.
    """
    inside = path.is_relative_to(project)
    name = str(path.relative_to(project) if inside else path)
    try:
        # A pipe would be waited for.
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        with os.fdopen(descriptor, "rb") as file:
            if not stat.S_ISREG(os.fstat(descriptor).st_mode):
                raise NotRead(f"{name}: not a file")
            raw = file.read(MAX_BYTES + 1)
    except OSError as error:
        raise NotRead(f"{name}: {error.strerror}") from error
    if len(raw) > MAX_BYTES:
        raise NotRead(f"{name}: over {MAX_BYTES >> 10} KiB")
    if b"\0" in raw:
        raise NotRead(f"{name}: binary")
    return Source(name, raw.decode("utf-8", errors="replace"))
