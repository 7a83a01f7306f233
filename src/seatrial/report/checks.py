"""Renders the doctor's checks."""

import dataclasses
import json
from collections.abc import Sequence

from rich.console import Console
from rich.table import Table
from rich.text import Text

from seatrial.evidence.hostile import plain_text
from seatrial.trial.doctor import Check

__all__ = ["checks_json", "print_checks"]

_MARKS = {"ok": ("✓", "green"), "warning": ("!", "yellow"), "failed": ("✗", "red")}


def print_checks(out: Console, checks: Sequence[Check]) -> None:
    """Print a line per check, and below it what to do."""
    table = Table.grid(padding=(0, 2, 0, 0))
    table.add_column(width=1)
    table.add_column(no_wrap=True)
    table.add_column(overflow="fold")
    for check in checks:
        table.add_row(Text(*_MARKS[check.state]), check.name, plain_text(check.found))
        if check.next_step:
            table.add_row("", "", Text.assemble(("next: ", "dim"), plain_text(check.next_step)))
    out.print(table)


def checks_json(checks: Sequence[Check]) -> str:
    """The checks as a JSON array."""
    return json.dumps([dataclasses.asdict(check) for check in checks], indent=2)
