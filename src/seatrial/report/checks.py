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

_MARKS = {
    "ok": ("✓", "green"),
    "warning": ("!", "yellow"),
    "failed": ("✗", "red"),
    "skipped": ("-", "dim"),
}


def print_checks(out: Console, checks: Sequence[Check]) -> None:
    """Print a line per check, and below it what to do."""
    table = Table.grid(padding=(0, 2, 0, 0))
    table.add_column(width=1)
    table.add_column(no_wrap=True)
    table.add_column(overflow="fold")
    for check in checks:
        place = (f"{plain_text(check.where)}  ", "bold") if check.where else ""
        found = Text.assemble(place, plain_text(check.found))
        table.add_row(Text(*_MARKS[check.state]), check.name, found)
        for word, told in (("why", check.why), ("cost", check.cost), ("next", check.next_step)):
            if told:
                table.add_row("", "", Text.assemble((f"{word}: ", "dim"), plain_text(told)))
    out.print(table)


def checks_json(checks: Sequence[Check]) -> str:
    """The checks as a JSON array."""
    return json.dumps([dataclasses.asdict(check) for check in checks], indent=2)
