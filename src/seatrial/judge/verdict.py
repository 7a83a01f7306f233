"""The decision on one commit: approved, or rejected with every reason."""

from collections.abc import Sequence
from datetime import date

from pydantic import NonNegativeFloat

from seatrial.evidence.model import Model
from seatrial.judge.conditions import find_reasons
from seatrial.judge.dossier import Dossier
from seatrial.judge.model import CriterionResult, Reason
from seatrial.judge.score import judge_criteria, score_of
from seatrial.judge.waivers import Waiver

__all__ = ["Verdict", "Waived", "judge"]


class Waived(Model):
    """A reason that a person set aside."""

    reason: Reason
    person: str
    why: str
    expires: date


class Verdict(Model):
    """What the evidence comes to."""

    approved: bool
    score: NonNegativeFloat
    """The weight of the criteria that are met, of 100; rounded down to a tenth."""
    passing_score: NonNegativeFloat
    criteria: tuple[CriterionResult, ...]
    """The ten in their order, then the project's own."""
    reasons: tuple[Reason, ...] = ()
    """Why it is rejected; empty if it is approved."""
    waived: tuple[Waived, ...] = ()
    """What would have been a reason as well."""
    notes: tuple[str, ...] = ()
    """Waivers that set nothing aside, and why."""


def judge(dossier: Dossier) -> Verdict:
    """Decide by what is in the dossier, and by nothing else.

    A waiver sets aside the reason of its key; that of a criterion's key, that the criterion is
    required. It changes neither what a criterion came to nor the score.

    Raises:
        UsageFault: the settings name a criterion that is none, or none has a weight.
    """
    criteria = judge_criteria(dossier)
    score = score_of(criteria)
    reasons: list[Reason] = []
    waived: list[Waived] = []
    for reason in find_reasons(dossier, criteria, score):
        waiver = _waiver(dossier, reason)
        if waiver is None:
            reasons.append(reason)
        else:
            waived.append(
                Waived(
                    reason=reason,
                    person=waiver.person,
                    why=waiver.reason,
                    expires=waiver.expires,
                )
            )
    return Verdict(
        approved=not reasons,
        score=score,
        passing_score=dossier.settings.verdict.passing_score,
        criteria=criteria,
        reasons=tuple(reasons),
        waived=tuple(waived),
        notes=_notes(dossier, reasons, waived),
    )


def _waiver(dossier: Dossier, reason: Reason) -> Waiver | None:
    if not reason.waivable or dossier.now is None:
        return None
    counting = [w for w in dossier.waivers if _is_for(w, reason) and w.counts(dossier.now)]
    return max(counting, key=lambda waiver: waiver.expires, default=None)


def _is_for(waiver: Waiver, reason: Reason) -> bool:
    return reason.key in {waiver.waives, f"required:{waiver.waives}"}


def _notes(
    dossier: Dossier, reasons: Sequence[Reason], waived: Sequence[Waived]
) -> tuple[str, ...]:
    notes = []
    for waiver in dossier.waivers:
        told = f"the waiver of {waiver.waives} by {waiver.person}"
        if dossier.now is None or not waiver.counts(dossier.now):
            notes.append(f"{told} does not count: it ends on {waiver.expires}")
        elif any(_is_for(waiver, reason) for reason in reasons):
            notes.append(f"{told} does not count: that cannot be waived")
        elif not any(_is_for(waiver, one.reason) for one in waived):
            notes.append(f"{told} sets nothing aside")
    return tuple(notes)
