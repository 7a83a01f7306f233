"""What to do about a verdict: each remedy once, the heaviest first."""

from collections.abc import Iterator, Mapping, Sequence

from pydantic import NonNegativeFloat

from seatrial.evidence.audit import AuditFinding, AuditReport, Severity
from seatrial.evidence.model import Model
from seatrial.judge.model import CriterionResult, CriterionStatus
from seatrial.judge.verdict import Verdict

__all__ = ["NextStep", "next_steps"]

_SCORE = "score"
"""The key of the reason that the score is too low."""


class NextStep(Model):
    """What to do, the heaviest first."""

    remedy: str
    settles: tuple[str, ...]
    """Criteria, reasons and findings that it is for."""
    blocks: bool
    """True: without it there is no approval."""
    points: NonNegativeFloat = 0
    """Of the score, that the criteria among them are worth."""


def next_steps(audit: AuditReport | None, verdict: Verdict) -> tuple[NextStep, ...]:
    """A step for each remedy: those that an approval needs first, then by points.

    A criterion is needed if the score cannot be reached without its points; if that goes for all
    that are lacking, the score needs no step of its own. Then come reasons that a waiver sets
    aside, and the audit's findings by severity.
    """
    points = _points(verdict.criteria)
    lacking = [one for one in verdict.criteria if one.status is not CriterionStatus.MET]
    needed = _needed(lacking, points, verdict)
    score_by_itself = any(one.weight and one.key not in needed for one in lacking)
    steps: dict[str, NextStep] = {}

    def add(remedy: str, settles: str, *, blocks: bool = False, worth: float = 0) -> None:
        step = steps.get(remedy) or NextStep(remedy=remedy, settles=(), blocks=blocks)
        steps[remedy] = NextStep(
            remedy=remedy,
            settles=(*step.settles, settles),
            blocks=step.blocks or blocks,
            points=round(step.points + worth, 1),
        )

    for reason in verdict.reasons:
        if reason.key != _SCORE or score_by_itself or not needed:
            add(reason.remedy or reason.what, reason.key, blocks=True)
    for one in lacking:
        settles, worth = f"criterion {one.key}", points[one.key]
        add(one.remedy or one.reason, settles, blocks=one.key in needed, worth=worth)
    for waived in verdict.waived:
        until = f"{waived.reason.key}, set aside until {waived.expires} by {waived.person}"
        add(waived.reason.remedy or waived.reason.what, until)
    for finding, place in _places(audit):
        add(finding.fix, f"audit, {finding.severity.value}: {finding.rule} at {place}")
    return tuple(sorted(steps.values(), key=lambda step: (not step.blocks, -step.points)))


def _needed(
    lacking: Sequence[CriterionResult], points: Mapping[str, float], verdict: Verdict
) -> frozenset[str]:
    """Criteria without whose points the score is not reached, all others met."""
    if not any(reason.key == _SCORE for reason in verdict.reasons):
        return frozenset()
    to_spare = 100 - verdict.passing_score
    return frozenset(one.key for one in lacking if points[one.key] > to_spare)


def _points(criteria: Sequence[CriterionResult]) -> dict[str, float]:
    whole = sum(one.weight for one in criteria)
    return {one.key: 100 * one.weight / whole if whole else 0 for one in criteria}


def _places(audit: AuditReport | None) -> Iterator[tuple[AuditFinding, str]]:
    """The first finding of each rule, and how many there are; notes ask for nothing."""
    rules: dict[str, list[AuditFinding]] = {}
    for finding in audit.findings if audit else ():
        if finding.severity is not Severity.NOTE:
            rules.setdefault(finding.rule, []).append(finding)
    for first, *others in rules.values():
        place = f"{first.file}:{first.line}" if first.line else first.file
        yield first, f"{place} and {len(others)} more" if others else place
