"""Takes files out of containers, trusting nothing in the archive, and puts files into them."""

import asyncio
import errno
import io
import os
import tarfile
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from tempfile import TemporaryFile
from typing import IO

from seatrial.engine.api import Engine

__all__ = ["Entry", "Extraction", "Leave", "put_entries", "put_tree", "read_small_file", "take_out"]

MAX_FILES = 20_000
"""Files taken out of one folder; HTML coverage of a very large project has a few thousand."""
MAX_HEADER = 1 << 20
"""Bytes of a name or extended header; Linux's longest path has 4 KiB."""
_CHUNK = 1 << 16
_ARCHIVE_OVERHEAD = 1 << 14
"""Headers, padding and the end of an archive with one file."""
NOT_FOUND = 404
_MAX_FINDINGS = 20
_MAX_ENTRIES_PER_FILE = 10
"""Entries looked at for each file that may be taken; an archive of nothing but empty ones could
keep a core busy for minutes, and a thread cannot be stopped."""


class _ShortReads(io.RawIOBase):
    """A file whose long reads fail: tarfile reads names and extended headers whole, and an
    archive may say that they are as long as itself.
    """

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file

    def read(self, size: int = -1) -> bytes:
        if not 0 <= size <= MAX_HEADER:
            raise tarfile.ReadError(f"a header of {size} bytes")
        return self._file.read(size)

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        return self._file.seek(offset, whence)

    def tell(self) -> int:
        return self._file.tell()


@dataclass(frozen=True)
class Entry:
    """One file or folder to put into a container."""

    name: str
    mode: int
    content: bytes | Path | None = None
    """The content itself, a file of this machine that has it, or None for a folder."""
    uid: int = 0
    gid: int = 0


Leave = Callable[[str, int, float], bool]
"""Given a file's path relative to the folder, its bytes and when it was last changed: whether it is
left where it is."""


@dataclass(frozen=True)
class Extraction:
    """Paths written, relative to the target folder, and what was refused and why."""

    files: tuple[str, ...]
    findings: tuple[str, ...]
    modified: Mapping[str, float] = field(default_factory=dict)
    """When each file was last changed in the container, in seconds since 1970."""


async def put_entries(
    engine: Engine, container: str, folder: str, entries: Sequence[Entry]
) -> None:
    """Put files and folders into a folder of a container; an existing folder gets mode and owner.

    Raises:
        DockerError: the folder does not exist, or the container's root is read-only.
        OSError: a file of this machine cannot be read.
    """
    if entries:
        await _put(engine, container, folder, lambda archive: _add_entries(archive, entries))


async def put_tree(engine: Engine, container: str, source: Path, folder: str) -> None:
    """Copy a folder of this machine into a folder of a container, owners and modes kept."""
    await _put(engine, container, folder, lambda archive: archive.add(source, arcname="."))


async def read_small_file(
    engine: Engine, container: str, path: str, *, max_bytes: int
) -> bytes | None:
    """The content of a file in a container; None if there is none or it is larger.

    Raises:
        DockerError: the engine failed.
    """
    from aiodocker.exceptions import DockerError  # noqa: PLC0415 - imported late, see connect

    archive = io.BytesIO()
    try:
        async for piece in engine.get_archive(container, path):
            archive.write(piece)
            if archive.tell() > max_bytes + _ARCHIVE_OVERHEAD:
                return None
    except DockerError as error:
        if error.status == NOT_FOUND:
            return None
        raise
    archive.seek(0)
    try:
        with tarfile.open(fileobj=archive, mode="r:") as opened:
            content = opened.extractfile(opened.next() or tarfile.TarInfo())
            return content.read(max_bytes) if content else None
    except (tarfile.TarError, KeyError):
        return None


async def take_out(
    engine: Engine,
    container: str,
    path: str,
    into: Path,
    *,
    max_bytes: int,
    max_files: int = MAX_FILES,
    leave: Leave = lambda _name, _size, _modified: False,
) -> Extraction:
    """Copy a file or folder out of a container into the folder `into`.

    Only plain files and folders with harmless names are written, below `into`, at most
    `max_bytes` and `max_files` in all; the rest is reported as findings. Files that `leave` is true
    of are passed over without one.

    Raises:
        DockerError: the path does not exist (status 404) or the engine failed.
    """
    with TemporaryFile() as file:
        received = 0
        async for piece in engine.get_archive(container, path):
            received += len(piece)
            # Headers and padding make an archive larger than its files.
            if received > 2 * max_bytes + (max_files << 10):
                return Extraction((), (f"{path}: over {max_bytes} bytes, not taken out",))
            file.write(piece)
        file.seek(0)
        return await asyncio.to_thread(
            _unpack, file, _Taken(into, max_bytes, max_files, leave), max_files
        )


async def _put(
    engine: Engine, container: str, folder: str, fill: Callable[[tarfile.TarFile], None]
) -> None:
    def pack(file: IO[bytes]) -> None:
        with tarfile.open(fileobj=file, mode="w") as archive:
            fill(archive)
        file.seek(0)

    with TemporaryFile() as file:
        await asyncio.to_thread(pack, file)
        await engine.put_archive(container, folder, _pieces(file))


def _add_entries(archive: tarfile.TarFile, entries: Sequence[Entry]) -> None:
    for entry in entries:
        member = tarfile.TarInfo(entry.name)
        member.mode, member.uid, member.gid = entry.mode, entry.uid, entry.gid
        if entry.content is None:
            member.type = tarfile.DIRTYPE
            archive.addfile(member)
        elif isinstance(entry.content, Path):
            member.size = entry.content.stat().st_size
            with entry.content.open("rb") as content:
                archive.addfile(member, content)
        else:
            member.size = len(entry.content)
            archive.addfile(member, io.BytesIO(entry.content))


async def _pieces(file: IO[bytes]) -> AsyncIterator[bytes]:
    while piece := await asyncio.to_thread(file.read, _CHUNK):
        yield piece


def _unpack(file: IO[bytes], taken: "_Taken", max_files: int) -> Extraction:
    try:
        with tarfile.open(fileobj=_ShortReads(file), mode="r:") as archive:
            entries = 0
            while member := archive.next():
                entries += 1
                if entries > _MAX_ENTRIES_PER_FILE * max_files:
                    taken.refuse(f"over {entries - 1} entries, the rest was not looked at")
                    break
                taken.take(archive, member)
                # tarfile keeps all that it saw, half a kilobyte each.
                archive.members.clear()  # type: ignore[attr-defined] # not in typeshed
    except (tarfile.TarError, ValueError, OverflowError) as error:
        taken.refuse(f"the archive is broken: {error}")
    return taken.result()


class _Taken:
    """What was taken out of an archive so far; each entry takes the same time, however many."""

    def __init__(self, into: Path, max_bytes: int, max_files: int, leave: Leave) -> None:
        self._into = into
        self._leave = leave
        self._max_bytes = max_bytes
        self._max_files = max_files
        self._budget = max_bytes
        self._modified: dict[str, float] = {}
        self._members: dict[str, tarfile.TarInfo] = {}
        """The files taken, by their names in the archive: hard links name those."""
        self._findings: list[str] = []
        self._further = 0
        """Findings that are only counted."""

    def take(self, archive: tarfile.TarFile, member: tarfile.TarInfo) -> None:
        if member.isdir():
            return
        parts = PurePosixPath(member.name).parts
        relative = PurePosixPath(*parts[1:] or (member.name,))
        refusal = self._refusal(member)
        if not refusal and member.isreg() and self._leave(str(relative), member.size, member.mtime):
            return
        if not refusal:
            content = archive.extractfile(self._source(member))
            if content is None:
                return
            try:
                self._budget -= _write(content, self._into / relative, self._budget)
            except OSError as error:
                refusal = str(error.strerror)
            else:
                self._modified[str(relative)] = member.mtime
                self._members[member.name] = self._source(member)
        if refusal:
            self.refuse(f"{member.name!r}: {refusal}, not taken out")

    def refuse(self, finding: str) -> None:
        if len(self._findings) < _MAX_FINDINGS:
            self._findings.append(finding)
        else:
            self._further += 1

    def result(self) -> Extraction:
        more = [f"and {self._further} more"] if self._further else []
        return Extraction(tuple(self._modified), (*self._findings, *more), self._modified)

    def _source(self, member: tarfile.TarInfo) -> tarfile.TarInfo:
        """The member that has the content; of a hard link, the one that it names."""
        return self._members[member.linkname] if member.islnk() else member

    def _refusal(self, member: tarfile.TarInfo) -> str:
        if len(self._modified) >= self._max_files:
            return f"over {self._max_files} files"
        path = PurePosixPath(member.name)
        if path.is_absolute() or ".." in path.parts:
            return "the name leaves the folder"
        if not member.name.isprintable():
            return "control characters in the name"
        if member.issym():
            return "a symbolic link"
        if not member.isreg() and not member.islnk():
            return "neither file nor folder"
        # A second name of a file that was taken already; anything else is not followed.
        if member.islnk() and member.linkname not in self._members:
            return "a hard link to nothing that was taken out"
        if self._source(member).size > self._budget:
            return f"over {self._max_bytes} bytes in all"
        return ""


def _write(content: IO[bytes], target: Path, budget: int) -> int:
    target.parent.mkdir(parents=True, exist_ok=True)
    written = 0
    with target.open("xb") as file:
        try:
            while piece := content.read(_CHUNK):
                written += len(piece)
                if written > budget:
                    raise OSError(errno.EFBIG, os.strerror(errno.EFBIG))
                file.write(piece)
        except BaseException:
            target.unlink()  # half a file would be taken for evidence
            raise
    return written
