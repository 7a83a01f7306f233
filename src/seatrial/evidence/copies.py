"""Finds files of a trial that are nothing but copies of files of the project."""

import hashlib
import os
import stat
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

__all__ = ["find_copies"]

LEAST_BYTES = 128
"""What is smaller is the same by chance: empty files, one number, one word."""
MAX_COPIES = 20
_MAX_FILES = 200_000
_PASSED_OVER = frozenset({".git", ".seatrial"})


def find_copies(
    taken: Iterable[Path], project: Path, *, tracked: Iterable[str] | None = None
) -> Mapping[Path, str]:
    """Those of the `taken` files that are the same as one of the project's, with its path there.

    `tracked` are the project's files to look at; None: all of them. Only files of the same size
    are read.
    """
    by_size: dict[int, list[Path]] = defaultdict(list)
    for path in taken:
        size = path.stat().st_size
        if size >= LEAST_BYTES:
            by_size[size].append(path)
    if not by_size:
        return {}
    own: dict[int, list[str]] = defaultdict(list)
    for name in _files(project) if tracked is None else tracked:
        try:
            # One call for each of many files: `Path` would take three, and time of its own.
            found = os.lstat(f"{project}/{name}")
        except OSError:
            continue
        if found.st_size in by_size and stat.S_ISREG(found.st_mode):
            own[found.st_size].append(name)
    copies: dict[Path, str] = {}
    for size, names in own.items():
        digests = {_sha256(project / name): name for name in reversed(names)}
        for path in by_size[size]:
            same = digests.get(_sha256(path))
            if same is not None and len(copies) < MAX_COPIES:
                copies[path] = same
    return copies


def _files(project: Path) -> Iterator[str]:
    seen = 0
    top = f"{project}/"
    for root, folders, names in os.walk(project):
        folders[:] = [name for name in folders if name not in _PASSED_OVER]
        for name in names:
            seen += 1
            if seen > _MAX_FILES:
                return
            yield f"{root}/{name}"[len(top) :]


def _sha256(path: Path) -> str:
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError:
        return f"unreadable: {path}"
