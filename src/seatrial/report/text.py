"""The few ways in which times, counts and faults are put into words."""

from collections.abc import Sequence

from rich.console import Console
from rich.text import Text

from seatrial.errors import SeatrialError
from seatrial.evidence.hostile import plain_text
from seatrial.evidence.record import Fault
from seatrial.report.diagnosis import print_causes

__all__ = ["console", "print_error", "print_fault"]

MAX_DETAIL = 300
"""Characters of one line of somebody else's output; the log has all of it."""
PIPE_WIDTH = 120
"""Columns where there is no terminal to ask: CI logs are wider than Rich's 80."""


def console(
    *, stderr: bool = False, color: bool | None = None, width: int | None = None
) -> Console:
    """A console that shows text as it is: nothing in it is taken for markup.

    `color` None: as the terminal and the variables NO_COLOR and FORCE_COLOR say.
    """
    made = Console(
        stderr=stderr,
        markup=False,
        highlight=False,
        emoji=False,
        soft_wrap=True,
        # Without a colour system there is no bold or dim either, which no_color would leave.
        color_system=None if color is False else "auto",
        force_terminal=True if color else None,
        width=width,
    )
    if width is None and not made.is_terminal:
        made.width = PIPE_WIDTH
    return made


def print_error(out: Console, error: SeatrialError) -> None:
    """Say what happened, where, and what to do next."""
    print_fault(
        out,
        Fault(what=error.what, where=error.where, next_step=error.next_step, details=error.details),
        title="error" if error.exit_code else "note",
    )


def print_fault(out: Console, fault: Fault, *, title: str = "") -> None:
    """Print a fault: its details first, so that what it means stands last and is seen."""
    if fault.details:
        _print_details(out, fault.details)
    if title:
        style = "bold" if title == "note" else "bold red"
        out.print(Text.assemble((f"{title}: ", style), plain_text(fault.what)))
    print_causes(out, fault.causes)
    if fault.where:
        out.print(Text.assemble(("  where: ", "dim"), plain_text(fault.where)))
    if fault.next_step:
        out.print(Text.assemble(("  next:  ", "dim"), plain_text(fault.next_step)))


def _print_details(out: Console, lines: Sequence[str]) -> None:
    for line in lines:
        out.print(Text.assemble(("  │ ", "dim"), plain_text(line)[:MAX_DETAIL]))
