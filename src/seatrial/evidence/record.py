"""The record: all that was measured in one trial, as one document with a published schema."""

from datetime import datetime
from enum import StrEnum
from typing import Annotated, Any, Literal

from pydantic import AwareDatetime, Field, NonNegativeFloat, NonNegativeInt

from seatrial.evidence.build import Build
from seatrial.evidence.coverage import Coverage
from seatrial.evidence.diagnosis import Cause, Diagnosis
from seatrial.evidence.doubt import Doubt
from seatrial.evidence.isolation import Isolation
from seatrial.evidence.model import Model as _Model
from seatrial.evidence.model import schema_of
from seatrial.evidence.partial import Partial
from seatrial.evidence.split import FewerWorkers, Split

__all__ = [
    "MAX_PLUGINS",
    "MAX_PLUGIN_NAME",
    "SCHEMA_VERSION",
    "BudgetResult",
    "CleanUp",
    "Commit",
    "Failure",
    "Fault",
    "FileEntry",
    "Host",
    "Image",
    "Inventory",
    "PatchedPlace",
    "Phase",
    "PhaseName",
    "Plugin",
    "Pytest",
    "Reach",
    "Record",
    "Resources",
    "Retry",
    "Reused",
    "ServiceRecord",
    "Status",
    "TestCounts",
    "record_schema",
]

SCHEMA_VERSION: Literal[1] = 1
"""Raised when a field is removed or changes its meaning; a new field alone does not raise it."""

MAX_PLUGINS = 200
MAX_PLUGIN_NAME = 200
"""Characters."""

Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]


class Status(StrEnum):
    """How a trial ended."""

    PASSED = "passed"
    FAILED = "failed"
    """Tests failed, or the test command did although no test did."""
    NO_TESTS = "no tests"
    """There is no evidence that a test ran."""
    OVER_BUDGET = "over budget"
    """The tests passed; a limit that the project sets was exceeded."""
    ENVIRONMENT = "environment failed"
    """Engine, build or services failed, so the tests could not be judged."""
    USAGE = "usage error"
    INTERRUPTED = "interrupted"


class PhaseName(StrEnum):
    """The five phases of a trial."""

    BUILD = "build"
    START = "start"
    TEST = "test"
    COLLECT = "collect"
    CLEAN = "clean"


class Phase(_Model):
    """A phase's place in time, in seconds on a monotonic clock; phases may overlap."""

    name: PhaseName
    start: NonNegativeFloat
    """Since the trial began."""
    seconds: NonNegativeFloat
    completed: bool
    """False: it failed or was broken off."""


class Commit(_Model):
    """What version control says of the tree that was tried."""

    id: str
    branch: str | None = None
    dirty: bool
    """True: files differ from the commit, so the trial is not of the commit alone."""


class Host(_Model):
    """The machine and the engine."""

    engine: str
    """Name and version, e.g. `Docker Engine 27.1.1`."""
    compose: str
    kernel: str
    architecture: str
    cpu: str = ""
    """The processor's model; empty if nobody could tell."""
    cpu_from: Literal["this machine", "a container", "nobody"] = "nobody"
    """Who told the model: an engine does not, and where it is on another machine, only a container
    can that Seatrial runs there anyway."""
    cores: NonNegativeInt
    memory_bytes: NonNegativeInt
    storage_driver: str
    seatrial: str
    python: str


class Image(_Model):
    """An image that a service ran on."""

    name: str
    id: str
    digest: str | None = None
    """Where a registry knows it; None for images that were built here."""
    built: bool
    """True: built in this trial from the project's Dockerfile."""
    stand_in: str | None = None
    """What the image really is, if it only stands in for the one of that name."""


class Resources(_Model):
    """What a service used, from samples a second apart: at most the last second is missing."""

    cpu_seconds: NonNegativeFloat
    cpu_mean: NonNegativeFloat | None
    """Cores in use on average between the first and the last sample; None for a single one."""
    memory_peak_bytes: NonNegativeInt
    memory_peak_source: Literal["kernel", "samples"]
    """`kernel`: its own high-water mark; `samples`: the largest that was seen."""
    received_bytes: NonNegativeInt
    sent_bytes: NonNegativeInt
    read_bytes: NonNegativeInt
    """From block devices; reads that the page cache answers do not count."""
    written_bytes: NonNegativeInt
    samples: NonNegativeInt


class ServiceRecord(_Model):
    """One service of the stack."""

    name: str
    role: Literal["test", "required", "extra"]
    container: str | None = None
    """The container's id."""
    image: Image | None = None
    state: Literal["not started", "ready", "started", "completed", "exited", "unready", "ran"]
    """`ran` is the test service's."""
    proof: Literal["health check", "client", "port", "completed", "none"] = "none"
    """What showed that it was ready; `none`: nothing did."""
    ready_seconds: NonNegativeFloat | None = None
    """From its start to the proof."""
    ready_at: NonNegativeFloat | None = None
    """Since the trial began."""
    probes: NonNegativeInt = 0
    exit_code: int | None = None
    """None: it ran until it was removed."""
    out_of_memory: bool = False
    restarts: NonNegativeInt = 0
    """How often it was started again because it was not ready in time, or ended."""
    resources: Resources | None = None
    """None: it ended before it could be sampled."""
    log: str | None = None
    """The log's path in the trial's folder; every line starts with the engine's timestamp."""
    worker: NonNegativeInt = 1
    """The worker whose stack it is of."""


class TestCounts(_Model):
    """Tests by outcome; a test that errors in set-up or teardown counts as `errors`."""

    collected: NonNegativeInt = 0
    deselected: NonNegativeInt = 0
    """Left out by the command, by pytest's configuration or by a plug-in; not in `collected`, and
    without those that Seatrial leaves out itself."""
    passed: NonNegativeInt = 0
    failed: NonNegativeInt = 0
    errors: NonNegativeInt = 0
    skipped: NonNegativeInt = 0
    xfailed: NonNegativeInt = 0
    xpassed: NonNegativeInt = 0

    @property
    def ran(self) -> int:
        """Tests that ran to an outcome other than skipped."""
        return self.passed + self.failed + self.errors + self.xfailed + self.xpassed


class Failure(_Model):
    """A test that failed or erred."""

    test: str
    """pytest's node id."""
    message: str
    """The first line of what it failed with."""


class Reach(_Model):
    """The way from the test container to a port of a service, when pytest began."""

    service: str
    port: NonNegativeInt
    resolve_seconds: NonNegativeFloat | None = None
    """To resolve the service's name; None if it did not resolve."""
    connect_seconds: NonNegativeFloat | None = None
    """To open a TCP connection; None if it was not opened within a second."""
    fault: str | None = None


class Plugin(_Model):
    """An installed package that gave pytest a plugin."""

    name: Annotated[str, Field(max_length=MAX_PLUGIN_NAME)]
    version: Annotated[str, Field(max_length=MAX_PLUGIN_NAME)]


class Pytest(_Model):
    """What the probe saw of pytest, inside the test container."""

    version: str
    python: str
    plugins: Annotated[tuple[Plugin, ...], Field(max_length=MAX_PLUGINS)] = ()
    """As pytest's own header has them, in every session; not conftest.py files, nor what `-p`
    names without an installed package that declares it."""
    arguments: tuple[str, ...]
    exit_status: int | None = None
    """pytest's own; None if it did not come to its end."""
    counts: TestCounts
    failures: tuple[Failure, ...] = ()
    """Failed tests and errors, at most 200."""
    containers: tuple[str, ...] = ()
    """Ids of the containers that the sessions ran in, as the probe saw them."""
    container_confirmed: bool = False
    """Whether all of them are the test container that the engine knows."""
    tests: str | None = None
    """Path of the file with every test's result in the trial's folder."""
    collected: str | None = None
    """Path of the file with the names of the tests that were collected to be run."""
    not_run: tuple[str, ...] = ()
    """The first of those that came to no result, at most 20; none of a suite of more than 200,000
    tests."""
    tests_seconds: NonNegativeFloat | None = None
    """What all tests took with their set-up and teardown, added up; None: it is not known."""
    reach: tuple[Reach, ...] = ()
    running: str | None = None
    """The test that was running when pytest was cut off."""
    hooks: tuple[str, ...] = ()
    """Hooks of the project's own that can change results, each with its file, at most 200. That one
    of them did would be among the record's `doubts`."""
    left_out_by: tuple[str, ...] = ()
    """What may keep tests from being collected or run, e.g. `-m not slow`, at most 200."""
    junit: tuple[str, ...] = ()
    """Paths of the JUnit files in the trial's folder: `junit.xml`, which Seatrial writes, and those
    that the tests' command asked for."""


class Retry(_Model):
    """Failed tests, run again in a fresh stack."""

    folder: str
    """Where its logs and results are, in the trial's folder."""
    seconds: NonNegativeFloat
    tests: tuple[str, ...]
    """Node ids of what was run."""
    failed: tuple[str, ...] | None
    """Those that failed again; None if it could not be judged."""
    reason: str


class FileEntry(_Model):
    """A file of the trial's folder."""

    path: str
    size: NonNegativeInt
    """Bytes."""
    sha256: Sha256


class BudgetResult(_Model):
    """A limit and what was measured against it."""

    metric: str
    """A phase, `total`, `memory` (all services' peaks, added up) or `cpu` (share of the cores)."""
    unit: Literal["s", "bytes", "share"] = "s"
    limit: float
    measured: float | None
    """None: not measured, which does not count as met."""
    met: bool


class Inventory(_Model):
    """How many of each the engine held, whoever made them."""

    containers: NonNegativeInt
    networks: NonNegativeInt
    volumes: NonNegativeInt


class CleanUp(_Model):
    """What the engine held of the trial before the end, what was removed, what is left."""

    removed_containers: tuple[str, ...] = ()
    removed_networks: tuple[str, ...] = ()
    removed_volumes: tuple[str, ...] = ()
    left: tuple[str, ...] = ()
    """What still carries the trial's label."""
    held_before: Inventory | None = None
    held_after: Inventory | None = None
    difference: tuple[str, ...] = ()
    """What the engine holds after the trial and did not hold before it. On an engine that others
    use at the same time it may be theirs; of the trial's own, `left` is the proof."""
    faults: tuple[str, ...] = ()


class Fault(_Model):
    """Why the trial did not pass: what happened, where, what to do next."""

    what: str
    where: str = ""
    next_step: str = ""
    details: tuple[str, ...] = ()
    causes: tuple[Cause, ...] = ()
    """Known causes whose signs were seen; likely, not proven."""


class PatchedPlace(_Model):
    """A difference between the project's compose form and the one that ran."""

    where: str
    what: str
    why: str


class Reused(_Model):
    """That a record was returned again, since nothing that goes into the trial had changed."""

    trial: str
    """The trial that was really run; all else in the record is of it."""
    measured: AwareDatetime
    """When it ended."""
    age_seconds: NonNegativeFloat
    look_seconds: NonNegativeFloat
    """What it took to find that nothing had changed, once the plan was made."""
    fingerprint: Sha256


class Record(_Model):
    """One trial."""

    schema_version: Literal[1] = SCHEMA_VERSION
    id: str
    project: str
    """The name of the project's folder."""
    started: AwareDatetime
    """Wall clock, UTC; all durations are of a monotonic clock."""
    seconds: NonNegativeFloat
    """The whole trial, clean-up included."""
    status: Status
    exit_code: NonNegativeInt
    reason: str
    """One sentence."""
    fault: Fault | None = None
    diagnosis: Diagnosis | None = None
    """None: the trial passed, was interrupted, or only went over a budget."""
    commit: Commit | None = None
    """None: the project is not under git's control."""
    host: Host
    compose_files: tuple[str, ...]
    test_service: str
    command_exit_code: int | None = None
    """The test container's own exit code."""
    arguments: tuple[str, ...] = ()
    """Handed to pytest by the user."""
    arguments_by: str = "none"
    settings: dict[str, Any] = Field(default_factory=dict)
    """Those that are not defaults, each with its source: key → {value, source}."""
    phases: tuple[Phase, ...]
    services: tuple[ServiceRecord, ...]
    build: Build | None = None
    """None: nothing was to be built."""
    pytest: Pytest | None = None
    """None: no probe reported, so nothing is known of single tests."""
    coverage: Coverage | None = None
    """None: the trial did not come to the point where it is measured."""
    retries: tuple[Retry, ...] = ()
    split: Split | None = None
    """None: there was one worker."""
    fewer_workers: FewerWorkers | None = None
    partial: Partial | None = None
    """None: no test was left out by Seatrial; the command and its arguments may have done so."""
    budgets: tuple[BudgetResult, ...] = ()
    isolation: Isolation | None = None
    """None: the trial did not come to its tests."""
    clean_up: CleanUp
    changes: tuple[PatchedPlace, ...] = ()
    findings: tuple[str, ...] = ()
    """What is worth knowing and decided nothing."""
    doubts: tuple[Doubt, ...] = ()
    """What speaks against the evidence itself."""
    files: tuple[FileEntry, ...] = ()
    """Every file of the trial's folder but the record itself."""
    fingerprint: Sha256 | None = None
    """Of all that went into the trial; None: it could not be told, or changed while it ran."""
    reused: Reused | None = None
    """Set only in what a later run prints: this trial was not run again."""

    def phase(self, name: PhaseName) -> Phase | None:
        """The phase of that name, if the trial came to it."""
        return next((phase for phase in self.phases if phase.name is name), None)

    @property
    def flaky(self) -> tuple[str, ...]:
        """Tests that failed at first and passed when they were run again."""
        judged = [retry for retry in self.retries if retry.failed is not None]
        if not judged:
            return ()
        return tuple(test for test in judged[0].tests if test not in (judged[-1].failed or ()))

    @property
    def finished(self) -> datetime:
        """Wall clock at the end, as far as the start's wall clock was right."""
        from datetime import timedelta  # noqa: PLC0415 - only here

        return self.started + timedelta(seconds=self.seconds)


def record_schema() -> dict[str, Any]:
    """The record's JSON Schema (draft 2020-12)."""
    return schema_of(Record)
