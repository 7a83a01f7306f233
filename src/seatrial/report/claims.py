"""Renders what the claims of a document came to."""

import dataclasses
import json
from collections import Counter
from collections.abc import Sequence

from rich.console import Console
from rich.table import Table
from rich.text import Text

from seatrial.evidence.hostile import plain_text
from seatrial.judge.claims.against import Evidence
from seatrial.judge.claims.model import Finding, Standing
from seatrial.words import counted

__all__ = ["claims_json", "print_claims"]

_MARKS = {
    Standing.CONFIRMED: ("✓", "green"),
    Standing.UNSUPPORTED: ("?", "yellow"),
}
_AGAINST = ("✗", "bold red")


def print_claims(
    out: Console, findings: Sequence[Finding], evidence: Evidence | None, *, stands: bool
) -> None:
    """Print each claim with its line, what it comes to and why, and then how many of each."""
    out.print(Text(_source(evidence), "dim"))
    table = Table.grid(padding=(0, 2, 0, 0))
    table.add_column(width=1)
    table.add_column(justify="right", no_wrap=True)
    table.add_column(overflow="fold")
    for one in findings:
        mark = Text(*_MARKS.get(one.standing, _AGAINST))
        table.add_row(mark, str(one.line), plain_text(one.says).replace("\n", " "))
        reasons = plain_text("; ".join(one.reasons)).replace("\n", " ")
        table.add_row("", "", Text.assemble((one.standing.value, _style(one)), f": {reasons}"))
    out.print(table)
    counts = Counter(one.standing for one in findings)
    told = ", ".join(f"{counts[one]} {one.value}" for one in Standing if counts[one])
    title = ("HOLDS", "bold green") if stands else ("DOES NOT HOLD", "bold red")
    total = counted(len(findings), "claim")
    out.print(Text.assemble(title, f": {total}{': ' if told else ''}{told}"))


def claims_json(findings: Sequence[Finding], evidence: Evidence | None, *, stands: bool) -> str:
    """The same for programs."""
    table = {
        "holds": stands,
        "trial": evidence.record.id if evidence else None,
        "claims": [dataclasses.asdict(one) for one in findings],
    }
    return json.dumps(table, indent=2)


def _style(finding: Finding) -> str:
    return _MARKS.get(finding.standing, _AGAINST)[1]


def _source(evidence: Evidence | None) -> str:
    if evidence is None:
        return "held against itself alone: there is no trial, or none was to be used"
    record = evidence.record
    commit = f" of commit {record.commit.id[:12]}" if record.commit else ""
    dirty = " with changes" if record.commit and record.commit.dirty else ""
    return plain_text(f"held against trial {record.id}{commit}{dirty}: {record.reason}")
