"""Decides what becomes of each bind mount: containers read the user's files, never write them."""

import stat
from collections.abc import Callable, Collection
from enum import StrEnum
from pathlib import Path, PurePosixPath

from seatrial.stack.model import Mount

__all__ = ["Treatment", "is_declared", "treat_mount"]

_OUTPUT_NAMES = frozenset(
    {
        "artifacts",
        "cov",
        "coverage",
        "htmlcov",
        "junit",
        "logs",
        "output",
        "outputs",
        "report",
        "reports",
        "results",
        "test-output",
        "test-reports",
        "test-results",
        "test_output",
        "test_reports",
        "test_results",
    }
)
"""What projects call the folders that their tests write reports to."""

_DATA_TARGETS = (
    "/var/lib/postgresql",
    "/var/lib/mysql",
    "/var/lib/mariadb",
    "/var/lib/redis",
    "/data/db",
    "/var/lib/rabbitmq",
    "/var/lib/elasticsearch",
    "/usr/share/elasticsearch/data",
    "/usr/share/opensearch/data",
    "/bitnami",
)
"""Where well-known servers keep their data: state of an earlier run, if mounted from the host."""


class Treatment(StrEnum):
    """What is done with a bind mount."""

    KEEP = "keep"
    """Mounted as it is: read-only, or not a file or folder (a socket, a device)."""
    OUTPUT = "output"
    """A fresh volume, taken out into the trial's folder at the end."""
    SOURCE = "source"
    """Readable as it is; what is written stays in the trial."""
    DATA = "data"
    """A fresh volume: a server's data must not come from an earlier run."""
    FILE = "file"
    """A single file: copied into the container."""


def is_declared(mount: Mount, project: Path, output: str) -> bool:
    """Whether an output that the settings name is just this mount, by its source or its target."""
    by_source = Path(mount.source) == (project / output).resolve()
    return by_source or PurePosixPath(mount.target) == PurePosixPath(output)


def treat_mount(
    mount: Mount,
    *,
    project: Path,
    outputs: Collection[str],
    has_tracked_files: Callable[[Path], bool],
) -> Treatment:
    """Say how a bind mount is treated.

    `outputs` are folders, in `project` or in containers, that the settings name;
    `has_tracked_files` tells whether version control knows files in a folder (then it is no mere
    output folder).
    """
    source = Path(mount.source)
    if any(is_declared(mount, project, output) for output in outputs):
        return Treatment.OUTPUT
    try:
        mode = source.stat().st_mode
    except OSError:
        return Treatment.OUTPUT  # Compose would make an empty folder, owned by root
    if not (stat.S_ISDIR(mode) or stat.S_ISREG(mode)) or mount.read_only:
        return Treatment.KEEP
    if stat.S_ISREG(mode):
        return Treatment.FILE
    target = PurePosixPath(mount.target)
    if any(target.is_relative_to(data) for data in _DATA_TARGETS):
        return Treatment.DATA
    if source.name.lower() in _OUTPUT_NAMES and not has_tracked_files(source):
        return Treatment.OUTPUT
    return Treatment.SOURCE
