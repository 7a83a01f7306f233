"""Divides the tests among a number of workers, by what is known of them."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from seatrial.selection.assign import assign, expected_loads, file_of
from seatrial.selection.places import is_within
from seatrial.selection.share import Share

__all__ = ["Division", "Known", "divide"]


@dataclass(frozen=True)
class Known:
    """What earlier trials, or the project's files, tell of the tests."""

    weights: Mapping[str, float] = field(default_factory=dict)
    """Seconds by node id, or bytes by file."""
    weighed_by: Literal["durations", "sizes", "nothing"] = "nothing"
    shared: Mapping[str, float] = field(default_factory=dict)
    """Seconds by file: what is set up for several of its tests, by each worker that has any."""
    first: Sequence[str] = ()
    """Node ids of tests that are likely to fail, the likeliest first."""

    def weights_of(self, tests: Iterable[str] | None) -> Mapping[str, float]:
        """The weights of the tests that are named by node id or file; None: of all."""
        if tests is None:
            return self.weights
        named = frozenset(tests)
        return {
            test: weight
            for test, weight in self.weights.items()
            if test in named or file_of(test) in named
        }


@dataclass(frozen=True)
class Division:
    """A share for each worker."""

    shares: tuple[Share, ...]
    reason: str
    """Why that many."""
    weighed_by: Literal["durations", "sizes", "nothing"] = "nothing"
    expected: tuple[float | None, ...] = (None,)
    """Seconds of each worker's tests, if they have been measured before."""


def divide(
    known: Known,
    workers: int,
    *,
    reason: str,
    tests: Sequence[str] | None = None,
    left_out: Sequence[str] | None = None,
    fail_fast: bool = False,
    take_over_xdist: bool = False,
    whole: Sequence[str] = (),
) -> Division:
    """Divide all tests, or only those that are named by node id or file; see `Share.left_out`.

    Files that `whole` names, themselves or by a folder, are not split, and keep their order.

    With one worker xdist is never touched: there is nothing to take over for.
    """
    weights = known.weights_of(tests)
    assignment = assign(weights, workers, shared=known.shared, whole=whole)
    first = tuple(test for test in known.first if not is_within(file_of(test), whole))
    timed = known.weighed_by == "durations" and bool(weights)
    return Division(
        shares=tuple(
            Share(
                tests=tests,
                left_out=left_out,
                worker=number,
                assignment=assignment,
                first=first,
                fail_fast=fail_fast,
                take_over_xdist=take_over_xdist and workers > 1,
            )
            for number in range(workers)
        ),
        reason=reason,
        weighed_by=known.weighed_by,
        expected=expected_loads(assignment, weights, shared=known.shared)
        if timed
        else (None,) * workers,
    )
