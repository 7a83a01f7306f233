"""Narrows a trial down to the tests that a change can affect, and keeps what they used."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from seatrial.errors import NothingAffected
from seatrial.evidence.dependencies import (
    Dependencies,
    FileState,
    load_dependencies,
    merge_dependencies,
    read_dependencies,
    save_dependencies,
)
from seatrial.evidence.folder import newest_records
from seatrial.evidence.partial import MAX_CHANGED, Partial
from seatrial.selection.affected import affected
from seatrial.selection.assign import file_of
from seatrial.selection.changes import (
    changes_between,
    changes_since_commit,
    snapshot,
    union_of_changes,
)
from seatrial.settings import Settings
from seatrial.stack.plan import Plan
from seatrial.trial.whereabouts import gets_elsewhere, reaches_containers, shaping_files
from seatrial.words import counted

__all__ = ["DEPENDENCIES_FILE", "Narrowing", "keep_dependencies", "narrow"]

DEPENDENCIES_FILE = "dependencies.json"
_LOOKED_AT = 50
"""Trials; further back nearly everything has changed."""


@dataclass(frozen=True)
class Narrowing:
    """Which tests a trial runs, and what is known of what they use."""

    states: Mapping[str, FileState]
    """The project's files when the trial began."""
    tests: tuple[str, ...] | None
    """Node ids and files; None: all."""
    left_out: tuple[str, ...]
    """Known tests of the same files that need not run."""
    reason: str
    """Why all; empty if it is not."""
    known: Dependencies | None = None
    partial: Partial | None = None


async def narrow(plan: Plan, settings: Settings) -> Narrowing:
    """Find the tests that what has changed since they were last watched can affect.

    Raises:
        NothingAffected: there are none.
        UsageFault: git does not know the base commit.
    """
    return await asyncio.to_thread(_narrow, plan, settings)


def _narrow(plan: Plan, settings: Settings) -> Narrowing:
    found = _newest(plan.project)
    if found is None:
        reason = "no earlier trial says what the tests use"
        return Narrowing(snapshot(plan.project), None, (), reason)
    trial, known, failed = found
    states = snapshot(plan.project, known.states)
    changes = changes_between(known.states, states)
    if base := settings.coverage.base:
        since = changes_since_commit(plan.project, base, states)
        changes = union_of_changes(changes, since, known.states)
    selected = affected(
        known,
        changes,
        lambda name: _read(plan.project / name),
        failed=failed,
        shaping=shaping_files(plan),
        reaches=reaches_containers(plan, settings),
        elsewhere=gets_elsewhere(plan),
        files=states,
    )
    if selected.everything:
        return Narrowing(states, None, (), selected.reason, known)
    tests = tuple(sorted(selected.tests | selected.files))
    if not tests:
        raise NothingAffected(
            f"nothing to run: {_told(list(changes))} can affect none of "
            f"{counted(len(known.tests), 'test')}",
            where=f"by what trial {trial} saw the tests use",
            next_step="without --changed all tests run",
        )
    partial = Partial(
        since=trial,
        base=base,
        changed=tuple(sorted(changes)[:MAX_CHANGED]),
        selected=len(selected.tests),
        left_out=len(selected.left_out),
    )
    files = frozenset(file_of(test) for test in tests)
    left_out = tuple(sorted(test for test in selected.left_out if file_of(test) in files))
    return Narrowing(states, tests, left_out, "", known, partial)


def keep_dependencies(
    narrowing: Narrowing, plan: Plan, traces: Sequence[Path], into: Path
) -> str | None:
    """Write what is known now of the tests' dependencies; a reason if it cannot be.

    `traces` are what the containers wrote. What was seen counts only if the project's files were
    the same all the time.
    """
    if snapshot(plan.project, narrowing.states) != dict(narrowing.states):
        return "files of the project changed while the tests ran"
    test = plan.selection.test
    mounts = [(s.target, s.source) for s in plan.sources if s.service == test]
    seen = read_dependencies(traces, plan.project, narrowing.states, mounts)
    if seen is None:
        return "the tests' Python is older than 3.12, or what was seen did not come out whole"
    if narrowing.tests is not None and narrowing.known is not None:
        seen = merge_dependencies(narrowing.known, seen)
    save_dependencies(into / DEPENDENCIES_FILE, seen)
    return None


def _newest(project: Path) -> tuple[str, Dependencies, frozenset[str]] | None:
    """The newest trial that recorded what the tests use, and what has failed since."""
    failed: set[str] = set()
    for record, folder in newest_records(project, _LOOKED_AT):
        if record.pytest:
            failed |= {failure.test for failure in record.pytest.failures}
        if known := load_dependencies(folder.path / DEPENDENCIES_FILE):
            return record.id, known, frozenset(failed)
    return None


def _told(changes: Sequence[str]) -> str:
    if not changes:
        return "no file changed, which"
    more = f" and {len(changes) - 1} more" if len(changes) > 1 else ""
    return f"{changes[0]}{more}"


def _read(path: Path) -> bytes | None:
    try:
        return path.read_bytes()
    except OSError:
        return None
