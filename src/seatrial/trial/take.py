"""Takes a path out of a container for the record: faults become findings."""

import asyncio
from pathlib import Path

from seatrial.engine.archive import Extraction, Leave, take_out
from seatrial.engine.faults import engine_faults
from seatrial.errors import EnvironmentFault
from seatrial.trial.rig import Journal, Rig

__all__ = ["remove_empty", "take"]


async def take(
    rig: Rig,
    journal: Journal,
    container: str,
    path: str,
    into: Path,
    limit: int,
    *,
    leave: Leave = lambda _name, _size, _modified: False,
) -> Extraction | None:
    """Take a path out of a container into a folder of the trial; what is refused is noted.

    None: there is no such path, or it cannot be read.
    """
    await asyncio.to_thread(into.mkdir, parents=True, exist_ok=True)
    try:
        with engine_faults(path):
            taken = await take_out(rig.engine, container, path, into, max_bytes=limit, leave=leave)
    except EnvironmentFault as fault:
        journal.note(f"{path} could not be taken out: {fault.what}")
        remove_empty(into, rig.folder.path)
        return None
    for finding in taken.findings:
        journal.note(f"{path}: {finding}")
    return taken


def remove_empty(folder: Path, stop: Path) -> None:
    """Remove a folder that is empty, and those above it that then are, below `stop`."""
    while folder != stop and not any(folder.iterdir()):
        folder.rmdir()
        folder = folder.parent
