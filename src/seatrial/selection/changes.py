"""Which files of a project differ: from the last recorded state, and from a base commit."""

import enum
import hashlib
import os
import stat
import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from seatrial.errors import UsageFault
from seatrial.evidence.commit import resolve_commit
from seatrial.evidence.dependencies import FileState
from seatrial.selection.skeleton import skeleton

__all__ = [
    "Change",
    "Kind",
    "changes_between",
    "changes_since_commit",
    "file_state",
    "snapshot",
    "union_of_changes",
]

_TIMEOUT_S = 60
_MAX_PYTHON_BYTES = 4 << 20
_PASSED_OVER = frozenset({".git", ".seatrial"})
_NEVER_SOURCE = frozenset({"__pycache__", "node_modules", ".venv", "venv", ".tox", ".nox"})
"""What a project without git is not asked for."""
_IGNORED_BUT_USED = (".env", ".env.*")
"""Compose reads these from the project's folder, and git seldom knows them."""


class Kind(enum.Enum):
    """What happened to a file."""

    ADDED = "added"
    MODIFIED = "modified"
    DELETED = "deleted"


@dataclass(frozen=True)
class Change:
    """How a file differs."""

    kind: Kind
    only_bodies: bool = False
    """Nothing but bodies of functions in a Python file."""


def snapshot(project: Path, known: Mapping[str, FileState] | None = None) -> dict[str, FileState]:
    """All files of the project that git does not ignore, as they are now, by relative name.

    So are those that it ignores and that `known` names: tests were seen to use them. Contents are
    hashed anew each time: a file's times can stand still while it changes. What costs more, the
    skeletons, comes from `known` where a content is the same. Names that are no text are written
    with escapes, so that they fit no file that a test used.
    """
    skeletons = {s.sha256: s.skeleton for s in (known or {}).values() if s.skeleton is not None}
    states = {}
    for name in _names(project):
        state = _state(project / name, skeletons, python=name.endswith(".py"))
        if state is not None:
            states[os.fsencode(name).decode("utf-8", "backslashreplace")] = state
    for name in (known or {}).keys() - states.keys():
        if (state := file_state(project / name)) is not None:
            states[name] = state
    return states


def file_state(path: Path) -> FileState | None:
    """A file as it is now; None if there is none."""
    return _state(path, {}, python=path.suffix == ".py")


def changes_between(
    before: Mapping[str, FileState], now: Mapping[str, FileState]
) -> dict[str, Change]:
    """What differs between two snapshots; a renamed file is one deleted and one added."""
    changes = {}
    for name in sorted({*before, *now}):
        old, new = before.get(name), now.get(name)
        if old is None:
            changes[name] = Change(Kind.ADDED)
        elif new is None:
            changes[name] = Change(Kind.DELETED)
        elif (old.sha256, old.executable) != (new.sha256, new.executable):
            same = old.skeleton is not None and old.skeleton == new.skeleton
            changes[name] = Change(Kind.MODIFIED, same and old.executable == new.executable)
    return changes


def changes_since_commit(
    project: Path, base: str, now: Mapping[str, FileState]
) -> dict[str, Change]:
    """What differs between a base commit and the project as it is now, by `git diff`.

    Raises:
        UsageFault: git knows no such commit here, or fails.
    """
    commit = resolve_commit(project, base)
    if commit is None:
        raise UsageFault(
            f"git knows no commit {base}",
            where=str(project),
            next_step="name a commit, branch or tag of this repository, or fetch it first",
        )
    found = _git(
        project,
        *("diff", "--name-status", "--no-renames", "--no-ext-diff", "--relative", "-z", commit),
        "--",
        ".",
    )
    if found is None:
        raise UsageFault(f"git cannot compare with {base}", where=str(project))
    changes: dict[str, Change] = {}
    fields = [part for part in found.split(b"\0") if part]
    for status, raw in zip(fields[::2], fields[1::2], strict=False):
        name = raw.decode("utf-8", "backslashreplace")
        if name.split("/", 1)[0] in _PASSED_OVER:
            continue
        if (project / os.fsdecode(raw)).is_dir():  # a submodule at another commit
            below = [each for each in now if each.startswith(f"{name}/")]
            changes.update(dict.fromkeys(below, Change(Kind.MODIFIED)))
            changes[name] = Change(Kind.MODIFIED)
        elif status.startswith(b"A"):
            changes[name] = Change(Kind.ADDED)
        elif status.startswith(b"D"):
            # git may have been told to forget a file that is still there.
            changes[name] = Change(Kind.MODIFIED if name in now else Kind.DELETED)
        else:
            before = _git(project, "show", f"{commit}:./{os.fsdecode(raw)}")
            old = skeleton(before) if before is not None and name.endswith(".py") else None
            own = now.get(name)
            same = old is not None and own is not None and own.skeleton == old
            changes[name] = Change(Kind.MODIFIED, only_bodies=status == b"M" and same)
    untracked = _git(project, "ls-files", "--others", "--exclude-standard", "-z", "--", ".")
    for raw in (untracked or b"").split(b"\0"):
        name = raw.decode("utf-8", "backslashreplace")
        if name in now:
            changes[name] = Change(Kind.ADDED)
    return changes


def union_of_changes(
    recorded: Mapping[str, Change],
    base: Mapping[str, Change],
    before: Mapping[str, FileState],
) -> dict[str, Change]:
    """The changes since the recorded run (of the files `before`) and those since a base commit.

    Both count: what changed since the recorded run makes what was recorded out of date, and what
    changed since the base is what somebody wants to see tested, even if a run has seen it before.
    """
    changes = dict(recorded)
    for name, change in base.items():
        kind = change.kind
        if kind is Kind.ADDED and name in before:
            kind = Kind.MODIFIED  # new since the base, yet known to the recorded run
        own = recorded.get(name)
        if own is None:
            changes[name] = Change(kind, change.only_bodies and kind is Kind.MODIFIED)
        else:
            changes[name] = Change(own.kind, own.only_bodies and change.only_bodies)
    return changes


def _names(project: Path, depth: int = 0) -> Iterator[str]:
    """Relative names; submodules are asked for theirs."""
    listed = _git(
        project, "ls-files", "--cached", "--others", "--exclude-standard", "-z", "--", "."
    )
    if listed is None:
        yield from _walked(project)
        return
    names = {os.fsdecode(raw) for raw in listed.split(b"\0") if raw}
    for pattern in _IGNORED_BUT_USED:
        names.update(path.name for path in project.glob(pattern))
    for name in sorted(names):
        if name.split(os.sep, 1)[0] in _PASSED_OVER:
            continue
        path = project / name
        if path.is_dir() and not path.is_symlink():
            if depth < 10:
                yield from (f"{name}/{each}" for each in _names(path, depth + 1))
        else:
            yield name


def _walked(project: Path) -> Iterator[str]:
    for root, folders, names in os.walk(project):
        folders[:] = sorted(
            name
            for name in folders
            if name not in _PASSED_OVER | _NEVER_SOURCE
            and not Path(root, name, "pyvenv.cfg").exists()
        )
        for name in sorted(names):
            yield Path(root, name).relative_to(project).as_posix()


def _state(path: Path, skeletons: Mapping[str, str | None], *, python: bool) -> FileState | None:
    try:
        status = path.lstat()
        if stat.S_ISLNK(status.st_mode):
            target = b"link\0" + os.fsencode(path.readlink())
            return FileState(sha256=hashlib.sha256(target).hexdigest())
        if not stat.S_ISREG(status.st_mode):
            return None
        executable = bool(status.st_mode & stat.S_IXUSR)
        with path.open("rb") as file:
            if not python or status.st_size > _MAX_PYTHON_BYTES:
                digest = hashlib.file_digest(file, "sha256").hexdigest()
                return FileState(sha256=digest, executable=executable)
            content = file.read()
    except OSError:
        return None
    digest = hashlib.sha256(content).hexdigest()
    shape = skeletons.get(digest) or skeleton(content)
    return FileState(sha256=digest, executable=executable, skeleton=shape)


def _git(folder: Path, *arguments: str) -> bytes | None:
    try:
        done = subprocess.run(
            ["git", "-C", str(folder), *arguments],
            capture_output=True,
            check=False,
            timeout=_TIMEOUT_S,
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout if done.returncode == 0 else None
