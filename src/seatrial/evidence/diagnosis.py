"""What was found when a trial did not pass: services, names and ports, disk, memory, causes."""

from typing import Literal

from pydantic import AwareDatetime, NonNegativeFloat, NonNegativeInt

from seatrial.evidence.model import Model

__all__ = [
    "Cause",
    "Diagnosis",
    "FailedTest",
    "HealthOutput",
    "PortReach",
    "ReachFrom",
    "ServiceDiagnosis",
    "ServiceReach",
    "Surroundings",
]


class Cause(Model):
    """A known cause whose sign was seen; likely, not proven."""

    key: str
    """Names the cause for programs, e.g. `database-password-not-set`."""
    what: str
    """One sentence."""
    remedy: str
    where: str
    """Where the sign was seen: a log's path in the trial's folder, or words."""
    line: str
    """The sign, at most 300 characters."""


class HealthOutput(Model):
    """One run of a service's health check by the engine itself."""

    at: str
    """The engine's own time."""
    exit_code: int
    output: str


class ServiceDiagnosis(Model):
    """One service at the time of the failure."""

    service: str
    state: str
    """The engine's word: `running`, `exited`, `created`, …"""
    ending: str = ""
    """How it ended, e.g. `killed by SIGKILL (exit code 137)`; empty if it runs or ended well."""
    exit_code: int | None = None
    out_of_memory: bool = False
    ended_at: AwareDatetime | None = None
    health: tuple[HealthOutput, ...] = ()
    """The engine's last five runs of the health check, oldest first."""
    last_answer: str = ""
    """What Seatrial's own last try to see it ready was answered; empty if it became ready."""
    log: str | None = None
    """Path of its last lines in the trial's folder."""

    @property
    def failed(self) -> bool:
        """Whether it ended in a way that nobody wanted, or never became ready."""
        return bool(self.ending or self.last_answer)


class PortReach(Model):
    """A TCP port, tried from beside the tests."""

    port: NonNegativeInt
    open: bool
    seconds: NonNegativeFloat
    error: str = ""


class ServiceReach(Model):
    """A service, by its name, as seen from beside the tests."""

    service: str
    addresses: tuple[str, ...] = ()
    error: str = ""
    """Why its name does not resolve."""
    ports: tuple[PortReach, ...] = ()
    """Those that the compose file or the image names."""


class ReachFrom(Model):
    """What one service reaches of the others, asked from its own network namespace."""

    service: str
    reach: tuple[ServiceReach, ...] = ()
    """Those that it shares a network with."""
    error: str = ""
    """Why it could not be asked."""


class FailedTest(Model):
    """A failed test, and what the services said while it ran."""

    test: str
    started: AwareDatetime
    ended: AwareDatetime
    file: str
    """Path of all services' log lines between the two, in the trial's folder."""


class Surroundings(Model):
    """Disk and memory, in bytes; None: could not be asked."""

    engine_disk_free: NonNegativeInt | None = None
    project_disk_free: NonNegativeInt | None = None
    memory_available: NonNegativeInt | None = None
    """On the engine's machine."""
    memory_total: NonNegativeInt | None = None


class Diagnosis(Model):
    """Looked at right after the failure, before anything was removed."""

    at: AwareDatetime
    seconds: NonNegativeFloat
    """How long looking took; it is not part of a phase."""
    services: tuple[ServiceDiagnosis, ...] = ()
    reach: tuple[ServiceReach, ...] = ()
    reach_from: Literal["a container of the test image", "nowhere"] = "nowhere"
    """The test container itself has ended, so another one of its image and networks asks."""
    reach_error: str = ""
    """Why nobody could ask."""
    between: tuple[ReachFrom, ...] = ()
    """What services reach of each other, of the first eight that run and have neighbours."""
    tests: tuple[FailedTest, ...] = ()
    """The first 20 failed tests whose times are known."""
    surroundings: Surroundings = Surroundings()
    summary: str | None = None
    """Path of all this as text in the trial's folder."""
