"""Tells which databases are prepared together, and the names under which they are kept.

A name ends with a key of all that went into it: the server's image, the service's command and
environment, what its init scripts say; with a command of the project's, that command, the test
service as the compose file has it, and the files that the settings say decide what it does.
"""

import asyncio
import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from seatrial.engine.api import Engine
from seatrial.engine.faults import engine_faults
from seatrial.evidence.filetree import (
    Entry,
    HashCache,
    NotComparableError,
    Root,
    hash_tree,
    list_tree,
)
from seatrial.evidence.fingerprint import normalised
from seatrial.settings import Database, PrepareSettings
from seatrial.stack.plan import Plan
from seatrial.stack.prepared import SET_UP, Preparable, find_preparable
from seatrial.trial.identity import PROJECT_LABEL

__all__ = ["Preparation", "find_preparations", "list_files", "prepared_names", "told_as_done"]

_FORMAT = 1
"""Part of every key; raised when what is prepared would come out differently."""
_NOT_FOR_THE_COMMAND = frozenset(("command", "depends_on", "healthcheck", "image", "labels"))
"""What a test service says that the command is run without."""

Listing = Mapping[str, tuple[Entry, ...]]


@dataclass(frozen=True)
class Preparation:
    """Databases that are prepared together, since one command may fill them all."""

    databases: tuple[Preparable, ...]
    command: str | tuple[str, ...] | None = None
    files: Listing | str = ""
    """What was there of the command's files when the trial began; a text says why they could not
    be listed."""

    @property
    def services(self) -> str:
        """Their names, in words."""
        return ", ".join(wanted.service for wanted in self.databases)


def told_as_done(prepare: PrepareSettings) -> str:
    """What a prepared database has behind it, in words."""
    if prepare.command is None:
        return SET_UP
    command = prepare.command if isinstance(prepare.command, str) else " ".join(prepare.command)
    return f"{SET_UP} with `{command}`"


async def find_preparations(
    plan: Plan, prepare: PrepareSettings, declared: Mapping[str, Database] | None = None
) -> tuple[Preparation, ...]:
    """What can be prepared of a plan's databases, with their files as they are now.

    `declared` are services that are databases although their image's name does not tell.
    """
    databases = find_preparable(plan, declared)
    if prepare.command is None:
        return tuple(Preparation((wanted,)) for wanted in databases)
    if not databases:
        return ()
    files: Listing | str
    try:
        files = await asyncio.to_thread(list_files, plan.project, prepare.files)
    except NotComparableError as error:
        files = str(error)
    return (Preparation(databases, prepare.command, files),)


def list_files(project: Path, names: Sequence[str]) -> Listing:
    """What there is of files and folders of the project, by their names.

    Raises:
        NotComparableError: one is not there, or cannot be read.
    """
    return {name: list_tree(Root(project / name)) for name in names}


async def prepared_names(engine: Engine, plan: Plan, preparation: Preparation) -> dict[str, str]:
    """By service, the name of the image that all that goes into it leads to.

    Raises:
        EnvironmentFault: an image that it takes is not here.
        NotComparableError: init scripts or the command's files cannot be read, or are no longer
            what they were when the trial began.
    """
    facts: dict[str, list[Any]] = {}
    for wanted in preparation.databases:
        with engine_faults(f"image {wanted.image}"):
            base = (await engine.inspect_image(wanted.image))["Id"]
        scripts = await asyncio.to_thread(_hash_scripts, wanted)
        environment = sorted(wanted.environment.items())
        facts[wanted.service] = [_FORMAT, base, wanted.command, environment, scripts]
    if preparation.command is not None:
        filled = [facts, *await _command_facts(engine, plan, preparation)]
        facts = {service: [*own, filled] for service, own in facts.items()}
    return {service: _name(plan, service, own) for service, own in facts.items()}


def _name(plan: Plan, service: str, facts: Sequence[Any]) -> str:
    key = hashlib.sha256(json.dumps(facts).encode()).hexdigest()[:16]
    service = re.sub(r"[^a-z0-9]+", "-", service.lower()).strip("-") or "service"
    return f"seatrial-prepared-{plan.labels[PROJECT_LABEL]}-{service}:{key}"


async def _command_facts(engine: Engine, plan: Plan, preparation: Preparation) -> list[Any]:
    raw = plan.form["services"][plan.selection.test]
    kept = {key: value for key, value in raw.items() if key not in _NOT_FOR_THE_COMMAND}
    image = None
    if "build" not in raw:
        with engine_faults(f"image {raw['image']}"):
            image = (await engine.inspect_image(raw["image"]))["Id"]
    hashes = await asyncio.to_thread(_hash_files, plan.project, preparation.files)
    # Another clone of the project leads to the same image.
    service = normalised(kept, (plan.name, str(plan.project)))
    return [preparation.command, service, image, hashes]


def _hash_files(project: Path, files: Listing | str) -> list[tuple[str, str]]:
    if isinstance(files, str):
        raise NotComparableError(files)
    cache = HashCache(0)
    return [
        (name, hash_tree(Root(project / name), entries, cache)) for name, entries in files.items()
    ]


def _hash_scripts(wanted: Preparable) -> list[tuple[str, str]]:
    hashed = []
    for mount in wanted.mounts:
        root = Root(Path(mount.source))
        hashed.append((mount.target, hash_tree(root, list_tree(root), HashCache(0))))
    return hashed
