"""Shows drills while they are made, and what came of them."""

import contextlib
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console
from rich.text import Text

from seatrial.drill.breakings import CONTROL
from seatrial.evidence.drills import DrillReport, DrillResult
from seatrial.evidence.hostile import plain_text
from seatrial.words import counted, duration

if TYPE_CHECKING:
    from rich.status import Status

__all__ = ["DrillProgress", "print_drills"]


class DrillProgress:
    """A line for each drill; on a terminal also the one that is under way."""

    def __init__(self, out: Console) -> None:
        self._out = out
        self._status: Status | None = None

    def drill_begins(self, number: int, total: int, key: str) -> None:
        """Show which of how many it is."""
        if self._out.is_terminal:
            self._status = self._out.status(f"drill {number} of {total}: {key}")
            self._status.start()

    def drill_ended(self, result: DrillResult) -> None:
        """Print how it went, and all that was not as it should be."""
        self.close()
        _print_result(self._out, result)

    def close(self) -> None:
        """Show nothing any more."""
        if self._status:
            with contextlib.suppress(Exception):
                self._status.stop()
            self._status = None


def print_drills(out: Console, report: DrillReport, folder: Path) -> None:
    """Print the sum, and where the files are; the control first if it failed."""
    control = report.result(CONTROL)
    if control is None or not control.passed:
        out.print(
            Text.assemble(
                ("FAILED: ", "bold red"),
                "nothing was broken and the trial did not pass, so no drill means anything",
            )
        )
    else:
        failed = sum(one.passed is False for one in report.results)
        passed = sum(one.passed is True for one in report.results)
        mark = ("FAILED: ", "bold red") if failed else ("PASSED: ", "bold green")
        out.print(
            Text.assemble(
                mark,
                f"{counted(passed, 'drill')} passed, {failed} failed, "
                f"{len(report.results) - passed - failed} could not be made, in "
                f"{duration(report.seconds)}",
            )
        )
    out.print(f"record: {folder / 'drills.json'}", style="dim")


def _print_result(out: Console, result: DrillResult) -> None:
    mark = {True: ("✓  ", "green"), False: ("✗  ", "red"), None: ("-  ", "yellow")}[result.passed]
    took = duration(result.seconds) if result.seconds is not None else ""
    said = result.why_not or result.reason or result.what
    out.print(Text.assemble(mark, f"{result.key:<16}{took:>9}  ", (plain_text(said)[:200], "dim")))
    for fault in result.faults:
        out.print(Text.assemble(("   ! ", "red"), plain_text(fault)[:500]))
