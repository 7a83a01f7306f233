"""Judges what a drill came to: exit code, record, diagnostics, clean-up."""

import hashlib
from collections.abc import Iterator, Sequence
from pathlib import Path

from pydantic import ValidationError

from seatrial.drill.breakings import Breaking, Expected
from seatrial.drill.program import Ended
from seatrial.evidence.drills import DrillResult
from seatrial.evidence.hostile import plain_text
from seatrial.evidence.record import Record, Status
from seatrial.evidence.tests import read_results

__all__ = ["judge", "record_of"]

_RECORD = "record.json"
_AFTERWARDS = frozenset({_RECORD, "reaper.log"})
"""Files that are written when the record's list of files is complete."""
_STDERR_LINES = 3


def record_of(ended: Ended) -> Record | None:
    """The record that the program printed; None: it printed none that fits the schema."""
    try:
        return Record.model_validate_json(ended.stdout)
    except ValidationError:
        return None


def judge(
    key: str,
    breaking: Breaking,
    ended: Ended,
    *,
    trial: Path | None,
    left: Sequence[str],
    seconds: float,
    record: str | None,
) -> DrillResult:
    """Hold what came of it against what must.

    `trial` is the folder with the trial's files, `record` the path under which the report names
    its record, `left` what the engine held of the trial when all was over.
    """
    expected = breaking.expected
    found = record_of(ended)
    faults = list(_faults(expected, ended, found, trial))
    diagnosed = None
    if expected.status is not None:
        diagnosed = found is not None and expected.names_cause(found)
        if found is not None and not diagnosed:
            faults.append(f"the trial does not name {expected.cause}: {found.reason}")
    if left:
        faults.append(f"left in the engine: {', '.join(left)}")
    return DrillResult(
        key=key,
        what=breaking.what,
        passed=not faults,
        faults=tuple(faults),
        expected_exit_codes=tuple(int(code) for code in expected.exit_codes),
        exit_code=ended.exit_code,
        reason=found.reason if found else "",
        diagnosed=diagnosed,
        left=tuple(left),
        seconds=seconds,
        record=record if trial is not None and (trial / _RECORD).is_file() else None,
    )


def _faults(
    expected: Expected, ended: Ended, found: Record | None, trial: Path | None
) -> Iterator[str]:
    if ended.fault:
        yield f"the drill could not do what it wanted: {ended.fault}"
    if ended.exit_code is None:
        yield "the trial did not end in time and was ended"
    elif ended.exit_code not in expected.exit_codes:
        wanted = " or ".join(str(int(code)) for code in expected.exit_codes)
        yield f"the exit code was {ended.exit_code} and not {wanted}"
    if b"Traceback (most recent call last)" in ended.stderr:
        yield "the program ended in a traceback"
    if expected.status is None:
        if found is not None or (trial is not None and (trial / _RECORD).is_file()):
            yield "there is a record of a trial that did not come to its end"
        return
    if found is None or trial is None:
        lines = plain_text(ended.stderr.decode(errors="replace")).strip().splitlines()
        said = " / ".join(line.strip() for line in lines[-_STDERR_LINES:])
        yield f"there is no record; the program said: {said or 'nothing'}"
        return
    if found.status is not expected.status:
        yield f"the status is {found.status.value!r} and not {expected.status.value!r}"
    if found.exit_code != ended.exit_code:
        yield f"the record has exit code {found.exit_code}, the program ended with another"
    yield from _incomplete(expected, found, trial)
    yield from _outcomes(expected, found, trial)


def _incomplete(expected: Expected, found: Record, trial: Path) -> Iterator[str]:
    """What is missing in the record, or is not as it says."""
    try:
        written = Record.model_validate_json((trial / _RECORD).read_bytes())
    except (OSError, ValidationError):
        yield "the record that was written cannot be read"
        return
    if written != found:
        yield "the record that was written is not the one that was printed"
    if found.status is not Status.PASSED:
        if found.fault is None or not found.fault.what:
            yield "the record does not say what went wrong"
        if expected.diagnosed and found.diagnosis is None:
            yield "the record holds no diagnosis"
    if expected.clean_up_known and found.clean_up.left:
        yield f"the record itself says that something was left: {', '.join(found.clean_up.left)}"
    if not found.phases:
        yield "the record tells of no phase"
    listed = {entry.path: entry for entry in found.files}
    there = {
        path.relative_to(trial).as_posix(): path
        for path in trial.rglob("*")
        if path.is_file() and not path.is_symlink()
    }
    for name in sorted(listed.keys() - there.keys()):
        yield f"the record lists {name}, which is not there"
    for name in sorted(there.keys() - listed.keys() - _AFTERWARDS):
        yield f"the record does not list {name}"
    for name in sorted(listed.keys() & there.keys()):
        if hashlib.sha256(there[name].read_bytes()).hexdigest() != listed[name].sha256:
            yield f"{name} is not what the record says"


def _outcomes(expected: Expected, found: Record, trial: Path) -> Iterator[str]:
    """Tests that were not told as they went."""
    if not expected.outcomes:
        return
    if found.pytest is None or found.pytest.tests is None:
        yield "the record has no test results"
        return
    told: dict[str, str] = {}
    try:
        for result in read_results(trial / found.pytest.tests):
            told[result.id.rpartition("::")[2]] = result.outcome
    except (OSError, ValueError, TypeError):
        yield "the test results cannot be read"
        return
    for test, outcomes in expected.outcomes.items():
        if test not in told:
            yield f"{test} has no result"
        elif told[test] not in outcomes:
            yield f"{test} was told as {told[test]}, and not as {' or '.join(sorted(outcomes))}"
