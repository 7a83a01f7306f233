"""Takes out what the tests wrote to the project's output folders."""

import asyncio
import stat
from collections.abc import Mapping
from pathlib import Path, PurePosixPath

from seatrial.engine.archive import Leave
from seatrial.engine.faults import engine_faults
from seatrial.stack.outputs import OutputPath
from seatrial.trial.coverage_report import started_at
from seatrial.trial.doubts import output_doubts
from seatrial.trial.rig import Journal, Rig
from seatrial.trial.take import remove_empty, take

__all__ = ["take_outputs", "unchanged"]


async def take_outputs(rig: Rig, journal: Journal) -> None:
    """Take the outputs into the trial's folder, and hold them against the project and the clock.

    Raises:
        EnvironmentFault: the engine does not answer.
    """
    modified: dict[str, float] = {}
    for output in rig.plan.outputs:
        container = journal.services[output.service].container
        if container:
            into = rig.folder.output / output.name
            limit = rig.settings.max_output_bytes
            taken = await take(rig, journal, container, output.target, into, limit)
            for name, at in taken.modified.items() if taken else ():
                modified[f"{output.name}/{name}"] = at
    for declared in rig.plan.output_paths:
        for name, at in (await _declared_output(rig, journal, declared)).items():
            modified[f"{declared.name}/{name}"] = at
    if modified:
        began = await _first_made(rig, journal)
        found = output_doubts(rig.folder.output, rig.project, modified, began)
        journal.doubt(await asyncio.to_thread(list, found))


async def _declared_output(rig: Rig, journal: Journal, output: OutputPath) -> Mapping[str, float]:
    """Take out what the settings name; say so if there is nothing."""
    container = journal.services[output.service].container
    if container is None:
        return {}
    with engine_faults(output.setting):
        inspected = await rig.engine.inspect(container)
        home = (inspected.get("Config") or {}).get("WorkingDir") or "/"
        path = str(PurePosixPath(home, output.path))
        missing = await rig.engine.size_of(container, path) is None
    named = f"output {output.setting}, which the settings name"
    if missing:
        journal.note(f"{named}: there is no {path} in the container of service {output.service}")
        return {}
    into = rig.folder.output / output.name
    leave = unchanged(output.origin)
    taken = await take(
        rig, journal, container, path, into, rig.settings.max_output_bytes, leave=leave
    )
    if taken is None:
        return {}
    if not taken.files:
        remove_empty(into, rig.folder.path)
        journal.note(f"{named}: the trial wrote nothing to {path} of service {output.service}")
    return taken.modified


def unchanged(origin: Path | None) -> Leave:
    """Tell which files are still what the container saw of this machine's when it began."""

    def leave(name: str, size: int, modified: float) -> bool:
        if origin is None:
            return False
        try:
            # Of a single file, the name is its own.
            found = (origin / name if origin.is_dir() else origin).lstat()
        except OSError:
            return False
        # The engine's archives have whole seconds.
        same = found.st_size == size and int(found.st_mtime) == int(modified)
        return same and stat.S_ISREG(found.st_mode)

    return leave


async def _first_made(rig: Rig, journal: Journal) -> float:
    """When the first of the stack's containers was made, in seconds since 1970."""
    made = []
    for name, service in journal.services.items():
        if service.container:
            with engine_faults(f"service {name}"):
                made.append(started_at((await rig.engine.inspect(service.container))["Created"]))
    return min(made, default=0.0)
