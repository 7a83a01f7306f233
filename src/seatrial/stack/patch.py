"""Patches the canonical form for a trial: isolated, labelled, and unable to harm what is outside.

Each patch is one function that edits the form it is given (a private copy) and yields what it
changed, so that `seatrial plan` can show every change with its reason.
"""

from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any, Literal

from seatrial.errors import UsageFault
from seatrial.stack.model import Form, Mount, read_services
from seatrial.stack.mounts import Treatment, treat_mount

__all__ = [
    "Change",
    "FileCopy",
    "OutputMount",
    "SourceMount",
    "built_image_names",
    "keep_only",
    "label_everything",
    "no_container_names",
    "no_published_ports",
    "no_restarts",
    "one_container_for_tests",
    "own_names",
    "plain_logging",
    "redirect_mounts",
]

_STATIC_ADDRESSES = ("ipv4_address", "ipv6_address")
_NO_WRITES = "containers do not write to your files"
_READABLE_LOG_DRIVERS = ("json-file", "local", "journald")


@dataclass(frozen=True)
class Change:
    """One difference between the project's form and the patched one."""

    where: str
    """Dotted place in the form, e.g. `services.db.ports`."""
    what: str
    why: str


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


def keep_only(form: Form, services: Collection[str]) -> Iterator[Change]:
    """Drop the services that take no part, and the networks and volumes that nobody else uses."""
    for name in list(form["services"]):
        if name not in services:
            del form["services"][name]
            yield Change(f"services.{name}", "not started", "the tests do not need it")
        else:
            form["services"][name].pop("profiles", None)
    used_networks = {n for s in form["services"].values() for n in s.get("networks") or ()}
    used_volumes = {
        mount["source"]
        for s in form["services"].values()
        for mount in s.get("volumes") or ()
        if mount.get("type") == "volume" and mount.get("source")
    }
    for key, used in (("networks", used_networks), ("volumes", used_volumes)):
        form[key] = {name: raw for name, raw in (form.get(key) or {}).items() if name in used}


def own_names(form: Form, project: str, external: Literal["refuse", "replace"]) -> Iterator[Change]:
    """Give networks and volumes the trial's own names; refuse or replace those from outside.

    Raises:
        UsageFault: something is external and the settings say to refuse that.
    """
    for key in ("networks", "volumes"):
        for name, raw in form[key].items():
            where = f"{key}.{name}"
            own = f"{project}_{name}"
            if raw.get("external"):
                if external == "refuse":
                    raise UsageFault(
                        f"the {key.removesuffix('s')} {name!r} is external: it exists outside the "
                        "project, and a trial would share it",
                        where=where,
                        next_step=(
                            "use a fresh one in trials with --external replace "
                            '(setting: external = "replace"), or make it part of the project'
                        ),
                    )
                raw.clear()
                yield Change(where, "external → fresh", "a trial shares nothing with the outside")
            elif raw.get("name") not in (None, own):
                yield Change(
                    where, f"name {raw['name']} → {own}", "two stacks must fit side by side"
                )
            raw["name"] = own
    for name, raw in form["services"].items():
        if raw.pop("external_links", None):
            yield Change(
                f"services.{name}.external_links", "removed", "a trial reaches nothing outside"
            )


def no_container_names(form: Form) -> Iterator[Change]:
    """Drop `container_name`, but keep the name resolvable in the service's networks."""
    for name, raw in form["services"].items():
        fixed = raw.pop("container_name", None)
        if fixed is None:
            continue
        for network in raw.get("networks") or {}:
            entry = raw["networks"][network] or {}
            entry["aliases"] = [*(entry.get("aliases") or []), fixed]
            raw["networks"][network] = entry
        yield Change(
            f"services.{name}.container_name",
            f"{fixed} → network alias {fixed}",
            "two stacks must fit side by side",
        )


def no_published_ports(form: Form) -> Iterator[Change]:
    """Turn published ports into exposed ones."""
    for name, raw in form["services"].items():
        ports = raw.pop("ports", None)
        if not ports:
            continue
        targets = [f"{port['target']}/{port.get('protocol', 'tcp')}" for port in ports]
        raw["expose"] = list(dict.fromkeys([*(raw.get("expose") or []), *targets]))
        yield Change(
            f"services.{name}.ports",
            f"{', '.join(targets)}: not published on the host",
            "two stacks must fit side by side",
        )


def no_restarts(form: Form) -> Iterator[Change]:
    """Let nothing be started again by the engine: an exit is a fact that the trial must see."""
    for name, raw in form["services"].items():
        policy = raw.pop("restart", None)
        (raw.get("deploy") or {}).pop("restart_policy", None)
        if policy not in (None, "no"):
            yield Change(
                f"services.{name}.restart", f"{policy} → no", "an exit must be seen, not undone"
            )


def plain_logging(form: Form) -> Iterator[Change]:
    """Replace log drivers whose logs cannot be read back."""
    for name, raw in form["services"].items():
        driver = (raw.get("logging") or {}).get("driver")
        if driver and driver not in _READABLE_LOG_DRIVERS:
            raw["logging"] = {"driver": "json-file"}
            yield Change(f"services.{name}.logging", f"{driver} → json-file", "logs are evidence")


def one_container_for_tests(form: Form, test: str) -> Iterator[Change]:
    """One container for the test service, judged by its tests and not by a health check."""
    raw = form["services"][test]
    if raw.pop("scale", 1) != 1 or (raw.get("deploy") or {}).pop("replicas", 1) != 1:
        yield Change(f"services.{test}.scale", "→ 1", "a worker's tests run in one container")
    if raw.get("healthcheck"):
        yield Change(
            f"services.{test}.healthcheck", "switched off", "it would probe a server, not tests"
        )
    # Switched off even where the compose file has none: the image may bring one.
    raw["healthcheck"] = {"disable": True}


def built_image_names(form: Form, slug: str) -> Iterator[Change]:
    """Name the images that have no name yet; a project's images keep their tags for the cache."""
    for name, raw in form["services"].items():
        if "build" not in raw:
            continue
        # With the image in the local store by then, Compose must neither build nor pull.
        raw.pop("pull_policy", None)
        if not raw.get("image"):
            raw["image"] = f"seatrial-{slug}-{name}"
            yield Change(
                f"services.{name}.image",
                f"built as {raw['image']}",
                "named after the project, not after the trial: the next build finds its cache",
            )


def label_everything(form: Form, labels: Mapping[str, str]) -> Iterator[Change]:
    """Label all that the engine will hold of the trial, so that all of it can be found again."""
    for key in ("services", "networks", "volumes"):
        for raw in form[key].values():
            raw["labels"] = {**(raw.get("labels") or {}), **labels}
    yield Change("*.labels", ", ".join(labels), "clean-up finds everything by its label")


def redirect_mounts(
    form: Form,
    *,
    project: Path,
    prefix: str,
    outputs: Collection[str],
    copy_all: bool,
    labels: Mapping[str, str],
    has_tracked_files: Callable[[Path], bool],
) -> Iterator[Change | OutputMount | SourceMount | FileCopy]:
    """Lead every bind mount to a place in the trial.

    `copy_all`: the engine does not see this machine's files, so even read-only mounts are
    replaced. `prefix` starts the names of the volumes made here.
    """
    sources: dict[str, SourceMount] = {}
    output_keys: dict[str, str] = {}
    # Keys that the project itself uses stay its own.
    taken = {*form["volumes"], *(key.removeprefix("output-") for key in form["volumes"])}
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
            if copy_all and treatment is Treatment.KEEP:
                treatment = _for_remote(Path(mount.source))
            if treatment is Treatment.FILE and raw.get("read_only") and not copy_all:
                # Nothing can be copied into a container whose root is read-only.
                kept.append({**entry, "read_only": True})
                yield Change(f"services.{name}.volumes[{mount.target}]", "read-only", _NO_WRITES)
                continue
            where = f"services.{name}.volumes[{mount.target}]"
            match treatment:
                case Treatment.KEEP:
                    kept.append(entry)
                    if not mount.read_only:
                        yield Change(where, "kept", "neither file nor folder; look at it yourself")
                case Treatment.FILE:
                    yield FileCopy(name, Path(mount.source), mount.target)
                    yield Change(where, "file copied in", _NO_WRITES)
                case Treatment.DATA:
                    key = _free_name(f"data-{_tail(mount)}", taken)
                    kept.append(_volume(form, key, prefix, mount, labels))
                    yield Change(where, "fresh volume", "data of an earlier run is not used")
                case Treatment.OUTPUT:
                    if mount.source not in output_keys:
                        output = _free_name(_tail(mount), taken)
                        output_keys[mount.source] = f"output-{output}"
                        yield OutputMount(name, mount.target, output)
                    key = output_keys[mount.source]
                    kept.append(_volume(form, key, prefix, mount, labels))
                    yield Change(
                        where,
                        f"{key.replace('-', '/', 1)} in the trial's folder",
                        "what the tests write is evidence",
                    )
                case Treatment.SOURCE:
                    if mount.source not in sources:
                        key = _free_name(f"source-{len(sources)}", taken)
                        sources[mount.source] = SourceMount(
                            f"{prefix}_{key}", Path(mount.source), name, mount.target
                        )
                        form["volumes"][key] = {"name": f"{prefix}_{key}", "external": True}
                        yield sources[mount.source]
                    key = sources[mount.source].volume.removeprefix(f"{prefix}_")
                    kept.append(_mounted(key, mount))
                    yield Change(
                        where,
                        "a copy of it" if copy_all else "read through, writes stay in the trial",
                        _NO_WRITES,
                    )
        if kept:
            raw["volumes"] = kept
        else:
            raw.pop("volumes", None)


def _for_remote(source: Path) -> Treatment:
    if source.is_dir():
        return Treatment.SOURCE
    return Treatment.FILE if source.is_file() else Treatment.KEEP


def _volume(
    form: Form, key: str, prefix: str, mount: Mount, labels: Mapping[str, str]
) -> dict[str, Any]:
    form["volumes"][key] = {"name": f"{prefix}_{key}", "labels": dict(labels)}
    return _mounted(key, mount)


def _mounted(key: str, mount: Mount) -> dict[str, Any]:
    return {"type": "volume", "source": key, "target": mount.target, "read_only": mount.read_only}


def _tail(mount: Mount) -> str:
    name = PurePosixPath(mount.source).name or PurePosixPath(mount.target).name or "root"
    return "".join(c if c.isalnum() or c in "-_" else "-" for c in name)


def _free_name(wanted: str, taken: set[str]) -> str:
    name, number = wanted, 2
    while name in taken:
        name, number = f"{wanted}-{number}", number + 1
    taken.add(name)
    return name


def static_addresses(form: Form) -> list[str]:
    """The services with a fixed address: two such stacks cannot run side by side."""
    return [
        name
        for name, raw in form["services"].items()
        for entry in (raw.get("networks") or {}).values()
        if any(key in (entry or {}) for key in _STATIC_ADDRESSES)
    ]
