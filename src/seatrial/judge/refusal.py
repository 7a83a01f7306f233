"""Why a criterion is not met, one thing at a time; several make one judgement."""

from collections.abc import Iterable
from dataclasses import dataclass

from seatrial.judge.model import Confidence, CriterionStatus, Evidence, Judgement

__all__ = ["Refusal", "against", "judge_by", "lacks", "named"]

_MAX_NAMED = 5


@dataclass(frozen=True)
class Refusal:
    """One thing that speaks against a statement, or that nobody measured."""

    status: CriterionStatus
    what: str
    remedy: str


def against(what: str, remedy: str) -> Refusal:
    """The evidence shows the opposite."""
    return Refusal(CriterionStatus.NOT_MET, what, remedy)


def lacks(what: str, remedy: str) -> Refusal:
    """The evidence is missing."""
    return Refusal(CriterionStatus.NOT_MEASURED, what, remedy)


def judge_by(
    refusals: Iterable[Refusal], met: str, confidence: Confidence, *evidence: Evidence
) -> Judgement:
    """Met if there is no refusal; not measured if all that speaks against it is a lack."""
    found = tuple(refusals)
    if not found:
        return Judgement(
            status=CriterionStatus.MET, confidence=confidence, reason=met, evidence=evidence
        )
    shown = [refusal for refusal in found if refusal.status is CriterionStatus.NOT_MET]
    return Judgement(
        status=CriterionStatus.NOT_MET if shown else CriterionStatus.NOT_MEASURED,
        confidence=Confidence.MEDIUM if shown else Confidence.LOW,
        # What was shown comes first: it decides.
        reason="; ".join(dict.fromkeys(refusal.what for refusal in (*shown, *found))),
        remedy="; ".join(dict.fromkeys(refusal.remedy for refusal in (*shown, *found))),
        evidence=evidence,
    )


def named(names: Iterable[str]) -> str:
    """The first five, and how many more there are."""
    listed = tuple(names)
    more = f" and {len(listed) - _MAX_NAMED} more" if len(listed) > _MAX_NAMED else ""
    return ", ".join(listed[:_MAX_NAMED]) + more
