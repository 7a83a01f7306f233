"""What the workers of a trial share while they run: the display, and the way to the end."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Literal

from seatrial.evidence.record import PhaseName
from seatrial.trial.coverage import CoveragePart
from seatrial.trial.observer import Observer, ServiceState, TestsProgress

__all__ = ["OneView", "Together"]

_FAILED: tuple[ServiceState, ...] = ("exited", "unready")
_WAY: tuple[ServiceState, ...] = (
    "waiting",
    "creating",
    "created",
    "starting",
    "started",
    "ready",
    "completed",
)


@dataclass
class Together:
    """Where workers meet."""

    workers: int
    arrived: int = 0
    """Workers whose tests are over."""
    parts: list[asyncio.Future[CoveragePart]] = field(default_factory=list)
    """Of coverage, by all workers but the last."""
    stop: asyncio.Event = field(default_factory=asyncio.Event)
    """Set when the others' tests need not go on."""

    def arrive(self) -> bool:
        """This worker's tests are over; whether it is the last."""
        self.arrived += 1
        return self.arrived == self.workers


class OneView:
    """Shows several workers as one trial: a phase lasts from the first start to the last end."""

    def __init__(self, shown: Observer, workers: int, clock: Callable[[], float]) -> None:
        self._shown = shown
        self.progress_every_s = shown.progress_every_s
        self._workers = workers
        self._clock = clock
        self._began: dict[PhaseName, float] = {}
        self._ended: dict[PhaseName, list[bool]] = {}
        self._services: dict[str, dict[int, ServiceState]] = {}
        self._tests: dict[int, TestsProgress] = {}
        self._noted: set[str] = set()

    def of(self, worker: int) -> Observer:
        """The observer of a worker, by its number."""
        return _Part(self, worker)

    def phase_started(self, name: PhaseName) -> None:
        """Tell of the first start."""
        if name not in self._began:
            self._began[name] = self._clock()
            self._shown.phase_started(name)

    def phase_ended(self, name: PhaseName, *, completed: bool) -> None:
        """Tell of the last end."""
        ends = self._ended.setdefault(name, [])
        ends.append(completed)
        if len(ends) == self._workers:
            seconds = self._clock() - self._began[name]
            self._shown.phase_ended(name, seconds, completed=all(ends))

    def service_changed(self, worker: int, service: str, state: ServiceState, detail: str) -> None:
        """Tell how far the slowest worker's is, or that one has failed."""
        states = self._services.setdefault(service, {})
        states[worker] = state
        if state in _FAILED:
            self._shown.service_changed(service, state, detail)
        elif len(states) == self._workers and not set(states.values()) & set(_FAILED):
            slowest = min(states.values(), key=_WAY.index)
            if slowest == state:
                self._shown.service_changed(service, slowest, detail)

    def output(self, worker: int, source: Literal["build", "test"], line: str) -> None:
        """Pass it on, with the worker's number before it."""
        self._shown.output(source, f"{worker}| {line}" if source == "test" else line)

    def tests_changed(self, worker: int, progress: TestsProgress) -> None:
        """Add up."""
        self._tests[worker] = replace(progress, worker=worker)
        parts = [self._tests[number] for number in sorted(self._tests)]
        expected = [part.expected_s for part in parts]
        known = [seconds for seconds in expected if seconds is not None]
        self._shown.tests_changed(
            replace(
                progress,
                done=sum(part.done for part in parts),
                total=sum(part.total for part in parts),
                failed=sum(part.failed for part in parts),
                failures=tuple(failure for part in parts for failure in part.failures),
                workers=tuple(parts),
                expected_s=max(known) if len(known) == len(parts) else None,
            )
        )

    def noted(self, text: str) -> None:
        """Tell it once, whoever says it."""
        if text not in self._noted:
            self._noted.add(text)
            self._shown.noted(text)


@dataclass(frozen=True)
class _Part:
    view: OneView
    worker: int

    @property
    def progress_every_s(self) -> float:
        return self.view.progress_every_s

    def phase_started(self, name: PhaseName) -> None:
        self.view.phase_started(name)

    def phase_ended(self, name: PhaseName, _seconds: float, *, completed: bool) -> None:
        self.view.phase_ended(name, completed=completed)

    def service_changed(self, service: str, state: ServiceState, detail: str = "") -> None:
        self.view.service_changed(self.worker, service, state, detail)

    def output(self, source: Literal["build", "test"], line: str) -> None:
        self.view.output(self.worker, source, line)

    def tests_changed(self, progress: TestsProgress) -> None:
        self.view.tests_changed(self.worker, progress)

    def noted(self, text: str) -> None:
        self.view.noted(text)
