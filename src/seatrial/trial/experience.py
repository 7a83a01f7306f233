"""What a project's earlier trials tell of its tests; without any, what its files do."""

from dataclasses import dataclass
from pathlib import Path

from seatrial.evidence.folder import newest_records
from seatrial.selection.division import Known
from seatrial.selection.durations import read_durations
from seatrial.selection.order import first, read_past_trials
from seatrial.selection.sizes import file_sizes
from seatrial.selection.workers import stack_peak

__all__ = ["Experience", "look_back"]

_LOOKED_AT = 3
"""Trials whose peak of memory is looked for; one that broke off early has none."""


@dataclass(frozen=True)
class Experience:
    """What is known before a trial begins."""

    known: Known
    peak_bytes: int | None
    """What one stack took of memory at most; None: it was never measured."""


def look_back(project: Path, *, failures_first: bool) -> Experience:
    """Read the newest trials of the project in folder `project`."""
    ranking = first(read_past_trials(project)) if failures_first else ()
    durations = read_durations(project)
    if durations.tests:
        known = Known(durations.tests, "durations", ranking)
    elif sizes := file_sizes(project):
        known = Known({file: float(size) for file, size in sizes.items()}, "sizes", ranking)
    else:
        known = Known(first=ranking)
    peaks = (stack_peak(record) for record, _ in newest_records(project, _LOOKED_AT))
    return Experience(known, next(filter(None, peaks), None))
