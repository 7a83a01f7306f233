"""What every phase works with, and where it writes down what it found."""

import asyncio
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from seatrial.engine.api import Engine, Held
from seatrial.evidence.doubt import Doubt
from seatrial.evidence.event_doubts import LiveView
from seatrial.evidence.folder import RunFolder
from seatrial.evidence.isolation import Isolation
from seatrial.evidence.record import Phase, PhaseName, ServiceRecord
from seatrial.selection.division import Division, Known
from seatrial.selection.share import EVERYTHING, Share
from seatrial.settings import Settings
from seatrial.stack.compose import Compose
from seatrial.stack.plan import Plan
from seatrial.trial.changed import Narrowing
from seatrial.trial.observer import Observer
from seatrial.trial.preparation import Preparation
from seatrial.trial.resources import RESOURCES_FILE, ResourceLog

__all__ = ["Journal", "Rig", "Worker", "fresh_journal", "fresh_services", "open_journal"]

MAX_DOUBTS = 200
"""In one journal: nobody reads more."""


@dataclass(frozen=True)
class Rig:
    """The means of a trial; nothing in it changes while the trial runs."""

    engine: Engine
    compose: Compose
    plan: Plan
    settings: Settings
    folder: RunFolder
    observer: Observer
    clock: Callable[[], float]
    """Monotonic, in seconds."""
    setting_sources: Mapping[str, str]
    """For each setting that is not a default, by its dotted key, the place that set it."""
    engine_is_local: bool
    """This machine can connect to the addresses of containers, and the engine sees its files."""
    known: Known
    """What is known of the tests from before."""
    division: Division
    """The shares of the trial's workers."""
    narrowing: Narrowing | None = None
    """Which tests a change can affect; None: nobody asked, and what tests use is not watched."""
    share: Share = EVERYTHING
    """Which tests this worker runs, and in which order."""
    place: str = ""
    """What the paths of this worker's folder begin with in the trial's folder."""
    missing: tuple[Preparation, ...] = ()
    """Databases to prepare for later trials."""

    @property
    def project(self) -> Path:
        """The project's folder."""
        return self.plan.project


@dataclass
class Journal:
    """What has been found so far; a trial that is broken off keeps it."""

    clock: Callable[[], float]
    observer: Observer
    began: float
    resources: ResourceLog
    phases: list[Phase] = field(default_factory=list)
    services: dict[str, ServiceRecord] = field(default_factory=dict)
    findings: list[str] = field(default_factory=list)
    doubts: list[Doubt] = field(default_factory=list)
    inserted: dict[str, str] = field(default_factory=dict)
    """SHA-256 of Seatrial's files in the test container, by their paths there."""
    live: LiveView = field(default_factory=LiveView)
    """What was seen of the tests while they ran."""
    released: dict[str, asyncio.Task[None]] = field(default_factory=dict)
    """Services that were ended because nobody needs them any more."""
    releasing: asyncio.Task[None] | None = None
    """Removes them, and the networks, while the results are still being taken out."""
    removed: list[Held] = field(default_factory=list)
    """What has been removed from the engine so far."""
    last_answers: dict[str, str] = field(default_factory=dict)
    """By service: what the last try to see it ready was answered, if it did not become ready."""
    log_tasks: dict[str, asyncio.Task[None]] = field(default_factory=dict)
    """By the log's path in the trial's folder; each ends when its container does."""
    isolation: Isolation | None = None
    """What another network could reach of this stack."""
    cpuinfo: str = ""
    """What a container printed of its machine's processor."""
    beside: list[asyncio.Task[None]] = field(default_factory=list)
    """What runs beside the phases and must have come to its end before the stack is removed."""
    crew: list["Worker"] = field(default_factory=list)
    """All workers so far, if they keep journals of their own."""

    @contextmanager
    def phase(self, name: PhaseName) -> Iterator[None]:
        """Time a phase."""
        start = self.clock()
        completed = False
        self.observer.phase_started(name)
        try:
            yield
            completed = True
        finally:
            seconds = self.clock() - start
            self.phases.append(
                Phase(name=name, start=start - self.began, seconds=seconds, completed=completed)
            )
            self.observer.phase_ended(name, seconds, completed=completed)

    def note(self, text: str) -> None:
        """Write down something worth knowing, once."""
        if text not in self.findings:
            self.findings.append(text)
            self.observer.noted(text)

    def doubt(self, doubts: Iterable[Doubt]) -> None:
        """Write down what speaks against the evidence, each once and not without end."""
        for doubt in doubts:
            if doubt not in self.doubts and len(self.doubts) < MAX_DOUBTS:
                self.doubts.append(doubt)

    def update(self, service: str, **values: Any) -> None:
        """Write down what is now known of a service."""
        self.services[service] = self.services[service].model_copy(update=values)


@dataclass(frozen=True)
class Worker:
    """A stack of its own and what was found on it."""

    number: int
    """From 1."""
    rig: Rig
    journal: Journal


def fresh_journal(rig: Rig, *, began: float | None = None) -> Journal:
    """A journal with none of the services started, that begins now or at the time given."""
    journal = open_journal(
        rig.engine, rig.folder, rig.observer, rig.clock, began=began, local=rig.engine_is_local
    )
    journal.services = fresh_services(rig)
    return journal


def open_journal(
    engine: Engine,
    folder: RunFolder,
    observer: Observer,
    clock: Callable[[], float],
    *,
    began: float | None = None,
    local: bool,
) -> Journal:
    """A journal that knows of no services; `local`: the engine sees this machine's files."""
    began = clock() if began is None else began
    path = folder.path / RESOURCES_FILE
    resources = ResourceLog(engine, path, lambda at: at - began, engine_is_local=local)
    return Journal(clock, observer, began, resources)


def fresh_services(rig: Rig) -> dict[str, ServiceRecord]:
    """The services before any is started."""
    selection = rig.plan.selection
    roles = {selection.test: "test", **dict.fromkeys(selection.required, "required")}
    return {
        name: ServiceRecord.model_validate(
            {"name": name, "role": roles.get(name, "extra"), "state": "not started"}
        )
        for name in rig.plan.services
    }
