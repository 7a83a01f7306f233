"""The ledger: one line for each record that was written or returned anew, chained by hashes.

No line is ever rewritten.

It shows mistakes and edits by hand: a record that was changed, removed or put in, a line that was.
Whoever writes the whole chain anew is not stopped by it, nor who takes away its last lines together
with their trials' folders: for that, hold a signed attestation against it.
"""

import fcntl
import hashlib
import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Annotated

from pydantic import AwareDatetime, Field

from seatrial.evidence.model import Model

__all__ = [
    "LEDGER",
    "LedgerCheck",
    "LedgerLine",
    "OpenLedger",
    "check_ledger",
    "drills_name",
    "open_ledger",
    "returned_last",
    "reuse_name",
]

LEDGER = "ledger.jsonl"
_DRILLS = "drills"
_REUSED = "reused"
_FIRST = "0" * 64
_MAX_BYTES = 64 << 20
"""Some 150,000 lines."""
_MAX_LINE = 4096
_MAX_TOLD = 20
_SLACK = timedelta(seconds=60)
"""What a clock may be put back by whoever keeps it right."""

_Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]


class LedgerLine(Model):
    """A record was written, or the report on a rehearsal; or a record was returned to somebody who
    asked for a trial."""

    trial: str
    """Or `drills/` and the name of a rehearsal; or `reused/`, the trial that was returned, and the
    name that the trial would have had that was asked for."""
    commit: str | None
    """That it was of, or that the trial was asked for."""
    time: AwareDatetime
    """Wall clock."""
    record: _Sha256
    """Of the record's file."""
    previous: _Sha256
    """The line before this one; zeros in the first."""
    line: _Sha256
    """Of all of the above, in their order."""


@dataclass(frozen=True)
class LedgerCheck:
    """What the ledger says."""

    lines: Mapping[str, LedgerLine]
    """By trial; of a record that was written twice, the later one."""
    faults: tuple[str, ...]
    """What was changed, removed or put in; empty: nothing that shows."""
    older: frozenset[str] = frozenset()
    """Trials that began before the ledger did, and that it therefore cannot vouch for."""

    def reuses(self, trial: str) -> tuple[LedgerLine, ...]:
        """When this trial's record was returned instead of a new one, oldest first."""
        begin = reuse_name(trial, "")
        return tuple(line for name, line in self.lines.items() if name.startswith(begin))


@dataclass(frozen=True)
class OpenLedger:
    """A ledger that nobody else writes to meanwhile."""

    descriptor: int

    def append(self, trial: str, commit: str | None, record: bytes, now: datetime) -> None:
        """Add a line for a record with this content, wholly or not at all.

        Raises:
            OSError: it cannot be written.
        """
        size = os.fstat(self.descriptor).st_size
        tail = os.pread(self.descriptor, _MAX_LINE, max(0, size - _MAX_LINE))
        # After a line that somebody cut off, begin a new one: the check tells of the cut.
        start = b"" if not tail or tail.endswith(b"\n") else b"\n"
        last = _last_of(tail)
        text = _write(
            {
                "trial": trial,
                "commit": commit,
                "time": now.isoformat(),
                "record": hashlib.sha256(record).hexdigest(),
                "previous": last.line if last else _FIRST,
            }
        )
        content = start + text + b"\n"
        written = os.write(self.descriptor, content)
        if written != len(content):
            os.ftruncate(self.descriptor, size)
            raise OSError(f"only {written} of {len(content)} bytes were written")


def drills_name(rehearsal: str) -> str:
    """What the ledger calls a rehearsal."""
    return f"{_DRILLS}/{rehearsal}"


def reuse_name(trial: str, asked_for: str) -> str:
    """What the ledger calls the return of a trial's record in place of the one asked for."""
    return f"{_REUSED}/{trial}/{asked_for}"


@contextmanager
def open_ledger(home: Path) -> Iterator[OpenLedger]:
    """Wait until nobody else writes, and keep others from it: `home` is the folder `.seatrial`.

    Raises:
        OSError: there is no ledger, and none can be made.
    """
    flags = os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_NOFOLLOW | os.O_CLOEXEC
    descriptor = os.open(home / LEDGER, flags, 0o644)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield OpenLedger(descriptor)
    finally:
        os.close(descriptor)  # and with it the lock goes


def check_ledger(home: Path) -> LedgerCheck:
    """Hold the ledger against itself and against the records that are there.

    A trial whose folder was removed is no fault: folders may be tidied up, and `lines` still names
    the trial.

    Raises:
        OSError: the ledger cannot be opened.
    """
    with open_ledger(home) as ledger:  # so that no record is between its file and its line
        with os.fdopen(os.dup(ledger.descriptor), "rb") as file:
            file.seek(0)
            content = file.read(_MAX_BYTES + 1)
        records = {path.parent.name: _sha256(path) for path in home.glob("runs/*/record.json")}
        for path in home.glob(f"{_DRILLS}/*/drills.json"):
            records[drills_name(path.parent.name)] = _sha256(path)
    lines, faults = _read(content)
    by_trial = {line.trial: line for line in lines}
    older = set()
    for trial, sha256 in sorted(records.items()):
        line = by_trial.get(trial)
        began = trial.rpartition("/")[2]  # names begin with the time
        if line is not None and sha256 != line.record:
            faults.append(f"the record of {trial} is not the one that the ledger names")
        elif line is None and (not lines or began < lines[0].trial.rpartition("/")[2]):
            older.add(trial)
        elif line is None:
            faults.append(f"{trial} is not in the ledger, though it is not older")
    if len(faults) > _MAX_TOLD:
        faults[_MAX_TOLD:] = [f"and {len(faults) - _MAX_TOLD} more"]
    return LedgerCheck(by_trial, tuple(faults), frozenset(older))


def returned_last(home: Path) -> str | None:
    """The trial whose record was returned, if that is the last that was done; only this is looked
    at, not whether the ledger is whole."""
    try:
        with (home / LEDGER).open("rb") as file:
            file.seek(max(0, os.fstat(file.fileno()).st_size - _MAX_LINE))
            last = _last_of(file.read())
    except OSError:
        return None
    kind, _, rest = last.trial.partition("/") if last else ("", "", "")
    return rest.partition("/")[0] if kind == _REUSED else None


def _read(content: bytes) -> tuple[list[LedgerLine], list[str]]:
    lines: list[LedgerLine] = []
    faults: list[str] = []
    if len(content) > _MAX_BYTES:
        return lines, [f"the ledger is larger than {_MAX_BYTES >> 20} MiB"]
    if content and not content.endswith(b"\n"):
        faults.append("the ledger's last line was cut off")
    previous = _FIRST
    for number, text in enumerate(content.removesuffix(b"\n").split(b"\n") if content else []):
        line = _parse(text)
        if line is None:
            faults.append(f"line {number + 1} of the ledger was changed")
            previous = ""
            continue
        if previous and line.previous != previous:
            faults.append(f"before line {number + 1} of the ledger, lines were removed or moved")
        lines.append(line)
        previous = line.line
    for one, other in pairwise(lines):
        if other.time < one.time - _SLACK:
            back = (one.time - other.time).total_seconds()
            faults.append(f"the clock went back by {back:.0f} s before the record of {other.trial}")
    return lines, faults


def _last_of(tail: bytes) -> LedgerLine | None:
    return _parse(tail.rstrip(b"\n").rpartition(b"\n")[2])


def _parse(text: bytes) -> LedgerLine | None:
    """The line, if it is byte for byte as it was written."""
    if len(text) > _MAX_LINE:
        return None
    try:
        fields = json.loads(text)
        own = fields.pop("line")
        if _write(fields) != text:
            return None
        return LedgerLine.model_validate({**fields, "line": own})
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return None


def _write(fields: Mapping[str, str | None]) -> bytes:
    own = hashlib.sha256(json.dumps(fields).encode()).hexdigest()
    return json.dumps({**fields, "line": own}).encode()


def _sha256(path: Path) -> str:
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError:
        return ""
