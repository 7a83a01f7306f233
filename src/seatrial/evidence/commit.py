"""Asks git what tree is being tried."""

import hashlib
import os
import re
import subprocess
from datetime import datetime
from pathlib import Path

from seatrial.evidence.record import Commit

__all__ = [
    "committed_at",
    "has_tracked_files",
    "read_commit",
    "resolve_blob",
    "resolve_commit",
    "tracked_files",
]

_TIMEOUT_S = 20
_STATUS = (
    *("-c", "core.fsmonitor=false", "-c", "core.trustctime=true", "-c", "core.checkStat=default"),
    *("status", "--porcelain", "--untracked-files=normal", "--ignore-submodules=none"),
)
"""Whatever the repository's configuration says of what need not be looked at."""
_STEERING = (
    *("conftest.py", "sitecustomize.py", "usercustomize.py", "Dockerfile*"),
    *("pytest.ini", ".pytest.ini", "pytest.toml", ".pytest.toml", "tox.ini", "setup.cfg"),
    *("pyproject.toml", ".coveragerc", ".coveragerc.toml", "seatrial.toml"),
    "seatrial-waivers.toml",
)


_FILTERS = r"^filter\..*\.(clean|process)$"
_POINTER = re.compile(r"\Aversion https://git-lfs\.[^\n]*\n(?:.*\n)*?oid sha256:([0-9a-f]{64})\n")
_MAX_FILTERED_BYTES = 1 << 20
"""Code and settings are smaller; what is larger is not read each time the tree is looked at."""
_SHA1_DIGITS = 40


def read_commit(project: Path) -> Commit | None:
    """The commit, branch and state of the project's tree; None if git does not know it.

    Dirty is also a tree with files that git was told not to look at: tracked ones that are assumed
    to be unchanged, those that a filter of the repository's configuration turns into the commit's
    before git compares them, and ignored ones that steer tests or their judgement. Those in folders
    that are ignored as a whole, such as environments, are passed over.
    """
    head = _git(project, "rev-parse", "HEAD")
    if head is None:
        return None
    branch = _git(project, "symbolic-ref", "--short", "--quiet", "HEAD")
    changed = _git(project, *_STATUS, "--", ".")
    dirty = changed != "" or _hides_files(project) or _filters_files(project)
    return Commit(id=head.strip(), branch=(branch or "").strip() or None, dirty=dirty)


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


def committed_at(project: Path, commit: str) -> datetime | None:
    """When a commit was made, as it says itself; None if git does not know it."""
    told = _git(project, "show", "--no-patch", "--format=%cI", commit, "--")
    try:
        return datetime.fromisoformat((told or "").strip())
    except ValueError:
        return None


def tracked_files(project: Path) -> tuple[str, ...]:
    """The files below the project that git knows, relative to it; none if git does not know it."""
    listed = _git(project, "ls-files", "-z", "--", ".")
    return tuple(name for name in (listed or "").split("\0") if name)


def has_tracked_files(folder: Path) -> bool:
    """Whether version control knows a file in the folder that holds more than an ignore rule."""
    listed = _git(folder, "ls-files", "--", ".")
    names = {line.rsplit("/", 1)[-1] for line in (listed or "").splitlines()}
    return bool(names - {".gitignore", ".gitkeep", ".keep", "README.md"})


def _hides_files(project: Path) -> bool:
    listed = _git(project, "ls-files", "-v", "--", ".")
    # In lower case: assumed to be unchanged; S: not in the work tree.
    if listed is None or any(line[:1].islower() or line[:1] == "S" for line in listed.split("\n")):
        return True
    # As patterns relative to the project, at any depth.
    patterns = [f":(glob)**/{name}" for name in _STEERING]
    ignored = ("ls-files", "-z", "--others", "--ignored", "--exclude-standard", "--directory")
    found = (_git(project, *ignored, "--", *patterns) or "").split("\0")
    return any(name and not name.endswith("/") for name in found)


def _filters_files(project: Path) -> bool:
    """Whether a file that goes through a filter is neither the commit's nor what its pointer names.

    Git LFS commits pointers that hold the content's SHA-256, so its files can be told.
    """
    if not _git(project, "config", "--get-regexp", _FILTERS):
        return False
    listed = _git(project, "ls-files", "-z", "--stage", "--", ".", ":(exclude,attr:!filter)")
    if listed is None:
        return True
    for entry in filter(None, listed.split("\0")):
        about, _, name = entry.partition("\t")
        blob = about.split()[1]
        try:
            path = project / name
            if path.is_symlink() or path.stat().st_size > _MAX_FILTERED_BYTES:
                continue
            content = path.read_bytes()
        except OSError:
            return True
        if blob != _blob_id(content, blob) and not _points_to(project, blob, content):
            return True
    return False


def _blob_id(content: bytes, like: str) -> str:
    """Git's id of a content, by the algorithm of another id."""
    algorithm = hashlib.sha1 if len(like) == _SHA1_DIGITS else hashlib.sha256
    return algorithm(b"blob %d\0" % len(content) + content).hexdigest()


def _points_to(project: Path, blob: str, content: bytes) -> bool:
    oid = _POINTER.search(_git(project, "cat-file", "blob", blob) or "")
    return oid is not None and oid[1] == hashlib.sha256(content).hexdigest()


def _git(folder: Path, *arguments: str) -> str | None:
    try:
        done = subprocess.run(
            ["git", "-C", str(folder), *arguments],
            capture_output=True,
            text=True,
            check=False,
            timeout=_TIMEOUT_S,
            env={**os.environ, "GIT_NO_REPLACE_OBJECTS": "1"},  # those show another commit
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout if done.returncode == 0 else None
