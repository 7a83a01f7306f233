"""What drills must know of the project before they break it: its stack and an earlier trial."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from seatrial.drill.sites import Site, find_sites
from seatrial.errors import UsageFault
from seatrial.evidence.folder import newest_records
from seatrial.evidence.record import Record
from seatrial.evidence.tests import read_results
from seatrial.settings import LoadedSettings, Settings
from seatrial.stack.canonical import read_canonical
from seatrial.stack.compose import Compose
from seatrial.stack.files import find_compose_files
from seatrial.stack.model import Form, Service, read_services
from seatrial.stack.select import Selection, select_services

__all__ = ["Subject", "earlier_trial", "image_names", "look_at", "settings_text"]

_TRIALS = 20
"""How many of the newest trials are asked for one that ran tests."""


@dataclass(frozen=True)
class Subject:
    """The copy, and what is known of it."""

    copy: Path
    settings: Settings
    compose_files: tuple[str, ...]
    """Absolute."""
    form: Form
    """Canonical; its paths are the copy's."""
    services: Mapping[str, Service]
    selection: Selection
    record: Record
    """The newest trial whose tests ran."""
    sites: tuple[Site, ...]
    test_seconds: float = 1.0
    """What the control's one test took, with all set-up that is done for it."""

    @property
    def test(self) -> str:
        """The test service."""
        return self.selection.test

    @property
    def dependency(self) -> str | None:
        """A service that the tests need and that keeps running; None: there is none.

        Of several, the one that was ready first: to wait for it in vain takes the least time.
        """
        found = [
            one
            for one in self.record.services
            if one.name in self.selection.required and one.state in {"ready", "started"}
        ]
        by_time = sorted(found, key=lambda one: (one.state, one.ready_seconds or 0.0, one.name))
        return by_time[0].name if by_time else None


def earlier_trial(project: Path) -> tuple[Record, tuple[Site, ...]]:
    """The newest trial whose tests ran, and where they are.

    Raises:
        UsageFault: there is none.
    """
    for record, folder in newest_records(project, _TRIALS):
        if record.pytest is None or record.pytest.tests is None:
            continue
        try:
            sites = find_sites(read_results(folder.path / record.pytest.tests), project)
        except (OSError, ValueError, TypeError):
            continue
        if sites:
            return record, sites
    raise UsageFault(
        "no trial of this project has tests that passed, so nothing says where tests go",
        where=str(project),
        next_step="make a trial first: seatrial run",
    )


async def look_at(
    copy: Path, compose: Compose, loaded: LoadedSettings, record: Record, sites: tuple[Site, ...]
) -> Subject:
    """Read the copy's compose files.

    Raises:
        UsageFault: see `make_plan`.
    """
    settings = loaded.settings
    files = find_compose_files(copy, settings.compose_files)
    canonical = await read_canonical(
        compose, files, project=copy, name="drill", env_files=settings.env_files
    )
    services = read_services(canonical.form)
    selection = select_services(
        services, named=settings.service, mode=settings.services, profiles=settings.profiles
    )
    return Subject(
        copy=copy,
        settings=settings,
        compose_files=tuple(str(file) for file in files),
        form=canonical.form,
        services=services,
        selection=selection,
        record=record,
        sites=sites,
    )


def image_names(subject: Subject, prefix: str) -> Mapping[str, str]:
    """A name of ours for each image that is built, by service.

    The project's own names must go on naming the project's own images. A service that uses what
    another one builds gets that one's.
    """
    raw = subject.form["services"]
    built = {name: f"{prefix}-{name}" for name in raw if "build" in raw[name]}
    by_image = {raw[name]["image"]: ours for name, ours in built.items() if raw[name].get("image")}
    shared = {
        name: by_image[raw[name]["image"]]
        for name in raw
        if name not in built and raw[name].get("image") in by_image
    }
    return {**built, **shared}


def settings_text(settings: Settings, changes: Mapping[str, Any]) -> str:
    """A seatrial.toml of all that is no default, with changes by dotted key."""
    values = settings.model_dump(mode="json", exclude_defaults=True)
    for key, value in changes.items():
        *groups, name = key.split(".")
        place = values
        for group in groups:
            place = place.setdefault(group, {})
        place[name] = value
    return "".join(_lines(values))


def _lines(values: Mapping[str, Any]) -> Iterator[str]:
    for key, value in values.items():
        if value is not None:
            yield f"{_key(key)} = {_toml(value)}\n"


def _toml(value: Any) -> str:
    match value:
        case Mapping():
            pairs = (f"{_key(k)} = {_toml(v)}" for k, v in value.items() if v is not None)
            return f"{{{', '.join(pairs)}}}"
        case list() | tuple():
            return f"[{', '.join(map(_toml, value))}]"
        case _:
            # JSON's strings, numbers and booleans are TOML's, but for DEL.
            return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")


def _key(key: str) -> str:
    return json.dumps(key, ensure_ascii=False)
