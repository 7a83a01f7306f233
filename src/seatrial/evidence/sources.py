"""Finds the project's own file for a source file that a container had."""

import hashlib
import os
from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

__all__ = ["ComparedFile", "ProjectFiles", "compare_sources", "shared_tail", "walk_project"]

_MAX_FILES = 200_000
_PASSED_OVER = frozenset({"node_modules", "__pycache__", "site-packages"})


@dataclass(frozen=True)
class ComparedFile:
    """The project's file for one of the container, and whether the contents are the same."""

    project_file: str | None
    equal: bool | None
    """None: not comparable, because one of the two is missing or it is not clear which."""


class ProjectFiles:
    """The project's files by name, read once; hidden folders and environments are passed over."""

    def __init__(self, project: Path, names: Collection[str]) -> None:
        self._project = project
        self._by_name: dict[str, list[PurePosixPath]] = defaultdict(list)
        wanted = frozenset(names)
        for path in walk_project(project):
            if path.name in wanted:
                self._by_name[path.name].append(path)

    def find(self, place: str) -> tuple[PurePosixPath, ...]:
        """The files whose paths end like `place` the longest; several if they tie.

        A file whose name alone is the same is none, unless it lies at the project's top.
        """
        best: list[PurePosixPath] = []
        length = 0
        for path in self._by_name.get(PurePosixPath(place).name, ()):
            shared = shared_tail(place, str(path))
            if shared < 2 and shared < len(path.parts):
                continue
            if shared > length:
                best, length = [path], shared
            elif shared == length:
                best.append(path)
        return tuple(best)


def compare_sources(
    project: Path,
    digests: Mapping[str, str],
    places: Collection[str],
    mounts: Sequence[tuple[str, Path]] = (),
) -> dict[str, ComparedFile]:
    """Hold the container's files (`places`, of which some have SHA-256 `digests`) against the own.

    `mounts` are folders of the project that the container saw, by where it saw them: what is below
    one is that very file, whatever else is called alike.
    """
    files = ProjectFiles(project, {PurePosixPath(place).name for place in places})
    compared = {}
    for place in places:
        mounted = _below_mount(place, mounts, project)
        candidates = (mounted,) if mounted else files.find(place)
        own = {str(path): _digest(project / path) for path in candidates}
        digest = digests.get(place)
        same = [name for name, found in own.items() if digest is not None and found == digest]
        if same:
            compared[place] = ComparedFile(same[0], equal=True)
        elif len(own) == 1:
            name, found = next(iter(own.items()))
            equal = None if digest is None or found is None else False
            compared[place] = ComparedFile(name, equal)
        else:
            compared[place] = ComparedFile(None, None)
    return compared


def shared_tail(one: str, other: str) -> int:
    """How many parts two paths have in common, counted from their ends."""
    count = 0
    pairs = zip(
        reversed(PurePosixPath(one).parts), reversed(PurePosixPath(other).parts), strict=False
    )
    for left, right in pairs:
        if left != right:
            break
        count += 1
    return count


def _below_mount(
    place: str, mounts: Sequence[tuple[str, Path]], project: Path
) -> PurePosixPath | None:
    path = PurePosixPath(place)
    if ".." in path.parts:
        return None
    # The innermost mount is the one that the container saw.
    for target, source in sorted(mounts, key=lambda mount: -len(mount[0])):
        if path.is_relative_to(target):
            own = source / path.relative_to(target)
            if own.is_file() and own.is_relative_to(project):
                return PurePosixPath(own.relative_to(project).as_posix())
            return None
    return None


def walk_project(project: Path) -> Iterator[PurePosixPath]:
    """The files of a project, relative to it, but for hidden folders and environments."""
    seen = 0
    for root, folders, names in os.walk(project):
        folders[:] = [
            name
            for name in sorted(folders)
            if not name.startswith(".")
            and name not in _PASSED_OVER
            and not os.path.exists(os.path.join(root, name, "pyvenv.cfg"))  # noqa: PTH110, PTH118
        ]
        above = PurePosixPath(Path(root).relative_to(project).as_posix())
        for name in names:
            seen += 1
            if seen > _MAX_FILES:
                return
            yield above / name


def _digest(path: Path) -> str | None:
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError:
        return None
