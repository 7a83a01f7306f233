"""Leads every bind mount to a place in the trial: containers read the user's files, never write."""

from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from seatrial.stack.model import Form, Mount, read_services
from seatrial.stack.mounts import Treatment, treat_mount
from seatrial.stack.patch import Change

__all__ = ["FileCopy", "OutputMount", "Redirected", "SourceMount", "free_name", "redirect_mounts"]

_NO_WRITES = "containers do not write to your files"


@dataclass(frozen=True)
class OutputMount:
    """A mounted output folder, led into the trial's folder."""

    service: str
    target: str
    """Where the container sees it."""
    name: str
    """The folder's name under the trial's `output/`."""


@dataclass(frozen=True)
class SourceMount:
    """A mounted source folder whose changes stay in the trial."""

    volume: str
    """Engine name of the volume that stands for it; the engine side makes it."""
    source: Path
    service: str
    """A service that mounts it, and where: its container is used to reach into the volume."""
    target: str


@dataclass(frozen=True)
class FileCopy:
    """A mounted single file, copied into the container."""

    service: str
    source: Path
    target: str


Redirected = Change | OutputMount | SourceMount | FileCopy


def redirect_mounts(
    form: Form,
    *,
    project: Path,
    prefix: str,
    outputs: Collection[str],
    copy_all: bool,
    labels: Mapping[str, str],
    has_tracked_files: Callable[[Path], bool],
) -> Iterator[Redirected]:
    """Replace the bind mounts of all services, and yield what becomes of each.

    `copy_all`: the engine does not see this machine's files, so even read-only mounts are
    replaced. `prefix` starts the names of the volumes made here.
    """
    redirection = _Redirection(form, prefix, labels, copy_all=copy_all)
    services = read_services(form)
    for name, raw in form["services"].items():
        kept: list[dict[str, Any]] = []
        for mount, entry in zip(services[name].mounts, raw.get("volumes") or (), strict=True):
            if mount.kind != "bind":
                kept.append(entry)
                continue
            treatment = treat_mount(
                mount, project=project, outputs=outputs, has_tracked_files=has_tracked_files
            )
            replacement, found = redirection.redirect(name, mount, entry, treatment)
            kept += [replacement] if replacement else []
            yield from found
        if kept:
            raw["volumes"] = kept
        else:
            raw.pop("volumes", None)


class _Redirection:
    """What has been replaced so far: a folder that several services mount is replaced once."""

    def __init__(
        self, form: Form, prefix: str, labels: Mapping[str, str], *, copy_all: bool
    ) -> None:
        self._form = form
        self._prefix = prefix
        self._labels = labels
        self._copy_all = copy_all
        self._keys: dict[str, str] = {}
        # Keys that the project itself uses stay its own.
        own = form["volumes"]
        self._taken = {*own, *(key.removeprefix("output-") for key in own)}

    def redirect(
        self, service: str, mount: Mount, entry: dict[str, Any], treatment: Treatment
    ) -> tuple[dict[str, Any] | None, list[Redirected]]:
        """Return what is mounted instead (None: nothing), and what that means for the trial."""
        where = f"services.{service}.volumes[{mount.target}]"
        if self._copy_all and treatment is Treatment.KEEP:
            treatment = _for_remote(Path(mount.source))
        match treatment:
            case Treatment.KEEP if mount.read_only:
                return entry, []
            case Treatment.KEEP:
                told = "neither file nor folder; look at it yourself"
                return entry, [Change(where, "kept", told)]
            case Treatment.FILE if self._read_only_root(service):
                # Nothing can be copied into a container whose root is read-only.
                return {**entry, "read_only": True}, [Change(where, "read-only", _NO_WRITES)]
            case Treatment.FILE:
                copied = FileCopy(service, Path(mount.source), mount.target)
                return None, [copied, Change(where, "file copied in", _NO_WRITES)]
            case Treatment.DATA:
                key = free_name(f"data-{_tail(mount)}", self._taken)
                told = "data of an earlier run is not used"
                return self._volume(key, mount), [Change(where, "fresh volume", told)]
            case Treatment.OUTPUT:
                return self._output(service, mount, where)
            case Treatment.SOURCE:
                return self._source(service, mount, where)

    def _output(
        self, service: str, mount: Mount, where: str
    ) -> tuple[dict[str, Any], list[Redirected]]:
        found: list[Redirected] = []
        if mount.source not in self._keys:
            name = free_name(_tail(mount), self._taken)
            self._keys[mount.source] = f"output-{name}"
            found.append(OutputMount(service, mount.target, name))
        key = self._keys[mount.source]
        place = f"{key.replace('-', '/', 1)} in the trial's folder"
        found.append(Change(where, place, "what the tests write is evidence"))
        return self._volume(key, mount), found

    def _source(
        self, service: str, mount: Mount, where: str
    ) -> tuple[dict[str, Any], list[Redirected]]:
        found: list[Redirected] = []
        if mount.source not in self._keys:
            key = free_name(f"source-{len(self._keys)}", self._taken)
            self._keys[mount.source] = key
            name = f"{self._prefix}_{key}"
            self._form["volumes"][key] = {"name": name, "external": True}
            found.append(SourceMount(name, Path(mount.source), service, mount.target))
        told = "a copy of it" if self._copy_all else "read through, writes stay in the trial"
        found.append(Change(where, told, _NO_WRITES))
        return _mounted(self._keys[mount.source], mount), found

    def _read_only_root(self, service: str) -> bool:
        return bool(self._form["services"][service].get("read_only")) and not self._copy_all

    def _volume(self, key: str, mount: Mount) -> dict[str, Any]:
        labels = dict(self._labels)
        self._form["volumes"][key] = {"name": f"{self._prefix}_{key}", "labels": labels}
        return _mounted(key, mount)


def _for_remote(source: Path) -> Treatment:
    if source.is_dir():
        return Treatment.SOURCE
    return Treatment.FILE if source.is_file() else Treatment.KEEP


def _mounted(key: str, mount: Mount) -> dict[str, Any]:
    return {"type": "volume", "source": key, "target": mount.target, "read_only": mount.read_only}


def _tail(mount: Mount) -> str:
    name = PurePosixPath(mount.source).name or PurePosixPath(mount.target).name or "root"
    return "".join(c if c.isalnum() or c in "-_" else "-" for c in name)


def free_name(wanted: str, taken: set[str]) -> str:
    """A name that is not taken yet, with a number if need be; from then on it is."""
    name, number = wanted, 2
    while name in taken:
        name, number = f"{wanted}-{number}", number + 1
    taken.add(name)
    return name
