"""Narrows a trial down to the tests that a change can affect, and keeps what they used."""

import asyncio
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath

from seatrial.engine.api import Engine
from seatrial.errors import NothingAffected
from seatrial.evidence.dependencies import (
    Dependencies,
    FileState,
    load_dependencies,
    merge_dependencies,
    premises_of,
    read_dependencies,
    save_dependencies,
)
from seatrial.evidence.filetree import NotComparableError, Stamp, stamp_of
from seatrial.evidence.fingerprint import Stock
from seatrial.evidence.folder import newest_records
from seatrial.evidence.ledger import returned_last
from seatrial.evidence.partial import MAX_CHANGED, Partial
from seatrial.evidence.premises import Premises, difference
from seatrial.evidence.record import ServiceRecord
from seatrial.selection.affected import Affected, affected
from seatrial.selection.assign import file_of
from seatrial.selection.changes import (
    Change,
    changes_between,
    changes_since_commit,
    file_state,
    snapshot,
    union_of_changes,
)
from seatrial.selection.failures import failed_tests
from seatrial.settings import Settings
from seatrial.stack.plan import Plan
from seatrial.trial.premises import Ground, settled, stand_on
from seatrial.trial.reuse import Ledger
from seatrial.trial.whereabouts import gets_elsewhere, reaches_containers, shaping_files
from seatrial.words import counted

__all__ = ["DEPENDENCIES_FILE", "Narrowing", "affected_now", "keep_dependencies", "narrow"]

DEPENDENCIES_FILE = "dependencies.json"
_OF_TOOLS = frozenset({"__pycache__", "node_modules", "site-packages"})
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
    ground: Ground | str
    """What the trial rests on beside the files; why that cannot be told, if it cannot."""
    known: Dependencies | None = None
    partial: Partial | None = None


async def narrow(
    plan: Plan, settings: Settings, *, stock: Stock | str, ledger: Ledger
) -> Narrowing:
    """Find the tests that what has changed since they were last watched can affect.

    `stock` is all that goes into the trial, or why that cannot be told.

    Raises:
        NothingAffected: there are none.
        UsageFault: git does not know the base commit.
    """
    return await asyncio.to_thread(_narrow, plan, settings, stock, ledger)


def _narrow(plan: Plan, settings: Settings, stock: Stock | str, ledger: Ledger) -> Narrowing:
    ground = stand_on(ledger, stock)
    found = _newest(plan.project, ground)
    if isinstance(found, str):
        return Narrowing(snapshot(plan.project), None, (), found, ground)
    trial, known, failed = found
    states = snapshot(plan.project, known.states)
    changes, selected = affected_now(plan, settings, known, states, failed=failed)
    if selected.everything:
        return Narrowing(states, None, (), selected.reason, ground, known)
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
        base=settings.coverage.base,
        changed=tuple(sorted(changes)[:MAX_CHANGED]),
        selected=len(selected.tests),
        left_out=len(selected.left_out),
    )
    files = frozenset(file_of(test) for test in tests)
    left_out = tuple(sorted(test for test in selected.left_out if file_of(test) in files))
    return Narrowing(states, tests, left_out, "", ground, known, partial)


def affected_now(
    plan: Plan,
    settings: Settings,
    known: Dependencies,
    states: Mapping[str, FileState],
    *,
    failed: Collection[str] = (),
) -> tuple[Mapping[str, Change], Affected]:
    """What has changed since `known` was recorded, and the tests that it can affect.

    `states` are the project's files now, `failed` are tests that did not pass since.

    Raises:
        UsageFault: git does not know the base commit.
    """
    changes = changes_between(known.states, states)
    if base := settings.coverage.base:
        since = changes_since_commit(plan.project, base, states)
        changes = union_of_changes(changes, since, known.states)
    return changes, affected(
        known,
        changes,
        lambda name: _read(plan.project / name),
        failed=failed,
        shaping=shaping_files(plan),
        reaches=reaches_containers(plan, settings),
        elsewhere=gets_elsewhere(plan),
        files=states,
    )


async def keep_dependencies(
    narrowing: Narrowing,
    plan: Plan,
    traces: Sequence[Path],
    into: Path,
    *,
    engine: Engine,
    services: Sequence[ServiceRecord],
) -> str | None:
    """Write what is known now of the tests' dependencies; a reason if it cannot be.

    `traces` are what the containers of `services` wrote. What was seen counts only if the project's
    files, and all else that goes into the trial, were the same all the time.
    """
    if isinstance(narrowing.ground, str):
        return narrowing.ground
    try:
        premises = await settled(engine, narrowing.ground, services)
    except NotComparableError as error:
        return str(error)
    own = narrowing.ground.own
    return await asyncio.to_thread(_keep, narrowing, plan, traces, into, premises, own)


def _keep(
    narrowing: Narrowing,
    plan: Plan,
    traces: Sequence[Path],
    into: Path,
    premises: Premises,
    own: Mapping[str, Stamp | None],
) -> str | None:
    if snapshot(plan.project, narrowing.states) != dict(narrowing.states):
        return "files of the project changed while the tests ran"
    test = plan.selection.test
    mounts = [(s.target, s.source) for s in plan.sources if s.service == test]
    seen = read_dependencies(traces, plan.project, narrowing.states, mounts)
    if seen is None:
        return "the tests' Python is older than 3.12, or what was seen did not come out whole"
    try:
        ignored = _ignored_but_used(plan.project, seen, own)
    except NotComparableError as error:
        return str(error)
    seen = replace(seen, premises=premises, states={**narrowing.states, **ignored})
    if narrowing.tests is not None and narrowing.known is not None:
        seen = merge_dependencies(narrowing.known, seen)
    save_dependencies(into / DEPENDENCIES_FILE, seen)
    return None


def _ignored_but_used(
    project: Path, seen: Dependencies, own: Mapping[str, Stamp | None]
) -> dict[str, FileState]:
    """Files that git ignores and the tests used all the same, if they are what `own` listed.

    Raises:
        NotComparableError: one changed meanwhile.
    """
    found = {}
    for name in sorted(seen.used_files() - seen.states.keys()):
        path = project / name
        if _is_of_tools(name) or (state := file_state(path)) is None:
            continue
        if stamp := own.get(str(path)):
            if stamp_of(path.stat()) != stamp:
                raise NotComparableError(f"{name} changed while the tests ran")
            found[name] = state
    return found


def _is_of_tools(name: str) -> bool:
    """Whether a file is what tools leave behind: it changes with each of their runs."""
    *folders, own = PurePosixPath(name).parts
    left = own.startswith(".coverage") or own.endswith(".pyc")
    return left or any(each.startswith(".") or each in _OF_TOOLS for each in folders)


def _newest(project: Path, ground: Ground | str) -> tuple[str, Dependencies, frozenset[str]] | str:
    """The newest trial on the same ground that recorded what the tests use, and what has failed
    since; if there is none, why not.

    The newest is the one whose record was returned, if nothing was run since: the files were again
    what they were then.
    """
    if isinstance(ground, str):
        return f"whether the stack is the one that it was cannot be told: {ground}"
    failed: set[str] = set()
    why_not = ""
    newest: tuple[str, Dependencies, frozenset[str]] | None = None
    returned = returned_last(project / ".seatrial")
    for record, folder in newest_records(project, _LOOKED_AT):
        failed |= failed_tests(record, folder)
        path = folder.path / DEPENDENCIES_FILE
        premises = premises_of(path) if newest is None or record.id == returned else None
        if premises is not None:
            if differs := difference(premises, ground.premises):
                why_not = why_not or f"since trial {record.id}, {differs}"
            elif known := load_dependencies(path):
                newest = record.id, known, frozenset(failed)
        if newest and (returned is None or record.id <= returned):
            break
    return newest or why_not or "no earlier trial says what the tests use"


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
