"""Renders an audit for people."""

from rich.console import Console
from rich.text import Text

from seatrial.evidence.audit import AuditFinding, AuditReport, Severity
from seatrial.words import counted

__all__ = ["print_audit"]

_COLOURS = {
    Severity.HIGH: "bold red",
    Severity.MEDIUM: "yellow",
    Severity.LOW: "cyan",
    Severity.NOTE: "dim",
}


def print_audit(out: Console, report: AuditReport) -> None:
    """Print each finding with its place, what was set aside, and what was not checked."""
    for finding in report.findings:
        out.print(_heading(finding))
        if finding.severity is not Severity.NOTE:
            out.print(Text.assemble(("  why: ", "dim"), finding.why))
            out.print(Text.assemble(("  fix: ", "dim"), finding.fix))
    for ignored in report.ignored:
        place = place_of(ignored.finding)
        text = f"ignored: {place}  {ignored.finding.rule}: {ignored.reason}"
        out.print(Text(text, style="dim"))
    for why in report.not_checked:
        out.print(Text.assemble(("not checked: ", "yellow"), why))
    programs = [f"{tool.name} {tool.version}" for tool in report.tools if tool.version]
    if programs:
        out.print(Text(f"asked: {', '.join(programs)}", style="dim"))
    counts = [f"{report.count(severity)} {severity}" for severity in Severity]
    out.print(f"{counted(len(report.files), 'file')}: {', '.join(counts)}")


def place_of(finding: AuditFinding) -> str:
    """`file:line`, or the file."""
    return f"{finding.file}:{finding.line}" if finding.line else finding.file


def _heading(finding: AuditFinding) -> Text:
    seen = " (measured)" if finding.measured else ""
    return Text.assemble(
        (place_of(finding), "bold"),
        "  ",
        (finding.severity.value, _COLOURS[finding.severity]),
        f"  {finding.what}{seen}  ",
        (f"[{finding.rule}]", "dim"),
    )
