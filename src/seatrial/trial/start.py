"""Phase `start`: containers created and started in dependency order, until all are ready."""

import asyncio
import hashlib
from collections.abc import Awaitable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from seatrial.engine.archive import Entry, put_entries
from seatrial.engine.faults import engine_faults
from seatrial.engine.project import create_containers, pinned, pull_images
from seatrial.engine.readiness import Readiness
from seatrial.errors import EnvironmentFault
from seatrial.evidence.record import Image
from seatrial.probe import guard_source, probe_source, share_source, trace_sources
from seatrial.stack.instrument import (
    GUARD_MODULE,
    PROBE_FOLDER,
    PROBE_MODULE,
    PROBE_OUTPUT,
    PROBE_VOLUME,
    SHARE_FILE,
    SHARE_MODULE,
    TRACE_MODULE,
    Instrumented,
    instrument,
)
from seatrial.stack.model import Dependency, Form
from seatrial.stack.select import needed_by
from seatrial.stack.servers import recognise
from seatrial.trial.build import read_image
from seatrial.trial.identity import label_of_stack
from seatrial.trial.rig import Journal, Rig
from seatrial.trial.service import (
    FAILED_STATES,
    declared_ports,
    must_complete,
    service_fault,
    start_service,
)
from seatrial.trial.sources import fill_mounts, make_source_volumes

if TYPE_CHECKING:
    from seatrial.engine.api import Container

__all__ = ["StartedStack", "start"]

STARTED_PATIENCE_S = 10.0
"""`service_started` asks only that a dependency was started. In a trial nothing is restarted, so
a dependent that finds it closed would end for good: it is given this long to become ready."""


@dataclass(frozen=True)
class StartedStack:
    """A stack whose dependencies are ready, and its test container, created and not started."""

    test_container: str
    arguments_by: str


async def start(rig: Rig, journal: Journal, built: Awaitable[Mapping[str, Image]]) -> StartedStack:
    """Start the stack, while the images still build as far as they are not needed.

    Raises:
        EnvironmentFault: a container cannot be created or started, or a service that the tests
            need ends or does not become ready.
    """
    return await _Stack(rig, journal, built).start()


class _Stack:
    """One stack on its way up; its tasks wait for each other's `_created` and `_ready`."""

    def __init__(self, rig: Rig, journal: Journal, built: Awaitable[Mapping[str, Image]]) -> None:
        self._rig = rig
        self._journal = journal
        self._built = built
        self._test = rig.plan.selection.test
        self._created: dict[str, asyncio.Future[list[Container]]] = {}
        self._ready: dict[str, asyncio.Task[Readiness | None]] = {}
        self._first: dict[str, asyncio.Event] = {}

    async def start(self) -> StartedStack:
        services = self._rig.plan.services
        loop = asyncio.get_running_loop()
        self._created = {name: loop.create_future() for name in services}
        early = [
            name for name in services if name != self._test and not self._waits_for_build(name)
        ]
        late = [name for name in services if name != self._test and name not in early]
        self._first = {
            name: asyncio.Event()
            for name in early
            if not services[name].depends_on and self._sets_up(name)
        }
        await make_source_volumes(self._rig)
        async with asyncio.TaskGroup() as group:
            for name in (*early, *late):
                self._ready[name] = group.create_task(self._bring_up(name))
            early_done = group.create_task(self._create(self._rig.plan.form, early))
            rest = group.create_task(self._create_rest(early_done, late))
        instrumented = rest.result()
        return StartedStack(self._created[self._test].result()[0].id, instrumented.arguments_by)

    def _sets_up(self, name: str) -> bool:
        service = self._rig.plan.services[name]
        known = recognise(service.image or "", service.command)
        return known is not None and known.sets_up and name not in self._rig.plan.prepared

    def _waits_for_build(self, name: str) -> bool:
        services = self._rig.plan.services
        return any(services[n].built for n in (name, *needed_by(services, name)))

    async def _create_rest(self, early_done: Awaitable[None], late: Sequence[str]) -> Instrumented:
        plan = self._rig.plan
        images = dict(await self._built)
        await early_done  # two runs of Compose on one project would get in each other's way
        form = pinned(plan.form, {name: image.id for name, image in images.items()})
        if self._test not in images:
            images[self._test] = await self._pulled_test_image()
        for name, image in images.items():
            self._journal.update(name, image=image)
        with engine_faults(f"image {images[self._test].name}"):
            config = (await self._rig.engine.inspect_image(images[self._test].id))["Config"]
        instrumented = instrument(
            form,
            self._test,
            image=config or {},
            arguments=plan.arguments,
            volume=f"{plan.name}_{PROBE_VOLUME}",
            labels=plan.labels,
            test_timeout_s=self._rig.settings.timeouts.one_test,
            peers=self._peers(),
            measure_coverage=self._rig.settings.coverage.switch_on,
            plugins=[
                *([TRACE_MODULE] if self._rig.narrowing else []),
                *([SHARE_MODULE] if self._rig.share.to_json() else []),
            ],
        )
        await self._create(instrumented.form, [*late, self._test])
        await self._insert_probe(self._created[self._test].result()[0].id)
        return instrumented

    def _peers(self) -> list[tuple[str, int]]:
        """The services' ports that the probe measures the way to."""
        peers = []
        for name, raw in self._rig.plan.form["services"].items():
            service = self._rig.plan.services[name]
            known = recognise(service.image or "", service.command)
            ports = declared_ports(raw) or ([known.port] if known else [])
            if name != self._test and not must_complete(self._rig, name):
                peers += [(name, port) for port in ports]
        return peers

    async def _pulled_test_image(self) -> Image:
        """The image of a test service that is not built; creating its container pulls it."""
        name = self._rig.plan.form["services"][self._test]["image"]
        try:
            return await read_image(self._rig.engine, name, built=False)
        except EnvironmentFault:
            await pull_images(
                self._rig.compose, self._rig.plan.form, [self._test], cwd=self._rig.project
            )
            return await read_image(self._rig.engine, name, built=False)

    async def _create(self, form: Form, names: Sequence[str]) -> None:
        if not names:
            return
        for name in names:
            self._rig.observer.service_changed(name, "creating")
        await create_containers(self._rig.compose, form, names, cwd=self._rig.project)
        found: dict[str, list[Container]] = {}
        label = label_of_stack(self._rig.plan.name)
        with engine_faults("the trial's containers"):
            for container in await self._rig.engine.containers(label):
                found.setdefault(container.service, []).append(container)
        for name in names:
            containers = found.get(name, [])
            if not containers:
                raise EnvironmentFault(
                    f"Compose made no container for service {name}",
                    where=f"services.{name}",
                    next_step="check scale and deploy.replicas of the service",
                )
            self._journal.update(name, container=containers[0].id)
            await fill_mounts(self._rig, name, containers[0].id)
            self._rig.observer.service_changed(name, "created")
            self._created[name].set_result(containers)

    async def _insert_probe(self, container: str) -> None:
        entries = [
            Entry(f"{PROBE_MODULE}.py", 0o644, probe_source()),
            Entry(f"{GUARD_MODULE}.py", 0o644, guard_source()),
            # A file where Python looks for compiled ones: nobody can slip one in.
            Entry("__pycache__", 0o444, b""),
            Entry(PROBE_OUTPUT.removeprefix(f"{PROBE_FOLDER}/"), 0o1777),
        ]
        if self._rig.narrowing:
            # A folder of its own, which is on the path of processes that tests start, and no other.
            entries += [Entry("children", 0o755), Entry("children/__pycache__", 0o444, b"")]
            entries += [Entry(name, 0o644, source) for name, source in trace_sources().items()]
        if told := self._rig.share.to_json():
            entries.append(Entry(f"{SHARE_MODULE}.py", 0o644, share_source()))
            entries.append(Entry(SHARE_FILE, 0o644, told))
        with engine_faults(f"service {self._test}"):
            await put_entries(self._rig.engine, container, PROBE_FOLDER, entries)
        self._journal.inserted = {
            f"{PROBE_FOLDER}/{entry.name}": hashlib.sha256(entry.content).hexdigest()
            for entry in entries
            if isinstance(entry.content, bytes)
        }

    async def _bring_up(self, name: str) -> Readiness | None:
        """Start a service when its dependencies allow; None if they never will."""
        required = name in self._rig.plan.selection.required
        self._rig.observer.service_changed(name, "waiting")
        for dependency in self._rig.plan.services[name].depends_on:
            if dependency.service in self._ready and not await self._allows(dependency):
                self._journal.note(
                    f"service {name} was not started: {dependency.service} is not "
                    f"{dependency.condition.removeprefix('service_')}"
                )
                return None
        containers = await self._created[name]
        self._rig.observer.service_changed(name, "starting")
        mine = self._first.get(name)
        if mine is None:
            # A first-time set-up takes longest, and an engine that starts several containers at
            # once starts none of them sooner: on two cores, half the time for the database.
            await asyncio.gather(*(started.wait() for started in self._first.values()))
        readiness = await start_service(
            self._rig,
            self._journal,
            name,
            containers,
            on_start=mine.set if mine else lambda: None,
        )
        if readiness.state in FAILED_STATES and name in self._rig.plan.prepared:
            containers = await self._without_prepared(name, containers)
            readiness = await start_service(self._rig, self._journal, name, containers)
        if readiness.state in FAILED_STATES:
            fault = await service_fault(self._rig, self._journal, name, readiness)
            if required:
                raise fault
            self._journal.note(f"{fault.what}; the tests were run all the same")
        return readiness

    async def _without_prepared(
        self, name: str, containers: Sequence["Container"]
    ) -> "list[Container]":
        """Make a service's containers anew, from the project's own image."""
        self._journal.note(
            f"service {name} did not become ready from its prepared image; it was started without"
        )
        plan = self._rig.plan
        with engine_faults(f"service {name}"):
            for container in containers:
                await self._rig.engine.remove_container(container.id)
        services = plan.form["services"]
        plain = {**plan.prepared[name], "labels": services[name]["labels"]}
        self._created[name] = asyncio.get_running_loop().create_future()
        self._journal.update(name, image=None)
        await self._create({**plan.form, "services": {**services, name: plain}}, [name])
        return self._created[name].result()

    async def _allows(self, dependency: Dependency) -> bool:
        task = self._ready[dependency.service]
        if dependency.condition == "service_started":
            await asyncio.wait({task}, timeout=STARTED_PATIENCE_S)
            return True
        readiness = await asyncio.shield(task)
        if not dependency.required:
            return True
        if readiness is None:
            return False
        if dependency.condition == "service_completed_successfully":
            return readiness.state == "completed"
        return readiness.state in {"ready", "started", "completed"}
