"""What a trial tells while it runs; displays implement it, the pipeline knows only this."""

from dataclasses import dataclass
from typing import Literal, Protocol

from seatrial.evidence.record import PhaseName

__all__ = ["Observer", "ServiceState", "SilentObserver", "TestsProgress"]

ServiceState = Literal[
    "waiting",
    "creating",
    "created",
    "starting",
    "ready",
    "started",
    "completed",
    "exited",
    "unready",
]


@dataclass(frozen=True)
class TestsProgress:
    """How far the tests are, as the probe tells; safe to show."""

    __test__ = False  # the name is right, but pytest must not collect it

    done: int
    total: int
    failed: int
    running: str
    """Node id of the test that runs, or ran last."""
    failures: tuple[tuple[str, str], ...]
    """Node id and first line of the failures so far, in their order, at most 200."""
    worker: int = 0
    """Number of the worker that runs them; 0: the only one, or all together."""
    workers: tuple["TestsProgress", ...] = ()
    """Each one's, if there are several; those that told nothing yet are missing."""
    expected_s: float | None = None
    """Seconds that all of it took before; None if that is not known."""


class Observer(Protocol):
    """Follows a trial. No method may block or raise."""

    @property
    def progress_every_s(self) -> float:
        """How often it wants to know how far the tests are."""

    def phase_started(self, name: PhaseName) -> None:
        """A phase begins."""

    def phase_ended(self, name: PhaseName, seconds: float, *, completed: bool) -> None:
        """A phase is over, or was broken off."""

    def service_changed(self, service: str, state: ServiceState, detail: str = "") -> None:
        """A service of the stack came to another state."""

    def output(self, source: Literal["build", "test"], line: str) -> None:
        """A line of output, safe to show."""

    def tests_changed(self, progress: TestsProgress) -> None:
        """The tests came further."""

    def noted(self, text: str) -> None:
        """Something worth knowing."""


class SilentObserver:
    """Shows nothing."""

    progress_every_s = 5.0

    def phase_started(self, name: PhaseName) -> None:
        """Ignore it."""

    def phase_ended(self, name: PhaseName, seconds: float, *, completed: bool) -> None:
        """Ignore it."""

    def service_changed(self, service: str, state: ServiceState, detail: str = "") -> None:
        """Ignore it."""

    def output(self, source: Literal["build", "test"], line: str) -> None:
        """Ignore it."""

    def tests_changed(self, progress: TestsProgress) -> None:
        """Ignore it."""

    def noted(self, text: str) -> None:
        """Ignore it."""
