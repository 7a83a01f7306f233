"""Asks git what tree is being tried."""

import subprocess
from pathlib import Path

from seatrial.evidence.record import Commit

__all__ = ["has_tracked_files", "read_commit", "resolve_blob", "resolve_commit"]

_TIMEOUT_S = 20


def read_commit(project: Path) -> Commit | None:
    """The commit, branch and state of the project's tree; None if git does not know it."""
    head = _git(project, "rev-parse", "HEAD")
    if head is None:
        return None
    branch = _git(project, "symbolic-ref", "--short", "--quiet", "HEAD")
    changed = _git(project, "status", "--porcelain", "--", ".")
    return Commit(id=head.strip(), branch=(branch or "").strip() or None, dirty=changed != "")


def resolve_commit(project: Path, revision: str) -> str | None:
    """The id of the commit that a branch, tag or the like names; None if git knows none."""
    found = _git(
        project, "rev-parse", "--verify", "--quiet", "--end-of-options", f"{revision}^{{commit}}"
    )
    return found.strip() if found else None


def resolve_blob(project: Path, commit: str, file: str) -> str | None:
    """The id of a file's content in a commit; None if the commit has no such file."""
    found = _git(
        project, "rev-parse", "--verify", "--quiet", "--end-of-options", f"{commit}:./{file}"
    )
    return found.strip() if found else None


def has_tracked_files(folder: Path) -> bool:
    """Whether version control knows a file in the folder that holds more than an ignore rule."""
    listed = _git(folder, "ls-files", "--", ".")
    names = {line.rsplit("/", 1)[-1] for line in (listed or "").splitlines()}
    return bool(names - {".gitignore", ".gitkeep", ".keep", "README.md"})


def _git(folder: Path, *arguments: str) -> str | None:
    try:
        done = subprocess.run(
            ["git", "-C", str(folder), *arguments],
            capture_output=True,
            text=True,
            check=False,
            timeout=_TIMEOUT_S,
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout if done.returncode == 0 else None
