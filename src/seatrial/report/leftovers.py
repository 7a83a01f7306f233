"""Renders what trials left in the engine."""

import dataclasses
import json
from collections.abc import Sequence

from rich.console import Console
from rich.text import Text

from seatrial.trial.leftovers import Cleaned, Leftover

__all__ = ["leftovers_json", "print_leftovers"]

_OWNER = {
    "alive": ("still runs", "yellow"),
    "dead": ("its process is gone", "dim"),
    "unknown": ("of another machine", "yellow"),
}


def print_leftovers(out: Console, leftovers: Sequence[Leftover]) -> None:
    """Print a line per trial, or that there is nothing."""
    if not leftovers:
        out.print("the engine holds nothing of dead trials")
    for left in leftovers:
        out.print(
            Text.assemble(
                (left.trial, "bold"), f"  {left.project}  {left.held}  ", _OWNER[left.owner]
            )
        )


def leftovers_json(results: Sequence[Cleaned]) -> str:
    """The trials found, and what became of them, as a JSON array."""
    return json.dumps([dataclasses.asdict(result) for result in results], indent=2)
