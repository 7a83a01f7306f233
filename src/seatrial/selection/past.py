"""Finds the past trials that ran most of the suite, which tell what the whole of it takes."""

from pathlib import Path

from seatrial.evidence.folder import RunFolder, newest_records
from seatrial.evidence.record import Record

__all__ = ["full_trials"]

_LOOKED_AT = 20
"""Trials, to find some that ran most of the suite."""
_MOST = 0.5
"""Of the tests of the largest trial: one that ran fewer was a run of a part, on purpose or not."""
_OWN_ENDS = frozenset({0, 1})
"""pytest's exit status: all passed, or some failed; otherwise tests are missing."""


def full_trials(project: Path) -> list[tuple[Record, RunFolder]]:
    """Those that came to their own end and ran most of the tests that any ran, newest first."""
    ended = [
        (record.pytest.counts.ran + record.pytest.counts.skipped, record, folder)
        for record, folder in newest_records(project, _LOOKED_AT)
        if record.pytest and record.pytest.exit_status in _OWN_ENDS
    ]
    most = max((tests for tests, _, _ in ended), default=0)
    return [(record, folder) for tests, record, folder in ended if tests >= most * _MOST and tests]
