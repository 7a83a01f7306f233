"""Hashes files in a container as the engine hands them out, and keeps nothing of them."""

import asyncio
import hashlib
import posixpath
import tarfile
from collections import defaultdict
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from tempfile import TemporaryFile
from typing import IO

from seatrial.engine.api import Engine
from seatrial.engine.archive import NOT_FOUND

__all__ = ["hash_files"]

MAX_FOLDER_BYTES = 16 << 20
"""Of a folder's archive. An engine mounts all of a container's file systems for each request, which
takes as long as to hand out so much: one request for a folder costs less than two for its files,
and a folder that is larger is given up and asked for in parts."""
MAX_REQUESTS = 300


async def hash_files(
    engine: Engine, container: str, paths: Collection[str], *, max_bytes: int
) -> dict[str, str]:
    """SHA-256 of those of the absolute `paths` that are plain files, by path.

    Names in the archives are only compared with those asked for. What lies beyond `max_bytes` of
    archives in all, or 300 of them, is left out.

    Raises:
        DockerError: the engine failed.
    """
    names = defaultdict(set)
    for path in paths:
        if path.startswith("/"):
            # As the engine understands it: the paths are the container's, `..` and all.
            names["/" + posixpath.normpath(path).lstrip("/")].add(path)
    digests = await _hash(engine, container, frozenset(names), max_bytes=max_bytes)
    return {path: digest for place, digest in digests.items() for path in names[place]}


async def _hash(
    engine: Engine, container: str, paths: frozenset[str], *, max_bytes: int
) -> dict[str, str]:
    digests: dict[str, str] = {}
    left = max_bytes
    groups = [paths] if paths else []
    for _ in range(MAX_REQUESTS):
        if not groups or left <= 0:
            break
        group = groups.pop()
        root = posixpath.commonpath(group)
        if root == "/":
            groups += _parts(group, root)
            continue
        alone = group == {root}
        read = await _read(
            engine, container, root, group, max_bytes=left if alone else min(left, MAX_FOLDER_BYTES)
        )
        left -= read.received
        digests |= read.digests
        if not alone:
            missing = group - digests.keys()
            groups += _parts(missing if not read.complete else read.behind_links(missing), root)
    return digests


def _parts(group: frozenset[str], root: str) -> list[frozenset[str]]:
    """A folder's paths by the file or folder in it in which they lie, in reverse order."""
    parts = defaultdict(set)
    for path in group - {root}:  # what others lie in is no file
        parts[PurePosixPath(path).relative_to(root).parts[0]].add(path)
    return [frozenset(parts[name]) for name in sorted(parts, reverse=True)]


@dataclass
class _Read:
    """What came of one request."""

    digests: dict[str, str] = field(default_factory=dict)
    received: int = 0
    """Bytes."""
    complete: bool = True
    links: set[str] = field(default_factory=set)
    """Paths of symbolic links, which the engine does not follow within an archive."""

    def behind_links(self, paths: Collection[str]) -> frozenset[str]:
        """Those of the paths that may be there all the same."""
        if not self.links:
            return frozenset()
        return frozenset(
            path
            for path in paths
            if any(str(folder) in self.links for folder in PurePosixPath(path).parents)
        )


async def _read(
    engine: Engine, container: str, root: str, wanted: frozenset[str], *, max_bytes: int
) -> _Read:
    from aiodocker.exceptions import DockerError  # noqa: PLC0415 - imported late, see connect

    read = _Read()
    with TemporaryFile() as file:
        try:
            async for piece in engine.get_archive(container, root):
                read.received += len(piece)
                if read.received > max_bytes:
                    read.complete = False
                    break
                file.write(piece)
        except DockerError as error:
            if error.status != NOT_FOUND:
                raise
            return read
        if read.complete:
            file.seek(0)
            await asyncio.to_thread(_look, file, str(PurePosixPath(root).parent), wanted, read)
    return read


def _look(file: IO[bytes], parent: str, wanted: frozenset[str], read: _Read) -> None:
    for path, digest in _members(file, parent):
        if digest is None:
            read.links.add(path)
        elif path in wanted:
            read.digests[path] = digest


def _members(file: IO[bytes], parent: str) -> Iterator[tuple[str, str | None]]:
    """Each plain file with its digest, and each symbolic link with None."""
    seen: dict[str, str] = {}
    try:
        with tarfile.open(fileobj=file, mode="r:") as archive:
            for member in archive:
                path = f"{parent.rstrip('/')}/{member.name}"
                if member.issym():
                    yield path, None
                    continue
                if member.islnk():
                    # A second name of a file that stands before it in the archive.
                    digest = seen.get(member.linkname)
                else:
                    content = archive.extractfile(member) if member.isreg() else None
                    digest = hashlib.file_digest(content, "sha256").hexdigest() if content else None  # type: ignore[arg-type]
                if digest is not None:
                    seen[member.name] = digest
                    yield path, digest
    except (tarfile.TarError, KeyError):
        return
