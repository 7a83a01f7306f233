"""Puts the coverage of all tests together from what is stored and what ran, where that is exact.

A trial that watches what tests use keeps which test covered what. The next one that leaves tests
out hands it to the reporter, with the names of what still holds of it; the data themselves, which
a container wrote, are opened nowhere else.
"""

import asyncio
import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from seatrial.errors import UsageFault
from seatrial.evidence.contexts import (
    Contexts,
    load_contexts,
    read_contexts,
    save_contexts,
)
from seatrial.evidence.coverage import CoverageParts
from seatrial.evidence.folder import read_record
from seatrial.evidence.ledger import check_ledger
from seatrial.selection.changes import snapshot
from seatrial.selection.holding import Holding, still_holding
from seatrial.trial.coverage_report import BY_TEST, NOTES, AskedByTest, Reported
from seatrial.trial.rig import Journal, Rig

__all__ = ["Parts", "find_stored", "keep_parts", "parts_of", "plan_parts", "watches_coverage"]

_FOLDER = "coverage"
_CONTEXTS = "contexts.json"


@dataclass(frozen=True)
class Parts:
    """What the coverage of a trial that watches its tests is made of."""

    asked: AskedByTest | None
    """What is asked of the reporter; None: nothing, see `reason`."""
    reason: str = ""
    contexts: Contexts | None = None
    """Of this run's tests."""
    holding: Holding | None = None
    """What counts of the stored part; None: there is none."""


def watches_coverage(rig: Rig) -> bool:
    """Whether which test covers what is of interest; not if failed tests are run again."""
    return rig.narrowing is not None and rig.division.shares[0].tests == rig.narrowing.tests


async def plan_parts(rig: Rig, *, complete: bool) -> Parts:
    """Find out what to ask of the reporter; `complete`: all tests came to a result."""
    if not complete:
        return Parts(None, "the tests did not come to their end")
    return await asyncio.to_thread(_plan, rig)


def _plan(rig: Rig) -> Parts:
    narrowing = rig.narrowing
    assert narrowing is not None  # noqa: S101 - see `watches_coverage`
    if snapshot(rig.project, narrowing.states) != dict(narrowing.states):
        return Parts(None, "files of the project changed while the tests ran")
    test = rig.plan.selection.test
    mounts = [(s.target, s.source) for s in rig.plan.sources if s.service == test]
    contexts = read_contexts(_traces(rig), rig.project, mounts)
    if isinstance(contexts, str):
        return Parts(None, contexts)
    if narrowing.tests is None:
        return Parts(AskedByTest(), contexts=contexts)
    assert narrowing.partial is not None  # noqa: S101 - some tests were left out
    assert narrowing.known is not None  # noqa: S101
    stored = find_stored(rig.project, narrowing.partial.since)
    if isinstance(stored, str):
        return Parts(None, stored)
    folder, before = stored
    holding = still_holding(
        before,
        contexts,
        narrowing.known,
        ran=frozenset(narrowing.tests),
        states=narrowing.states,
        read=lambda name: _read(rig.project / name),
    )
    if isinstance(holding, str):
        return Parts(None, holding)
    plan = {
        "keep": sorted(holding.labels),
        "keepers": sorted(holding.keepers),
        "same_tests": holding.same_tests,
    }
    asked = AskedByTest(
        stored=folder / BY_TEST, notes=folder / NOTES, plan=json.dumps(plan).encode()
    )
    return Parts(asked, contexts=contexts, holding=holding)


def keep_parts(rig: Rig, journal: Journal, parts: Parts, reported: Reported) -> str:
    """Keep for later trials what each test covered; returns why that cannot be, or is not exact."""
    into = rig.folder.path / _FOLDER
    reason = parts.reason or _why_not(reported)
    if reason or parts.contexts is None:
        for name in (BY_TEST, NOTES):
            (into / name).unlink(missing_ok=True)
        if rig.narrowing and rig.narrowing.tests is None:
            journal.note(f"which test covers what was not kept: {reason}")
        return reason
    whole = parts.holding.contexts if parts.holding else parts.contexts
    save_contexts(into / _CONTEXTS, whole)
    return ""


def parts_of(rig: Rig, parts: Parts, reason: str) -> CoverageParts | None:
    """For the record; None: no tests were left out."""
    if rig.narrowing is None or rig.narrowing.partial is None:
        return None
    holding = parts.holding if not reason else None
    return CoverageParts(
        together=not reason,
        reason=reason,
        since=rig.narrowing.partial.since,
        measured_tests=len(parts.contexts.tests) if parts.contexts else None,
        stored_tests=holding.tests if holding else 0,
    )


def _why_not(reported: Reported) -> str:
    if reported.by_test is None:
        return reported.error or "the reporter did not come so far"
    return reported.by_test


def _traces(rig: Rig) -> Sequence[Path]:
    """What the tracer wrote, on all stacks."""
    folder = rig.folder.path
    workers = [folder] if len(rig.division.shares) == 1 else [*folder.glob("workers/*")]
    return sorted(path for one in workers for path in (one / "probe").glob("dependencies*.jsonl"))


def find_stored(project: Path, trial: str) -> tuple[Path, Contexts] | str:
    """The folder with what an earlier trial kept, if it is as it was written; else why not."""
    try:
        record, folder = read_record(project, trial)
        files = {file.path: file.sha256 for file in record.files}
        names = [f"{_FOLDER}/{name}" for name in (BY_TEST, NOTES, _CONTEXTS)]
        if not all(name in files for name in names):
            own = record.coverage.parts if record.coverage else None
            reason = f": {own.reason}" if own and own.reason else ""
            return f"trial {trial} did not keep which test covers what{reason}"
        line = check_ledger(project / ".seatrial").lines.get(folder.path.name)
        if line is None or line.record != _sha256(folder.record):
            return f"the record of trial {trial} is not the one that the ledger names"
        for name in names:
            if _sha256(folder.path / name) != files[name]:
                return f"{name} of trial {trial} is not what its record names"
    except (UsageFault, OSError) as error:
        return f"what trial {trial} kept cannot be read: {error}"
    contexts = load_contexts(folder.path / _FOLDER / _CONTEXTS)
    if contexts is None:
        return f"{_CONTEXTS} of trial {trial} is not readable"
    return folder.path / _FOLDER, contexts


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _read(path: Path) -> bytes | None:
    try:
        return path.read_bytes()
    except OSError:
        return None
