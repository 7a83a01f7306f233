"""Prepares what stands in for the project's mounted files, which containers must not change."""

import stat

from seatrial.engine.archive import Entry, put_entries, put_tree
from seatrial.engine.faults import engine_faults
from seatrial.errors import UsageFault
from seatrial.trial.rig import Rig

__all__ = ["copies_sources", "fill_mounts", "make_source_volumes"]

_OVERLAY_SPECIAL = (",", ":", "\\", '"')
"""Characters that separate or escape values in overlayfs mount options."""


def copies_sources(setting: str, *, engine_is_local: bool) -> bool:
    """Whether mounted source folders are copied rather than overlaid."""
    return setting == "copy" or (setting == "auto" and not engine_is_local)


async def make_source_volumes(rig: Rig) -> None:
    """Make the volume that stands for each mounted source folder.

    An overlay's upper and work folder are volumes too, so the engine owns and removes what
    containers write, whoever the user is.

    Raises:
        UsageFault: the folder's path has characters that overlay options cannot carry.
        EnvironmentFault: the engine refuses.
    """
    copy = copies_sources(rig.settings.source, engine_is_local=rig.engine_is_local)
    labels = rig.plan.labels
    for source in rig.plan.sources:
        with engine_faults(f"volume for {source.source}"):
            if copy:
                await rig.engine.create_volume(source.volume, labels)
                continue
            lower = str(source.source)
            if any(char in lower for char in _OVERLAY_SPECIAL):
                raise UsageFault(
                    "the folder's path has characters that an overlay cannot carry",
                    where=lower,
                    next_step="move the project, or use copies: --source copy",
                )
            upper = await rig.engine.create_volume(f"{source.volume}-upper", labels)
            work = await rig.engine.create_volume(f"{source.volume}-work", labels)
            options = f"lowerdir={lower},upperdir={upper},workdir={work}"
            await rig.engine.create_volume(
                source.volume, labels, {"type": "overlay", "device": "overlay", "o": options}
            )


async def fill_mounts(rig: Rig, service: str, container: str) -> None:
    """Give a created container's stand-ins what the originals have: content, owner and mode.

    Raises:
        EnvironmentFault: the engine refuses.
    """
    copy = copies_sources(rig.settings.source, engine_is_local=rig.engine_is_local)
    entries = []
    with engine_faults(f"mounts of service {service}"):
        for source in rig.plan.sources:
            if source.service != service:
                continue
            if copy:
                await put_tree(rig.engine, container, source.source, source.target)
            # An overlay shows the owner of its upper folder, which the engine made as root.
            state = source.source.stat()
            entries.append(
                Entry(
                    _inside(source.target),
                    stat.S_IMODE(state.st_mode),
                    uid=state.st_uid,
                    gid=state.st_gid,
                )
            )
        entries += [
            # Whichever user the tests run as must be able to write.
            Entry(_inside(output.target), 0o777)
            for output in rig.plan.outputs
            if output.service == service
        ]
        for file in rig.plan.file_copies:
            if file.service == service:
                state = file.source.stat()
                entries.append(
                    Entry(
                        _inside(file.target),
                        stat.S_IMODE(state.st_mode),
                        file.source,
                        state.st_uid,
                        state.st_gid,
                    )
                )
        if rig.plan.form["services"][service].get("read_only"):
            return  # nothing can be set from outside; the volumes stay as the engine made them
        await put_entries(rig.engine, container, "/", entries)


def _inside(target: str) -> str:
    """A container's absolute path as an archive unpacked at its root names it."""
    return target.strip("/")
