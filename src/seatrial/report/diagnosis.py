"""Renders what was found when a trial did not pass: what is wrong, and where all of it is."""

from pathlib import Path

from rich.console import Console
from rich.text import Text

from seatrial.evidence.diagnosis import Cause, Diagnosis
from seatrial.evidence.diagnosis_text import essence
from seatrial.evidence.hostile import plain_text

__all__ = ["print_causes", "print_diagnosis"]

_MAX_LINE = 300


def print_causes(out: Console, causes: tuple[Cause, ...]) -> None:
    """Print likely causes, each with what to do about it and the line that shows it."""
    for cause in causes:
        out.print(Text.assemble(("likely cause: ", "bold yellow"), plain_text(cause.what)))
        out.print(Text.assemble(("  remedy: ", "bold"), plain_text(cause.remedy)))
        seen = plain_text(f"{cause.where}: {cause.line}")[:_MAX_LINE]
        out.print(Text.assemble(("  seen in ", "dim"), (seen, "dim")))


def print_diagnosis(out: Console, diagnosis: Diagnosis, folder: Path) -> None:
    """Print what is wrong beside failed tests, and where the diagnosis is."""
    for line in essence(diagnosis):
        out.print(Text(plain_text(line)[:_MAX_LINE], style="red"))
    if diagnosis.summary:
        out.print(Text.assemble(("diagnostics: ", "dim"), str(folder / diagnosis.summary)))
