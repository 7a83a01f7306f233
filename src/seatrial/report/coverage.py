"""Renders coverage for the terminal."""

from rich.console import Console
from rich.text import Text

from seatrial.evidence.coverage import ChangeCoverage, Coverage, CoverageParts, SourceCheck
from seatrial.evidence.hostile import plain_text
from seatrial.words import counted

__all__ = ["print_coverage"]


def print_coverage(out: Console, coverage: Coverage) -> None:
    """Print the totals and what is held against them, or why there are none."""
    if not coverage.measured:
        reason = f": {coverage.reason}" if coverage.reason else ""
        out.print(Text(plain_text(f"coverage was not measured{reason}"), style="dim"))
        return
    missed = coverage.threshold is not None and not coverage.threshold.met
    out.print(Text(plain_text(_totals(coverage)), style="red" if missed else ""))
    if coverage.parts:
        style = "" if coverage.parts.together else "yellow"
        out.print(Text(plain_text(_parts(coverage.parts)), style=style))
    if coverage.change:
        out.print(Text(plain_text(_change(coverage.change))))
    if coverage.sources and coverage.sources.differ:
        out.print(Text(_sources(coverage.sources), style="yellow"))


def _totals(coverage: Coverage) -> str:
    parts = []
    if coverage.line_percent is not None:
        parts.append(f"{coverage.line_percent:.1f} % of lines")
    if coverage.branch_percent is not None:
        parts.append(f"{coverage.branch_percent:.1f} % of branches")
    notes = []
    if coverage.threshold:
        notes.append(f"threshold {coverage.threshold.percent:g} % from {coverage.threshold.source}")
    if coverage.switched_on:
        notes.append("switched on by Seatrial")
    text = f"coverage {', '.join(parts) or 'of nothing: no statement was measured'}"
    return f"{text} ({'; '.join(notes)})" if notes else text


def _parts(parts: CoverageParts) -> str:
    if not parts.together:
        return f"it is the coverage of the tests that ran, not of all: {parts.reason}"
    return (
        f"it is the coverage of all tests: {parts.measured_tests} ran, and of "
        f"{parts.stored_tests} it is known since trial {parts.since}"
    )


def _change(change: ChangeCoverage) -> str:
    if change.reason:
        return f"coverage of the change was not measured: {change.reason}"
    if change.percent is None:
        return f"coverage of the change: no measured line changed since {change.base}"
    return (
        f"coverage of the change {change.percent:.1f} % "
        f"({change.covered_lines} of {counted(change.lines, 'line')} since {change.base})"
    )


def _sources(sources: SourceCheck) -> str:
    total = sources.equal + sources.differ + sources.unknown
    return (
        f"{sources.differ} of {counted(total, 'measured file')} "
        f"{'differs' if sources.differ == 1 else 'differ'} from the project's own"
    )
