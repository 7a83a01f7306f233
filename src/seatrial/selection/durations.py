"""Reads from past trials how long each test takes."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from statistics import median
from typing import Annotated

from pydantic import Field, TypeAdapter, ValidationError

from seatrial.evidence.tests import TEST_RESULTS_FILE, result_lines
from seatrial.selection.assign import file_of
from seatrial.selection.past import full_trials

__all__ = ["Durations", "durations_in", "read_durations"]

_USED = 3
"""Trials. The median of three passes over one that ran on a busy machine, and follows a change
after two; more would follow later and take longer to read."""
_CUT_SHORT = frozenset({"failed", "error", "unfinished"})
_UNTIMED = (None, None, None)


_Seconds = Annotated[float, Field(ge=0, lt=1e7, allow_inf_nan=False)] | None


@dataclass(slots=True)
class _Result:
    """What is read of a line; the rest is not even decoded."""

    id: Annotated[str, Field(max_length=2000)]
    outcome: str
    setup: _Seconds = None
    call: _Seconds = None
    teardown: _Seconds = None


_RESULT = TypeAdapter(_Result)


@dataclass(frozen=True)
class Durations:
    """What tests took: set-up, call and teardown, in seconds."""

    tests: Mapping[str, float] = field(default_factory=dict)
    """By node id."""
    trials: int = 0
    """How many were read."""

    @cached_property
    def files(self) -> Mapping[str, float]:
        """By file, the sum of its tests."""
        sums: dict[str, float] = {}
        for test, seconds in self.tests.items():
            file = file_of(test)
            sums[file] = sums.get(file, 0.0) + seconds
        return sums


def read_durations(project: Path) -> Durations:
    """The median over the newest trials that came to their own end and ran most of the suite.

    Never raises for what is missing, cut off or edited: it is passed over.
    """
    full = [folder.path for _, folder in full_trials(project)]
    return durations_in(path / TEST_RESULTS_FILE for path in full[:_USED])


def durations_in(results: Iterable[Path]) -> Durations:
    """The median over files of results, one per trial.

    A test that failed may have stopped early or waited for something in vain, so its time counts
    only if it never passed. Of a test that ran several times in a trial the times are added up.
    """
    passed: dict[str, list[float]] = {}
    failed: dict[str, list[float]] = {}
    trials = 0
    for path in results:
        once: tuple[dict[str, float], dict[str, float]] = ({}, {})
        for test, seconds, cut_short in _read(path):
            sums = once[cut_short]
            sums[test] = sums.get(test, 0.0) + seconds
        for sums, lists in zip(once, (passed, failed), strict=True):
            for test, seconds in sums.items():
                lists.setdefault(test, []).append(seconds)
        trials += any(once)
    return Durations({test: median(times) for test, times in (failed | passed).items()}, trials)


def _read(path: Path) -> Iterator[tuple[str, float, bool]]:
    """Node id, seconds, and whether it was cut short."""
    for line in result_lines(path):
        try:
            result = _RESULT.validate_json(line)
        except ValidationError:
            continue
        times = (result.setup, result.call, result.teardown)
        # A name that cannot be printed is not worth the care that it would need.
        if times != _UNTIMED and result.id.isprintable():
            yield result.id, sum(filter(None, times)), result.outcome in _CUT_SHORT
