"""Shows a trial while it runs: a live table on a terminal, plain lines elsewhere."""

import time
from types import TracebackType
from typing import Literal, Self

from rich.console import Console, Group
from rich.live import Live
from rich.spinner import Spinner
from rich.table import Table
from rich.text import Text

from seatrial.evidence.record import PhaseName
from seatrial.trial.observer import ServiceState, TestsProgress
from seatrial.words import duration

__all__ = ["LiveProgress", "PlainProgress"]

REFRESH_HZ = 8
PLAIN_PAUSE_S = 10.0
"""Between two lines about the tests in a CI log."""
MAX_ROWS = 16
"""Workers that have a row of their own on a terminal; more would push the rest off the screen."""
_STATE_STYLE = {
    "ready": "green",
    "completed": "green",
    "started": "yellow",
    "exited": "red",
    "unready": "red",
}


class PlainProgress:
    """A line for each thing that happens; for CI logs and pipes."""

    progress_every_s = 5.0

    def __init__(self, out: Console, *, verbose: bool = False) -> None:
        self._out = out
        self._verbose = verbose
        self._began = time.monotonic()
        self._pace = _Pace()
        self._due = 0.0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        """Nothing is open."""

    def phase_started(self, name: PhaseName) -> None:
        """Print the phase."""
        self._line(f"{name.value} …")

    def phase_ended(self, name: PhaseName, seconds: float, *, completed: bool) -> None:
        """Print how long it took."""
        self._line(f"{name.value} {'done' if completed else 'broken off'} in {duration(seconds)}")

    def service_changed(self, service: str, state: ServiceState, detail: str = "") -> None:
        """Print the states that a service comes to rest in."""
        if state in _STATE_STYLE:
            told = f" ({detail})" if detail and detail != state else ""
            self._line(f"service {service}: {state}{told}")

    def output(self, source: Literal["build", "test"], line: str) -> None:
        """Print it if everything was asked for."""
        if self._verbose:
            self._out.print(Text(f"{source} | {line}"))

    def tests_changed(self, progress: TestsProgress) -> None:
        """Print new failures at once, and now and then how far the tests are."""
        now = time.monotonic()
        self._pace.take(progress, now)
        for place, test, message in self._pace.new_failures(progress):
            self._line(f"✗ {place}{test}  {message}")
        if now >= self._due:
            self._due = now + PLAIN_PAUSE_S
            self._line(self._pace.describe(progress, now))
            for name, detail in self._pace.each(progress, now):
                self._line(f"  {name}: {detail}")

    def noted(self, text: str) -> None:
        """Print it."""
        self._line(f"note: {text}")

    def _line(self, text: str) -> None:
        self._out.print(Text(f"[{time.monotonic() - self._began:7.1f} s] {text}"))


class LiveProgress:
    """Phases, services and the last line of output, redrawn a few times a second."""

    progress_every_s = 2.0

    def __init__(self, out: Console, *, verbose: bool = False) -> None:
        self._out = out
        self._verbose = verbose
        self._phases: dict[PhaseName, tuple[float, float | None, bool]] = {}
        self._services: dict[str, tuple[ServiceState, str]] = {}
        self._last: dict[PhaseName, str] = {}
        self._workers: list[tuple[str, str]] = []
        self._pace = _Pace()
        self._spinner = Spinner("dots", style="cyan")
        self._live = Live(
            console=out, refresh_per_second=REFRESH_HZ, get_renderable=self._render, transient=True
        )

    def __enter__(self) -> Self:
        self._live.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._live.stop()

    def phase_started(self, name: PhaseName) -> None:
        """Start its clock."""
        self._phases[name] = (time.monotonic(), None, False)

    def phase_ended(self, name: PhaseName, seconds: float, *, completed: bool) -> None:
        """Stop its clock."""
        self._phases[name] = (self._phases[name][0], seconds, completed)

    def service_changed(self, service: str, state: ServiceState, detail: str = "") -> None:
        """Show the new state."""
        self._services[service] = (state, detail)

    def output(self, source: Literal["build", "test"], line: str) -> None:
        """Show the last line, or all of them above the table if that was asked for."""
        if self._verbose:
            self._live.console.print(Text(line))
        elif line.strip() and not self._pace.known:
            self._last[PhaseName(source)] = line.strip()

    def tests_changed(self, progress: TestsProgress) -> None:
        """Print new failures above the table, and show how far the tests are in it."""
        now = time.monotonic()
        self._pace.take(progress, now)
        for place, test, message in self._pace.new_failures(progress):
            self._live.console.print(
                Text.assemble(("✗ ", "red"), (place, "dim"), test, (f"  {message}", "dim"))
            )
        self._last[PhaseName.TEST] = self._pace.describe(progress, now)
        self._workers = self._pace.each(progress, now)

    def noted(self, text: str) -> None:
        """Print it above the table."""
        self._live.console.print(Text(f"note: {text}", style="yellow"))

    def _render(self) -> Group:
        # Expanded, a long detail is cut; otherwise the other columns would be.
        table = Table.grid(padding=(0, 2, 0, 0), expand=True)
        table.add_column(width=1)
        table.add_column(width=7)
        table.add_column(width=11, justify="right")
        table.add_column(no_wrap=True, overflow="ellipsis", ratio=1)
        for name in PhaseName:
            if name not in self._phases:
                table.add_row("", Text(name.value, style="dim"), "", "")
                continue
            began, took, completed = self._phases[name]
            running = took is None
            mark = self._spinner if running else _mark(completed=completed)
            elapsed = time.monotonic() - began if took is None else took
            detail = self._detail(name, running=running)
            table.add_row(mark, name.value, Text(duration(elapsed)), detail)
            if name is PhaseName.TEST and running:
                for worker, told in self._workers[:MAX_ROWS]:
                    table.add_row("", "", Text(worker, style="dim"), Text(told, style="dim"))
        return Group(table)

    def _detail(self, name: PhaseName, *, running: bool) -> Text:
        if name is PhaseName.START:
            return Text(" · ").join(
                Text.assemble((service, "bold"), " ", (state, _STATE_STYLE.get(state, "dim")))
                for service, (state, _) in self._services.items()
            )
        return Text(self._last.get(name, "") if running else "", style="dim")


class _Pace:
    """How fast the tests go, those of all and each worker's; `known` once anything was told."""

    def __init__(self) -> None:
        self.known = False
        self._first: dict[int, tuple[float, int]] = {}
        """By worker, 0 for all: when it first told how far it is, and how many were done then."""
        self._shown: dict[int, int] = {}

    def take(self, progress: TestsProgress, now: float) -> None:
        """Remember where each began; `now` is in seconds on a monotonic clock."""
        self.known = True
        for part in (progress, *progress.workers):
            self._first.setdefault(part.worker, (now, part.done))

    def new_failures(self, progress: TestsProgress) -> list[tuple[str, str, str]]:
        """The failures that were not returned before: whose, the test, the message."""
        fresh = []
        for part in progress.workers or (progress,):
            place = f"worker {part.worker}: " if part.worker else ""
            shown = self._shown.get(part.worker, 0)
            fresh += [(place, test, message) for test, message in part.failures[shown:]]
            self._shown[part.worker] = len(part.failures)
        return fresh

    def describe(self, progress: TestsProgress, now: float) -> str:
        """Done and total, failures, rate, the time left, and what runs if it is one worker's.

        The time left is as it took before, or at this rate.
        """
        parts = [f"{progress.done}/{progress.total} tests"]
        if progress.failed:
            parts.append(f"{progress.failed} failed")
        began, first = self._first[progress.worker]
        elapsed = now - began
        if progress.done > first and elapsed > 0:
            rate = (progress.done - first) / elapsed
            parts.append(f"{rate:.1f}/s")
            left = (progress.expected_s or 0.0) - elapsed
            if left <= 0:
                left = max(0, progress.total - progress.done) / rate
            parts.append(f"{duration(left)} left")
        told = " · ".join(parts)
        return f"{told}  {progress.running}".rstrip() if not progress.workers else told

    def each(self, progress: TestsProgress, now: float) -> list[tuple[str, str]]:
        """The same for each worker, by its name."""
        return [(f"worker {part.worker}", self.describe(part, now)) for part in progress.workers]


def _mark(*, completed: bool) -> Text:
    return Text("✓", style="green") if completed else Text("✗", style="red")
