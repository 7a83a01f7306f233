"""Asks git what a project was at an earlier commit, and what changed since."""

import hashlib
import os
import subprocess
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from seatrial.errors import UsageFault

__all__ = [
    "added_lines",
    "changed_names",
    "commit_time",
    "is_built_on",
    "parent_of",
    "sha256_at",
    "text_at",
    "tracked_files",
]

_TIMEOUT_S = 60
_MAX_BYTES = 4 << 20
_DIFF = ("--no-ext-diff", "--no-textconv", "--no-color", "--no-renames", "--relative", "--text")


def parent_of(project: Path) -> str | None:
    """The first parent of the newest commit; None if it has none.

    Raises:
        UsageFault: it has one, but this clone was cut off before it.
    """
    for line in _git(project, "cat-file", "-p", "HEAD").splitlines():
        word, _, commit = line.partition(" ")
        if word == "parent":
            if not _git(project, "rev-parse", "--verify", "--quiet", f"{commit}^{{commit}}"):
                raise UsageFault(
                    f"the parent commit {commit[:12]} is not in this clone",
                    where=str(project),
                    next_step="git fetch --deepen=1, or clone with more history (fetch-depth: 2)",
                )
            return commit
        if not line:
            break
    return None


def is_built_on(project: Path, commit: str) -> bool:
    """Whether a commit is among the first parents of the newest one, as far as this clone goes."""
    return commit in _git(project, "rev-list", "--first-parent", "HEAD^", "--").split()


def commit_time(project: Path) -> datetime | None:
    """When the newest commit was made, as whoever made it says."""
    found = _git(project, "log", "-1", "--no-show-signature", "--format=%ct").strip()
    return datetime.fromtimestamp(int(found), UTC) if found.isdecimal() else None


def tracked_files(project: Path, pattern: str) -> tuple[str, ...]:
    """Files that git knows and that match, relative to the project, in their order."""
    found = _git(project, "ls-files", "-z", "--", pattern)
    return tuple(sorted({name for name in found.split("\0") if name}))


def sha256_at(project: Path, commit: str, name: str) -> str | None:
    """Of a file's content in a commit; None if there is no such file."""
    content = _run(project, "cat-file", "blob", f"{commit}:./{name}")
    return None if content is None else hashlib.sha256(content).hexdigest()


def text_at(project: Path, commit: str | None, name: str) -> str | None:
    """A file's text at a commit, None: in the work tree; None if there is no such file.

    What is no UTF-8 is replaced; of a file of more than 4 MiB nothing is read.
    """
    if commit is None:
        path = project / name
        try:
            if not path.is_file() or path.stat().st_size > _MAX_BYTES:
                return None
            return path.read_bytes().decode("utf-8", "replace")
        except OSError:
            return None
    size = _git(project, "cat-file", "-s", f"{commit}:./{name}").strip()
    if not size or int(size) > _MAX_BYTES:
        return None
    return _git(project, "cat-file", "blob", f"{commit}:./{name}")


def changed_names(project: Path, commit: str) -> tuple[str, ...]:
    """Files of the project that differ from the commit, relative to it."""
    found = _git(project, "diff", "--name-only", "-z", *_DIFF, commit, "--", ".")
    return tuple(name for name in found.split("\0") if name)


def added_lines(project: Path, commit: str, pattern: str) -> dict[str, Counter[str]]:
    """Lines that files matching `pattern` have and had not at the commit, by file.

    A line that was moved, within a file or to another one, is not new.
    """
    added: dict[str, Counter[str]] = {}
    removed: Counter[str] = Counter()
    for name, line in _changed_lines(project, commit, pattern):
        text = line[1:].strip()
        if line[0] == "-":
            removed[text] += 1
        else:
            added.setdefault(name, Counter())[text] += 1
    for lines in added.values():
        for text in list(lines):
            moved = min(lines[text], removed[text])
            lines[text] -= moved
            removed[text] -= moved
    return added


def _changed_lines(project: Path, commit: str, pattern: str) -> Iterator[tuple[str, str]]:
    found = _git(
        project, "diff", "-U0", "--src-prefix=a/", "--dst-prefix=b/", *_DIFF, commit, "--", pattern
    )
    name, in_header = "", True
    for line in found.split("\n"):
        if line.startswith("diff --git "):
            in_header = True
        elif line.startswith("@@"):
            in_header = False
        elif in_header and line.startswith("+++ "):
            name = line.removeprefix("+++ ").rstrip("\t").strip('"').removeprefix("b/")
        elif not in_header and line[:1] in {"+", "-"}:
            yield name, line


def _git(project: Path, *arguments: str) -> str:
    """What git prints; nothing if it fails."""
    return (_run(project, *arguments) or b"").decode("utf-8", "replace")


def _run(project: Path, *arguments: str) -> bytes | None:
    try:
        done = subprocess.run(
            ["git", "-C", str(project), "-c", "core.quotePath=false", *arguments],
            capture_output=True,
            check=False,
            timeout=_TIMEOUT_S,
            env={**os.environ, "GIT_NO_REPLACE_OBJECTS": "1"},  # those show another history
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout if done.returncode == 0 else None
