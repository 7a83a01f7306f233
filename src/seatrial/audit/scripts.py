"""Finds the project's own shell scripts that containers are started with."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path, PurePosixPath
from typing import Any

from seatrial.stack.model import Service

__all__ = ["find_scripts"]

_MAX_SCRIPTS = 40


def find_scripts(
    project: Path, service: Service, raw: Mapping[str, Any], words: Sequence[str]
) -> Iterator[Path]:
    """Files of the project that a command's words name: as mounted, or as the image was given them.

    `words` are the command's. An image's folders need not be named like the project's, so each
    word is looked for under every end of its path.
    """
    context = Path(str((raw.get("build") or {}).get("context") or project))
    for word in [part for one in words for part in one.split()][:_MAX_SCRIPTS]:
        name = word.strip("\"';()")
        if "/" not in name and not name.endswith(".sh"):
            continue
        if name.startswith("-") or "://" in name:
            continue
        for candidate in _candidates(name, service, context, project):
            resolved = candidate.resolve()
            if resolved.is_relative_to(project) and resolved.is_file():
                yield resolved
                break


def _candidates(name: str, service: Service, context: Path, project: Path) -> Iterator[Path]:
    path = PurePosixPath(name)
    for mount in service.mounts:
        target = PurePosixPath(mount.target)
        if mount.kind == "bind" and path.is_relative_to(target):
            yield Path(mount.source) / path.relative_to(target)
    parts = [part for part in path.parts if part not in {"/", "."}]
    for begin in range(len(parts)):
        if ".." not in parts:
            yield context.joinpath(*parts[begin:])
            yield project.joinpath(*parts[begin:])
