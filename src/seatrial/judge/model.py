"""The words of a judgement: met or not, how sure, why, and on which evidence."""

from enum import StrEnum
from typing import Annotated

from pydantic import Field, NonNegativeFloat

from seatrial.evidence.model import Model

__all__ = [
    "Confidence",
    "CriterionResult",
    "CriterionStatus",
    "Evidence",
    "Judgement",
    "Reason",
    "met",
    "not_measured",
    "not_met",
]


class CriterionStatus(StrEnum):
    """What evidence says of a statement. Only `met` scores."""

    MET = "met"
    NOT_MET = "not met"
    NOT_MEASURED = "not measured"


class Confidence(StrEnum):
    """How sure a judgement is."""

    HIGH = "high"
    """Measured in this trial, and confirmed by earlier ones or by a drill."""
    MEDIUM = "medium"
    """Measured once."""
    LOW = "low"
    """Read in files, not measured."""


class Evidence(Model):
    """A measured fact, and the file that holds it."""

    what: str
    value: str | int | float | bool | None
    """None: it was looked for and is not there."""
    unit: str = ""
    file: str
    """Relative to the project."""
    sha256: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
    """Of the file."""
    where: str = ""
    """The place in it: a JSON pointer, or a line."""


class Judgement(Model):
    """What a criterion comes to."""

    status: CriterionStatus
    confidence: Confidence
    reason: str
    """One sentence, with the numbers that decided."""
    remedy: str = ""
    """What to do so that it is met; empty if it is."""
    evidence: tuple[Evidence, ...] = ()


class CriterionResult(Judgement):
    """A criterion with what it came to."""

    key: str
    statement: str
    requires: str
    """What counts as evidence for it."""
    weight: NonNegativeFloat
    """Points of the score if it is met."""
    required: bool
    """True: if it is not met, the commit is rejected whatever the score."""


class Reason(Model):
    """Why a commit is rejected."""

    key: str
    """Names the reason for programs, waivers and tests, e.g. `dirty-tree`."""
    what: str
    remedy: str = ""
    waivable: bool = True
    """False: no waiver can set it aside, since without it there is nothing to judge."""


def met(reason: str, confidence: Confidence, *evidence: Evidence) -> Judgement:
    """The evidence shows the statement."""
    return Judgement(
        status=CriterionStatus.MET, confidence=confidence, reason=reason, evidence=evidence
    )


def not_met(
    reason: str,
    remedy: str,
    *evidence: Evidence,
    confidence: Confidence = Confidence.MEDIUM,
) -> Judgement:
    """The evidence shows the opposite."""
    return Judgement(
        status=CriterionStatus.NOT_MET,
        confidence=confidence,
        reason=reason,
        remedy=remedy,
        evidence=evidence,
    )


def not_measured(reason: str, remedy: str, *evidence: Evidence) -> Judgement:
    """There is no evidence, or not all of it."""
    return Judgement(
        status=CriterionStatus.NOT_MEASURED,
        confidence=Confidence.LOW,
        reason=reason,
        remedy=remedy,
        evidence=evidence,
    )
