"""Finds a container's high-water mark of memory in this machine's cgroup v2 tree.

With cgroup v1 the engine passes it on; of v2 it passes on only what is in use now.
"""

from collections.abc import Mapping
from pathlib import Path, PurePosixPath
from typing import Any

__all__ = ["find_peak_file", "read_peak"]

_TREE = "sys/fs/cgroup"
_USUAL_PLACES = (
    "system.slice/docker-{}.scope",
    "docker/{}",
    "machine.slice/libpod-{}.scope",
)
"""Docker's two cgroup drivers, and Podman's."""


def find_peak_file(
    info: Mapping[str, Any], container: str, pid: int, *, root: Path = Path("/")
) -> Path | None:
    """The file in which the kernel keeps the most memory that a container ever had.

    None: the engine's machine is another one or has cgroup v1, or its kernel is older than 5.19.
    `info` is what the engine tells of itself, `pid` the container's first process, `root` where
    /proc and /sys are.
    """
    if str(info.get("CgroupVersion")) != "2":
        return None
    tree = root / _TREE
    places = [*_own_place(root / "proc" / str(pid) / "cgroup", container)]
    places += [place.format(container) for place in _USUAL_PLACES]
    files = (tree / place / "memory.peak" for place in places)
    return next((file for file in files if file.is_file()), None)


def read_peak(file: Path) -> int | None:
    """Bytes; None: the container has ended, and its cgroup with it."""
    try:
        return int(file.read_text(encoding="ascii"))
    except (OSError, ValueError):
        return None


def _own_place(listing: Path, container: str) -> list[str]:
    """Where the process says that it is: any parent may be set for containers.

    Only if the path names the container. A process with this number may be anybody's where the
    engine runs in a machine of its own, and one that manages groups itself moves further down.
    """
    try:
        lines = listing.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return []
    for line in lines:
        if line.startswith("0::/"):
            path = PurePosixPath(line.removeprefix("0::/"))
            found = (place for place in (path, *path.parents) if container in place.name)
            return [str(place) for place in found if ".." not in place.parts]
    return []
