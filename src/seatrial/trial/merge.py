"""Makes one result of those of several workers."""

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TypeVar

from seatrial.evidence.collected import MAX_NOT_RUN
from seatrial.evidence.events import MAX_FAILURES
from seatrial.evidence.record import MAX_PLUGINS, Phase, PhaseName, Pytest, TestCounts
from seatrial.trial.test import TestRun

__all__ = ["merge_lines", "merge_phases", "merge_pytest", "merge_runs"]

PYTEST_NO_TESTS = 5
_T = TypeVar("_T")
_CHUNK = 1 << 20


def merge_runs(runs: Sequence[TestRun]) -> TestRun:
    """How the test commands ended, as if they were one.

    That none of the tests is a worker's is no fault while others have some.
    """
    codes = _without_idle([run.exit_code for run in runs])
    return TestRun(
        exit_code=next(filter(None, codes), 0),
        timed_out=any(run.timed_out for run in runs),
        out_of_memory=any(run.out_of_memory for run in runs),
        lost_services=tuple(dict.fromkeys(name for run in runs for name in run.lost_services)),
    )


def merge_pytest(parts: Sequence[Pytest]) -> Pytest:
    """What the probes saw, added up; paths are left to whoever writes the files."""
    first = parts[0]
    statuses = _without_idle([part.exit_status for part in parts])
    failures = [failure for part in parts for failure in part.failures]
    return first.model_copy(
        update={
            "exit_status": None if None in statuses else next(filter(None, statuses), 0),
            "counts": _sum([part.counts for part in parts]),
            "failures": tuple(failures[:MAX_FAILURES]),
            "containers": tuple(c for part in parts for c in part.containers),
            "container_confirmed": all(part.container_confirmed for part in parts),
            "tests_seconds": sum(part.tests_seconds or 0.0 for part in parts),
            "plugins": _once(one for part in parts for one in part.plugins)[:MAX_PLUGINS],
            "hooks": _once(hook for part in parts for hook in part.hooks),
            "left_out_by": _once(by for part in parts for by in part.left_out_by),
            "not_run": tuple(test for part in parts for test in part.not_run)[:MAX_NOT_RUN],
            "running": next((part.running for part in parts if part.running), None),
        }
    )


def merge_phases(phases: Sequence[Phase]) -> tuple[Phase, ...]:
    """A phase lasts from the first worker's start of it to the last one's end.

    What is collected while others still test costs no time, so it counts from their end.
    """
    merged = []
    for name in PhaseName:
        same = [phase for phase in phases if phase.name is name]
        if same:
            start = min(phase.start for phase in same)
            end = max(phase.start + phase.seconds for phase in same)
            if name is PhaseName.COLLECT:
                tested = [p.start + p.seconds for p in phases if p.name is PhaseName.TEST]
                start = min(end, max(start, *tested))
            completed = all(phase.completed for phase in same)
            merged.append(Phase(name=name, start=start, seconds=end - start, completed=completed))
    return tuple(sorted(merged, key=lambda phase: phase.start))


def merge_lines(parts: Sequence[Path], into: Path) -> None:
    """Put the workers' files of lines one after the other."""
    with into.open("wb") as whole:
        for part in parts:
            with part.open("rb") as file:
                while piece := file.read(_CHUNK):
                    whole.write(piece)


def _once(values: Iterable[_T]) -> tuple[_T, ...]:
    return tuple(dict.fromkeys(values))


def _without_idle(codes: Sequence[int | None]) -> list[int | None]:
    busy = [code for code in codes if code != PYTEST_NO_TESTS]
    return busy or list(codes)


def _sum(counts: Sequence[TestCounts]) -> TestCounts:
    return TestCounts(
        **{name: sum(getattr(count, name) for count in counts) for name in TestCounts.model_fields}
    )
