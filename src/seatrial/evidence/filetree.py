"""Lists the files that reach a trial's containers, and hashes those that changed since last time.

A listing is quick and tells by size, times and inode whether a file is the one it was; only files
that are not are read. As git does, no file is believed by its times that was changed just before it
was hashed, since a second change within the clock's tick would leave them as they were
(https://git-scm.com/docs/racy-git).
"""

import hashlib
import json
import os
import stat
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from seatrial.evidence.dockerignore import IgnoreRules, Matched

__all__ = [
    "Entry",
    "HashCache",
    "NotComparableError",
    "Root",
    "Stamp",
    "hash_tree",
    "list_tree",
    "read_cache",
    "stamp_of",
    "write_cache",
]

MAX_ENTRIES = 200_000
RACY_NS = 2_000_000_000
"""The coarsest times that a file system in use keeps: two seconds (FAT)."""

Stamp = tuple[int, int, int, int, int]
"""Size, times of the last change of content and of state in nanoseconds, inode, device."""


class NotComparableError(Exception):
    """Whether a tree is the one it was cannot be told; the message says why."""


@dataclass(frozen=True)
class Root:
    """A file or folder of this machine that containers or builds are given."""

    path: Path
    rules: IgnoreRules | None = None
    """What the builder leaves out of it."""
    without: Path | None = None
    """A folder in it that is Seatrial's own."""


class Entry(NamedTuple):
    """A file, folder or link below a root."""

    place: str
    """Relative to the root; empty for the root itself."""
    mode: int
    uid: int
    gid: int
    link: str
    """Where a link leads; empty for all else."""
    stamp: Stamp | None
    """None unless it is a file: a folder's times change with anything in it."""


def list_tree(root: Root) -> tuple[Entry, ...]:
    """All that is below a root, in a fixed order.

    Raises:
        NotComparableError: something cannot be read, is neither file, folder nor link, or there are
            more than 200,000 entries.
    """
    found: list[Entry] = []
    path = os.path.realpath(root.path)
    without = os.path.realpath(root.without) if root.without else ""
    try:
        top = _entry("", path, Path(path).stat())
        found.append(top)
        if stat.S_ISDIR(top.mode):
            _list_folder(root.rules, path, "", (), without, found)
    except OSError as error:
        raise NotComparableError(f"{error.filename or path}: {error.strerror}") from error
    return tuple(found)


def hash_tree(root: Root, entries: Iterable[Entry], cache: "HashCache") -> str:
    """SHA-256 of names, kinds, modes, owners and contents.

    Raises:
        NotComparableError: a file is no longer what was listed.
    """
    top = os.path.realpath(root.path)
    fields: list[str] = []
    for entry in entries:
        path = f"{top}/{entry.place}" if entry.place else top
        content = cache.sha256(path, entry.stamp) if entry.stamp else entry.link
        # No field can hold a zero, so nothing of one can pass for the next.
        fields += (entry.place, f"{entry.mode} {entry.uid} {entry.gid}", content)
    return hashlib.sha256(os.fsencode("\0".join(fields))).hexdigest()


@dataclass
class HashCache:
    """SHA-256 of files by their paths, with what shows that they are still the same."""

    now_ns: int
    """Wall clock when it was read, in nanoseconds."""
    known: dict[str, list[int | str]] = field(default_factory=dict)
    """The stamp's numbers, and the hash behind them: as JSON has it, since there may be many."""
    changed: bool = False
    stopped: bool = False
    """Set from another thread: nothing more is to be read."""

    def sha256(self, path: str, stamp: Stamp) -> str:
        """The hash of a file that looked like `stamp` when it was listed.

        Raises:
            NotComparableError: it does not any more, or cannot be read.
        """
        known = self.known.get(path)
        if known is not None and known[:-1] == [*stamp]:
            return str(known[-1])
        if self.stopped:
            raise NotComparableError("hashing was broken off")
        try:
            with open(path, "rb") as file:  # noqa: PTH123 - Path takes half as long again
                digest = hashlib.file_digest(file, "sha256").hexdigest()
                after = stamp_of(os.fstat(file.fileno()))
        except OSError as error:
            raise NotComparableError(f"{path}: {error.strerror}") from error
        if after != stamp:
            raise NotComparableError(f"{path} changed while it was read")
        if max(stamp[1], stamp[2]) < self.now_ns - RACY_NS:
            self.known[path] = [*stamp, digest]
            self.changed = True
        return digest


def read_cache(path: Path, now_ns: int) -> HashCache:
    """Read what an earlier run knew; nothing, if that is not to be had."""
    try:
        stored = json.loads(path.read_bytes())
    except (OSError, ValueError):
        return HashCache(now_ns)
    if not isinstance(stored, dict) or not all(type(one) is list for one in stored.values()):
        return HashCache(now_ns)
    return HashCache(now_ns, stored)


def write_cache(path: Path, cache: HashCache) -> None:
    """Keep what is known for the next run; if that cannot be, the next run hashes again."""
    draft = path.with_name(f"{path.name}.{os.getpid()}")
    try:
        draft.write_text(json.dumps(cache.known), encoding="utf-8")
        draft.replace(path)
    except OSError:
        draft.unlink(missing_ok=True)


def stamp_of(state: os.stat_result) -> Stamp:
    """What shows that a file is the one it was."""
    return (state.st_size, state.st_mtime_ns, state.st_ctime_ns, state.st_ino, state.st_dev)


def _entry(place: str, path: str, state: os.stat_result) -> Entry:
    mode = state.st_mode
    link, stamp = "", None
    if stat.S_ISLNK(mode):
        link = str(Path(path).readlink())
    elif stat.S_ISREG(mode):
        stamp = stamp_of(state)
    elif not stat.S_ISDIR(mode):
        raise NotComparableError(f"{path} is neither file nor folder: what is behind it can change")
    return Entry(place, mode, state.st_uid, state.st_gid, link, stamp)


def _list_folder(
    rules: IgnoreRules | None,
    path: str,
    place: str,
    above: Matched,
    without: str,
    found: list[Entry],
) -> None:
    with os.scandir(path) as scanned:
        children = sorted(scanned, key=lambda child: child.name)
    for child in children:
        if child.path == without:
            continue
        below = f"{place}/{child.name}" if place else child.name
        matched = rules.match(below, above) if rules else ()
        ignored = rules is not None and rules.ignores(matched)
        is_folder = child.is_dir(follow_symlinks=False)
        if ignored and not (is_folder and rules and rules.may_keep_below(below)):
            continue
        if len(found) >= MAX_ENTRIES:
            raise NotComparableError(f"more than {MAX_ENTRIES} files in {path}")
        number = len(found)
        found.append(_entry(below, child.path, child.stat(follow_symlinks=False)))
        if is_folder:
            _list_folder(rules, child.path, below, matched, without, found)
            if ignored and len(found) == number + 1:
                found.pop()  # nothing in it was brought back, so the builder does not see it
