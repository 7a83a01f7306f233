"""The decision on one commit: approved, or rejected with every reason."""

from datetime import date

from pydantic import NonNegativeFloat

from seatrial.evidence.model import Model
from seatrial.judge.model import CriterionResult, Reason

__all__ = ["Verdict", "Waived"]


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
