"""Finds, in the containers, the outputs that the settings name and that are no mounts."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from seatrial.stack.model import Mount, Service
from seatrial.stack.mounts import is_declared
from seatrial.stack.redirect import free_name

__all__ = ["OutputPath", "find_outputs"]


@dataclass(frozen=True)
class OutputPath:
    """A file or folder of a container that is taken out of it at the end."""

    setting: str
    """What the settings call it."""
    service: str
    path: str
    """In the container; one that is not absolute is below the container's working folder."""
    name: str
    """Its folder's name under the trial's `output/`."""
    origin: Path | None = None
    """What the container saw at that place to begin with; None: what its image has there."""


def find_outputs(
    services: Mapping[str, Service],
    test: str,
    *,
    project: Path,
    outputs: Iterable[str],
    taken: Iterable[str],
) -> Iterator[OutputPath]:
    """Yield where each of the `outputs` is, but for those that are mounts of their own.

    A folder of the project is looked for in what is mounted, first by the test service; where the
    project is in the image, it is below the working folder. An absolute path that no mount has is
    the test container's. `taken` are names under `output/` that others have.
    """
    names = set(taken)
    mounted = [
        (name, mount)
        for name in (test, *(name for name in services if name != test))
        for mount in services[name].mounts
        if mount.kind == "bind"
    ]
    for output in dict.fromkeys(outputs):
        if any(is_declared(mount, project, output) for _, mount in mounted):
            continue
        name = free_name(_file_name(output), names)
        # Of mounts that lie within each other the inner one has the files: the way is shorter.
        places = [
            (service, mount, below)
            for service, mount in mounted
            if (below := _within(output, mount, project)) is not None
        ]
        if not places:
            yield OutputPath(output, test, output, name)
            continue
        service, mount, below = min(
            places, key=lambda place: (place[0] != test, len(place[2].parts))
        )
        path, origin = PurePosixPath(mount.target, below), Path(mount.source, below)
        yield OutputPath(output, service, str(path), name, origin)


def _within(output: str, mount: Mount, project: Path) -> PurePosixPath | None:
    """The output's way from the mount's root, if it lies within."""
    for inner, outer in (
        (PurePosixPath((project / output).resolve()), mount.source),
        (PurePosixPath(output), mount.target),
    ):
        if inner.is_relative_to(outer):
            return inner.relative_to(outer)
    return None


def _file_name(output: str) -> str:
    name = "".join(c if c.isalnum() or c in "-_." else "-" for c in PurePosixPath(output).name)
    return name.strip(".") or "root"
