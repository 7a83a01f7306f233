"""What a project's earlier trials tell of its tests; without any, what its files do."""

from dataclasses import dataclass
from pathlib import Path

from seatrial.selection.division import Known

__all__ = ["Experience", "look_back"]


@dataclass(frozen=True)
class Experience:
    """What is known before a trial begins."""

    known: Known
    peak_bytes: int | None
    """What one stack took of memory at most; None: it was never measured."""


def look_back(project: Path, *, failures_first: bool) -> Experience:
    """Read the newest trials of the project in folder `project`."""
    return Experience(Known(), None)
