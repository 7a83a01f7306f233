"""Says which tests to run first: those that failed last, then those that fail most."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from seatrial.evidence.folder import RunFolder, newest_records
from seatrial.evidence.record import Record, Status
from seatrial.selection.failures import failed_tests

__all__ = ["PastTrial", "first", "read_past_trials"]

AT_MOST = 5000
"""Tests that are brought forward: those that failed in a bad trial of a large suite, and not so
many that telling each worker of them takes long."""

_READ = 20
"""Trials. What failed before that has a weight below a thousandth."""
_SMOOTHING = 0.3
"""The share of the newest trial in a likelihood: it halves in two trials that a test passes."""
_FLAKY = 0.5
"""The part of a failure that one counts which went away when the test was run again."""

_NOT_OF_THE_TESTS = frozenset({Status.ENVIRONMENT, Status.USAGE})
"""Without its services any test fails, which says nothing of it."""


@dataclass(frozen=True)
class PastTrial:
    """How the tests of a trial ended."""

    tests: int
    """How many ran."""
    failed: frozenset[str] = frozenset()
    """Node ids, or files that could not be collected."""
    flaky: frozenset[str] = frozenset()
    """Those that failed at first and passed when they were run again."""


def first(trials: Sequence[PastTrial], *, at_most: int = AT_MOST) -> tuple[str, ...]:
    """Node ids of the tests to run first; `trials` are ordered from the newest to the oldest.

    Those that failed in the newest trial lead. Among them, and after them, the likelihood decides:
    exponential smoothing over the trials from the oldest to the newest, as Kim and Porter do ("A
    history-based test prioritization technique for regression testing in resource constrained
    environments", ICSE 2002)::

        P ← P + a · h · (1 - P)    where a test failed; h is 1, or 1/2 if it was only flaky
        P ← P · (1 - a · s)        where it is not named

    Which tests passed is not read, so s, the share of tests that the trial ran of the most that any
    ran, stands for whether this one was among them. Equal ones come in the order of their names.
    """
    most = max((trial.tests for trial in trials), default=0)
    likelihood: dict[str, float] = {}
    for trial in reversed(trials):
        fading = 1 - _SMOOTHING * (trial.tests / most if most else 0.0)
        for test in likelihood.keys() - trial.failed - trial.flaky:
            likelihood[test] *= fading
        for test in trial.failed | trial.flaky:
            part = _SMOOTHING * (_FLAKY if test in trial.flaky else 1.0)
            before = likelihood.get(test, 0.0)
            likelihood[test] = before + part * (1 - before)
    last = trials[0].failed - trials[0].flaky if trials else frozenset()
    ranked = sorted(likelihood, key=lambda test: (test not in last, -likelihood[test], test))
    return tuple(ranked[:at_most])


def read_past_trials(project: Path) -> tuple[PastTrial, ...]:
    """The newest trials that ran tests, newest first; records that cannot be read are left out."""
    return tuple(_past_trials(newest_records(project, _READ)))


def _past_trials(records: Iterable[tuple[Record, RunFolder]]) -> Iterable[PastTrial]:
    for record, folder in records:
        if record.pytest is None or record.status in _NOT_OF_THE_TESTS:
            continue
        failed = failed_tests(record, folder)
        if tests := record.pytest.counts.ran:
            yield PastTrial(tests, failed, frozenset(record.flaky))
