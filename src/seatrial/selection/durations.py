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
    container: str = ""
    setup: _Seconds = None
    call: _Seconds = None
    teardown: _Seconds = None
    shared: _Seconds = None


_RESULT = TypeAdapter(_Result)


@dataclass(frozen=True)
class Durations:
    """What tests took, in seconds."""

    tests: Mapping[str, float] = field(default_factory=dict)
    """By node id: set-up, call and teardown, less what it set up for others as well."""
    shared: Mapping[str, float] = field(default_factory=dict)
    """By file that has any: what its tests set up once for all of them."""
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
    shared: dict[str, list[float]] = {}
    trials = 0
    for path in results:
        once: tuple[dict[str, float], dict[str, float]] = ({}, {})
        by_stack: dict[tuple[str, str], float] = {}
        for result in _read(path):
            sums = once[result.outcome in _CUT_SHORT]
            own, common = _parts(result)
            sums[result.id] = sums.get(result.id, 0.0) + own
            place = file_of(result.id), result.container
            by_stack[place] = by_stack.get(place, 0.0) + common
        for sums, lists in zip(once, (passed, failed), strict=True):
            for test, seconds in sums.items():
                lists.setdefault(test, []).append(seconds)
        # Each worker that had a part of a split file set up all that its part needs.
        files: dict[str, float] = {}
        for (file, _), seconds in by_stack.items():
            files[file] = max(seconds, files.get(file, 0.0))
        for file, seconds in files.items():
            shared.setdefault(file, []).append(seconds)
        trials += any(once)
    return Durations(
        tests={test: median(times) for test, times in (failed | passed).items()},
        shared={file: most for file, times in shared.items() if (most := median(times))},
        trials=trials,
    )


def _parts(result: _Result) -> tuple[float, float]:
    """A test's own seconds, and those that it spent for others as well."""
    setup = result.setup or 0.0
    common = min(result.shared or 0.0, setup)
    return setup - common + (result.call or 0.0) + (result.teardown or 0.0), common


def _read(path: Path) -> Iterator[_Result]:
    for line in result_lines(path):
        try:
            result = _RESULT.validate_json(line)
        except ValidationError:
            continue
        times = (result.setup, result.call, result.teardown)
        # A name that cannot be printed is not worth the care that it would need.
        if times != _UNTIMED and result.id.isprintable():
            yield result
