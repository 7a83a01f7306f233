"""How much sooner several workers are done than one."""

import statistics
from dataclasses import dataclass

from seatrial.evidence.record import PhaseName, Record
from seatrial.judge.dossier import Dossier
from seatrial.judge.model import Evidence
from seatrial.judge.refusal import Refusal, against, lacks
from seatrial.judge.series import by_one_worker, phase_row
from seatrial.words import counted

__all__ = ["SpeedUp", "busy_workers", "measure_speed_up"]

_ABOUT = 0.1
"""Share by which the number of tests may differ from that of a trial by one worker."""


@dataclass(frozen=True)
class SpeedUp:
    """What was measured."""

    ratio: float
    """Seconds by one worker, by those that several took. 1: no sooner."""
    against_trials: int
    """Trials by one worker that it is held against; 0: against what the tests took in sum."""
    told: str
    evidence: tuple[Evidence, ...]


def busy_workers(record: Record) -> int:
    """Workers that had a test."""
    return sum(worker.tests > 0 for worker in record.split.workers) if record.split else 1


def measure_speed_up(dossier: Dossier) -> SpeedUp | Refusal:
    """The speed-up of the judged trial, or why there is none.

    Against the median of trials by one worker if there are any, since tests take longer side by
    side than one by one; else against the sum of what the tests took in the trial itself.
    """
    judged = dossier.trial
    workers = busy_workers(judged.record)
    if workers < 2:
        return against("one worker ran all tests", 'set workers = "auto", or a number')
    wall = phase_row(judged, PhaseName.TEST)
    pytest = judged.record.pytest
    if wall is None or not isinstance(wall.value, float) or wall.value <= 0 or pytest is None:
        return lacks("the test phase did not come to its end", "see why the trial failed")
    alone = [
        row
        for trial in by_one_worker(dossier)
        if _as_many_tests(trial.record, pytest.counts.collected)
        and (row := phase_row(trial, PhaseName.TEST))
    ]
    if alone:
        median = statistics.median(float(row.value or 0) for row in alone)
        told = f"{median:.1f} s by one worker (n = {len(alone)})"
        ratio, rows = median / wall.value, tuple(alone)
    elif pytest.tests_seconds is not None:
        told = f"{pytest.tests_seconds:.1f} s that the tests took in sum"
        ratio = pytest.tests_seconds / wall.value
        rows = (
            judged.exhibit.row("all tests", pytest.tests_seconds, "s", "/pytest/tests_seconds"),
        )
    else:
        return lacks("nothing tells what one worker would take", "run `seatrial run --workers 1`")
    told = (
        f"{counted(workers, 'worker')} needed {wall.value:.1f} s, beside {told}: "
        f"a speed-up of {ratio:.2f}"
    )
    if ratio <= 1:
        return against(told, "use fewer workers, or find what they wait for")
    return SpeedUp(ratio, len(alone), told, (wall, *rows))


def _as_many_tests(record: Record, tests: int) -> bool:
    return record.pytest is not None and (
        abs(record.pytest.counts.collected - tests) <= _ABOUT * tests
    )
