"""Renders an approval: APPROVAL.md for people, and a few lines for the terminal."""

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.text import Text

from seatrial.evidence.audit import AuditFinding, Severity, ToolRun
from seatrial.evidence.folder import file_fault
from seatrial.evidence.hostile import plain_text
from seatrial.judge.approval import Approval, TrialSummary, approval_json
from seatrial.judge.benchmarks import Benchmark
from seatrial.judge.lowered_bar import lowered_bar
from seatrial.judge.model import CriterionResult, CriterionStatus, Evidence
from seatrial.judge.risk import Level
from seatrial.judge.rules import Rules
from seatrial.report.markdown import NOTHING, Ready, escape, render
from seatrial.words import counted, duration

__all__ = ["JSON_FILE", "MARKDOWN_FILE", "approval_markdown", "print_approval", "write_approval"]

MARKDOWN_FILE, JSON_FILE = "APPROVAL.md", "approval.json"
_MOST = 50
"""Rows of a table that has no end of its own; the JSON has all of them."""
_MOST_ROWS = 12
"""Rows of evidence for one criterion: room for the nine drills and the trials beside them."""
_MIB, _GIB = 1 << 20, 1 << 30
_GOOD = frozenset({"met", "yes", "no budget"})
_MARKS = {
    CriterionStatus.MET: ("✓ ", "green"),
    CriterionStatus.NOT_MET: ("✗ ", "red"),
    CriterionStatus.NOT_MEASURED: ("? ", "yellow"),
}


def write_approval(folder: Path, approval: Approval) -> tuple[Path, Path]:
    """Write both files, each whole or not at all; a folder that is not there is made.

    Raises:
        EnvironmentFault: they cannot be written.
    """
    texts = {MARKDOWN_FILE: approval_markdown(approval), JSON_FILE: approval_json(approval)}
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name, text in texts.items():
            draft = folder / f"{name}.part"
            draft.write_text(text, encoding="utf-8")
            draft.replace(folder / name)
    except OSError as error:
        raise file_fault("the approval", error, folder) from error
    return folder / MARKDOWN_FILE, folder / JSON_FILE


def approval_markdown(approval: Approval) -> str:
    """The document; nothing that a test, a file or a person is called can change its form."""
    filters: dict[str, Callable[..., Any]] = {
        "answer": _answer,
        "budget": _budget,
        "code": lambda text: Ready(" ".join(plain_text(text).split())),
        "confidence": _confidence,
        "counted": counted,
        "gib": lambda size: f"{size / _GIB:.1f} GiB",
        "lowered": lambda a: lowered_bar(a.verdict, a.rules.verdict),
        "level": lambda level: Ready(level if level is Level.LOW else f"**{level.value}**"),
        "moment": _moment,
        "number": lambda number: f"{number:g}",
        "place": _place,
        "points": _points,
        "quantity": _quantity,
        "ready": Ready,
        "risk_levels": _risk_levels,
        "rules": _rules,
        "severities": _severities,
        "short": lambda text: text[:12],
        "status": _status,
        "statuses": _statuses,
        "tests": _tests,
        "tools": _tools,
        "value": _value,
    }
    return render(
        "approval.md.jinja", filters, a=approval, nothing=NOTHING, most=_MOST, most_rows=_MOST_ROWS
    )


def print_approval(out: Console, approval: Approval, folder: Path) -> None:
    """Print each criterion, why it is rejected and what to do; the decision stands last."""
    verdict = approval.verdict
    for one in verdict.criteria:
        out.print(_criterion_line(one, approval))
    out.print()
    for waived in verdict.waived:
        head = f"set aside by {waived.person} until {waived.expires}: "
        out.print(Text.assemble((head, "yellow"), f"{waived.reason.key}: {waived.reason.what}"))
    for lowered in lowered_bar(verdict, approval.rules.verdict):
        out.print(Text.assemble(("the bar was lowered: ", "yellow"), lowered))
    for note in verdict.notes:
        out.print(Text.assemble(("note: ", "yellow"), note))
    for reason in verdict.reasons:
        out.print(Text.assemble(("✗ ", "red"), (reason.key, "bold"), f": {reason.what}"))
        if reason.remedy:
            out.print(Text.assemble(("  next:  ", "dim"), reason.remedy))
    style = "bold green" if verdict.approved else "bold red"
    out.print(
        Text.assemble(
            (approval.decision.upper(), style),
            f": score {verdict.score:g} of 100, {verdict.passing_score:g} are needed"
            f"; {counted(len(verdict.reasons), 'reason')} against it",
            f"; {counted(len(verdict.waived), 'reason')} set aside" if verdict.waived else "",
        )
    )
    out.print(Text.assemble(("document: ", "dim"), str(folder / MARKDOWN_FILE)))


def _criterion_line(one: CriterionResult, approval: Approval) -> Text:
    return Text.assemble(
        _MARKS[one.status],
        f"{_points(one.key, approval):>5}  ",
        (one.key, "bold"),
        f"  {one.reason}",
        (f"  ({one.confidence.value})", "dim") if one.status is CriterionStatus.MET else "",
    )


def _statuses(approval: Approval) -> str:
    found = [one.status for one in approval.verdict.criteria]
    told = [(found.count(status), status.value) for status in CriterionStatus if status in found]
    if len(told) == 1:
        return f"All {len(found)} criteria are {told[0][1]}"
    parts = (f"{number} {'is' if number == 1 else 'are'} {status}" for number, status in told)
    return f"Of {len(found)} criteria {', '.join(parts)}"


def _risk_levels(approval: Approval) -> str:
    """The areas by their level, the worst first."""
    levels: dict[Level, list[str]] = {Level.HIGH: [], Level.MEDIUM: [], Level.LOW: []}
    for one in approval.risks:
        levels[one.level].append(one.area)
    return "; ".join(
        f"{level.value} in {', '.join(areas)}" for level, areas in levels.items() if areas
    )


def _points(key: str, approval: Approval) -> str:
    whole = sum(one.weight for one in approval.verdict.criteria)
    own = next(one.weight for one in approval.verdict.criteria if one.key == key)
    return f"{100 * own / whole if whole else 0:.3g}"


def _status(status: str) -> Ready:
    """What is not good stands out without colour."""
    text = str(getattr(status, "value", status))
    return Ready(text if text in _GOOD else f"**{text}**")


def _confidence(one: CriterionResult) -> str:
    return NOTHING if one.status is CriterionStatus.NOT_MEASURED else one.confidence.value


def _answer(value: bool | None, unknown: str) -> Ready:
    if value is None:
        return Ready(unknown)
    return _status("yes" if value else "no")


def _quantity(value: float | None, unit: str) -> str:
    if value is None:
        return NOTHING
    if unit == "s":
        return duration(value)
    if unit == "bytes":
        return f"{value / _MIB:.0f} MiB"
    return f"{value:.1f} {unit}"


def _budget(one: Benchmark) -> str:
    if one.budget is None:
        return NOTHING
    return f"{'at least' if one.at_least else 'at most'} {_quantity(one.budget, one.unit)}"


def _severities(counts: Mapping[Severity, int]) -> str:
    told = ", ".join(f"{counts.get(one, 0)} {one.value}" for one in Severity)
    return f"{counted(sum(counts.values()), 'finding')} ({told})"


def _tools(tools: Sequence[ToolRun]) -> str:
    told = (
        f"{one.name} {one.version}" if one.version else f"{one.name} did not run: {one.why_not}"
        for one in tools
    )
    return ", ".join(told) or "none"


def _place(finding: AuditFinding) -> str:
    return f"{finding.file}:{finding.line}" if finding.line else finding.file


def _rules(rules: Rules) -> str:
    changed = rules.model_dump(mode="json", exclude_defaults=True)
    told = {f"budgets.{key}": value for key, value in changed.pop("budgets", {}).items()}
    told |= changed.pop("verdict", {})
    return (
        ", ".join(f"{key} = {value}" for key, value in sorted((told | changed).items())) or "none"
    )


def _tests(trial: TrialSummary) -> str:
    counts = trial.counts
    if counts is None:
        return "not known: no probe reported"
    numbers = counts.model_dump()
    told = ", ".join(f"{number} {name}" for name, number in numbers.items() if number)
    none = ", ".join(name for name, number in numbers.items() if not number)
    return f"{told or 'none'}; none {none}" if none else told


def _moment(moment: datetime) -> str:
    """To the second: the offset is part of a time that others are to check."""
    return f"{moment.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"


def _value(row: Evidence) -> Ready:
    if row.value is None:
        return Ready("**not there**")
    if isinstance(row.value, bool):
        return Ready("yes" if row.value else "no")
    if isinstance(row.value, float):
        return escape(f"{row.value:.6g} {row.unit}")
    return escape(f"{row.value} {row.unit}")
