"""Weighs test files by their sizes, for projects whose tests were never timed."""

import os
import stat
import subprocess
from collections.abc import Iterable, Iterator, Mapping
from fnmatch import fnmatchcase
from itertools import islice
from pathlib import Path, PurePosixPath

__all__ = ["TEST_FILES", "file_sizes"]

TEST_FILES = ("test_*.py", "*_test.py")
"""pytest's default `python_files`."""

_NOT_RECURSED = ("*.egg", ".*", "_darcs", "build", "CVS", "dist", "node_modules", "venv", "{arch}")
"""pytest's default `norecursedirs`."""

_MAX_FILES = 100_000
"""That are looked at."""
_GIT_TIMEOUT_S = 20


def file_sizes(project: Path, patterns: Iterable[str] = TEST_FILES) -> Mapping[str, int]:
    """Bytes of each test file by its name, relative to the project's folder, with slashes.

    Those that git ignores are left out, and folders that pytest does not look into: hidden ones and
    the like. That the project's folder is also pytest's root folder is an assumption: what it
    collects under other names, or not at all, is dealt out less evenly, and no test is lost.
    """
    names = _listed(project)
    found = {}
    for name in islice(_walked(project) if names is None else names, _MAX_FILES):
        path = PurePosixPath(name)
        if not any(fnmatchcase(path.name, pattern) for pattern in patterns):
            continue
        if any(fnmatchcase(part, each) for part in path.parts[:-1] for each in _NOT_RECURSED):
            continue
        try:
            status = (project / name).lstat()
        except OSError:
            continue  # deleted, and git was not told
        if stat.S_ISREG(status.st_mode) and name.isprintable():
            found[name] = status.st_size
    return found


def _listed(project: Path) -> list[str] | None:
    """What git knows or would add; None if the project is not under its control."""
    command = ["git", "-C", str(project), "ls-files", "-z", "--cached", "--others"]
    try:
        done = subprocess.run(
            [*command, "--exclude-standard", "--", "*.py"],
            capture_output=True,
            check=False,
            timeout=_GIT_TIMEOUT_S,
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    names = {os.fsdecode(name) for name in done.stdout.split(b"\0") if name}
    return sorted(names) if done.returncode == 0 else None


def _walked(project: Path) -> Iterator[str]:
    for folder, folders, names in os.walk(project):
        folders[:] = sorted(
            name
            for name in folders
            if not any(fnmatchcase(name, pattern) for pattern in _NOT_RECURSED)
        )
        for name in sorted(names):
            yield Path(folder, name).relative_to(project).as_posix()
