"""Hashes files in a container as the engine hands them out, and keeps nothing of them."""

import asyncio
import hashlib
import tarfile
from collections import Counter
from collections.abc import Collection, Iterator
from pathlib import PurePosixPath
from tempfile import TemporaryFile
from typing import IO

from seatrial.engine.api import Engine
from seatrial.engine.archive import NOT_FOUND

__all__ = ["hash_files", "roots_of"]

_MAX_SINGLE = 20
"""Files of a folder that are asked for one by one; more, and the folder is read whole."""
_MAX_REQUESTS = 300


async def hash_files(
    engine: Engine, container: str, paths: Collection[str], *, max_bytes: int
) -> dict[str, str]:
    """SHA-256 of those of the absolute `paths` that are plain files, by path.

    Names in the archives are only compared with those asked for. What lies beyond `max_bytes` of
    archives in all, or 300 of them, is left out.

    Raises:
        DockerError: the engine failed.
    """
    from aiodocker.exceptions import DockerError  # noqa: PLC0415 - imported late, see connect

    wanted = frozenset(paths)
    digests: dict[str, str] = {}
    left = max_bytes
    for root in roots_of(wanted)[:_MAX_REQUESTS]:
        with TemporaryFile() as file:
            complete = True
            try:
                async for piece in engine.get_archive(container, root):
                    left -= len(piece)
                    if left < 0:
                        complete = False
                        break
                    file.write(piece)
            except DockerError as error:
                if error.status != NOT_FOUND:
                    raise
                continue
            if not complete:
                break
            file.seek(0)
            parent = str(PurePosixPath(root).parent)
            digests.update(await asyncio.to_thread(lambda: dict(_digests(file, parent, wanted))))  # noqa: B023
    return digests


def roots_of(paths: Collection[str]) -> list[str]:
    """The fewest paths to ask the engine for: packages as folders, loose files by themselves."""
    folders = Counter(str(PurePosixPath(path).parent) for path in paths)
    packages = {str(PurePosixPath(p).parent) for p in paths if p.endswith("/__init__.py")}
    whole = {
        folder
        for folder, count in folders.items()
        if folder != "/" and (folder in packages or count > _MAX_SINGLE)
    }
    tops = {f for f in whole if not any(str(p) in whole for p in PurePosixPath(f).parents)}
    loose = [path for path in paths if not any(str(p) in tops for p in PurePosixPath(path).parents)]
    return sorted([*tops, *loose])


def _digests(file: IO[bytes], parent: str, wanted: frozenset[str]) -> Iterator[tuple[str, str]]:
    seen: dict[str, str] = {}
    try:
        with tarfile.open(fileobj=file, mode="r:") as archive:
            for member in archive:
                path = f"{parent.rstrip('/')}/{member.name}"
                if member.islnk():
                    # A second name of a file that stands before it in the archive.
                    digest = seen.get(member.linkname)
                else:
                    content = archive.extractfile(member) if member.isreg() else None
                    digest = hashlib.file_digest(content, "sha256").hexdigest() if content else None  # type: ignore[arg-type]
                if digest is not None:
                    seen[member.name] = digest
                    if path in wanted:
                        yield path, digest
    except (tarfile.TarError, KeyError):
        return
