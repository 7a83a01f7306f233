"""What a project's earlier trials tell of its tests; without any, what its files do."""

from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from seatrial.selection.division import Known
from seatrial.selection.durations import read_durations
from seatrial.selection.order import first, read_past_trials
from seatrial.selection.past import full_trials
from seatrial.selection.sizes import file_sizes
from seatrial.selection.workers import stack_peak

__all__ = ["Experience", "look_back"]

_PEAKS = 3
"""Full trials of which the largest peak counts: a part of the tests needs less, and one run may by
chance. What was mended since is forgotten after as many."""


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
        known = Known(durations.tests, "durations", durations.shared, ranking)
    elif sizes := file_sizes(project):
        weights = {file: float(size) for file, size in sizes.items()}
        known = Known(weights, "sizes", first=ranking)
    else:
        known = Known(first=ranking)
    peaks = (stack_peak(record) for record, _ in full_trials(project) if not record.partial)
    return Experience(known, max(islice(filter(None, peaks), _PEAKS), default=None))
