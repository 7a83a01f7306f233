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
from seatrial.report.text import seconds as _duration
from seatrial.trial.observer import ServiceState

__all__ = ["LiveProgress", "PlainProgress"]

REFRESH_HZ = 8
_STATE_STYLE = {
    "ready": "green",
    "completed": "green",
    "started": "yellow",
    "exited": "red",
    "unready": "red",
}


class PlainProgress:
    """A line for each thing that happens; for CI logs and pipes."""

    def __init__(self, out: Console, *, verbose: bool = False) -> None:
        self._out = out
        self._verbose = verbose
        self._began = time.monotonic()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        """Nothing is open."""

    def phase_started(self, name: PhaseName) -> None:
        """Print the phase."""
        self._line(f"{name.value} …")

    def phase_ended(self, name: PhaseName, seconds: float, *, completed: bool) -> None:
        """Print how long it took."""
        self._line(f"{name.value} {'done' if completed else 'broken off'} in {_duration(seconds)}")

    def service_changed(self, service: str, state: ServiceState, detail: str = "") -> None:
        """Print the states that a service comes to rest in."""
        if state in _STATE_STYLE:
            self._line(f"service {service}: {state}{f' ({detail})' if detail else ''}")

    def output(self, source: Literal["build", "test"], line: str) -> None:
        """Print it if everything was asked for."""
        if self._verbose:
            self._out.print(Text(f"{source} | {line}"))

    def noted(self, text: str) -> None:
        """Print it."""
        self._line(f"note: {text}")

    def _line(self, text: str) -> None:
        self._out.print(Text(f"[{time.monotonic() - self._began:7.1f} s] {text}"))


class LiveProgress:
    """Phases, services and the last line of output, redrawn a few times a second."""

    def __init__(self, out: Console, *, verbose: bool = False) -> None:
        self._out = out
        self._verbose = verbose
        self._phases: dict[PhaseName, tuple[float, float | None, bool]] = {}
        self._services: dict[str, tuple[ServiceState, str]] = {}
        self._last: dict[PhaseName, str] = {}
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
        elif line.strip():
            self._last[PhaseName(source)] = line.strip()

    def noted(self, text: str) -> None:
        """Print it above the table."""
        self._live.console.print(Text(f"note: {text}", style="yellow"))

    def _render(self) -> Group:
        table = Table.grid(padding=(0, 2, 0, 0))
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
            table.add_row(mark, name.value, Text(_duration(elapsed)), detail)
        return Group(table)

    def _detail(self, name: PhaseName, *, running: bool) -> Text:
        if name is PhaseName.START:
            return Text(" · ").join(
                Text.assemble((service, "bold"), " ", (state, _STATE_STYLE.get(state, "dim")))
                for service, (state, _) in self._services.items()
            )
        return Text(self._last.get(name, "") if running else "", style="dim")


def _mark(*, completed: bool) -> Text:
    return Text("✓", style="green") if completed else Text("✗", style="red")
