"""A claim, and what became of it."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Literal

from seatrial.judge.claims.metrics import Metric
from seatrial.judge.claims.quantity import Quantity

__all__ = ["Claim", "Finding", "Standing"]


class Standing(StrEnum):
    """What a claim comes to. Of several, the first one in this list is told."""

    CONTRADICTS_ITSELF = "contradicts itself"
    """The document itself says otherwise."""
    CONTRADICTED = "contradicted"
    """A trial measured otherwise."""
    ESTIMATE = "an estimate is no result"
    FIXED_WAIT = "a fixed wait is no measurement"
    UNSUPPORTED = "not supported"
    """Nothing that was measured says anything on it."""
    CONFIRMED = "confirmed"


@dataclass(frozen=True)
class Claim:
    """Something that a document says is so."""

    line: int
    says: str
    kind: Literal["metric", "score", "part of a score", "targets", "tests", "decision", "other"]
    """`targets`: all are met; `tests`: all passed."""
    metric: Metric | None = None
    result: Quantity | None = None
    target: Quantity | None = None
    marked: bool | None = None
    """By a tick or a cross, or words for them; None: by neither."""
    hedged: bool = False
    """It says of itself that it is an estimate."""


@dataclass(frozen=True)
class Finding:
    """What a claim comes to, and why."""

    line: int
    says: str
    standing: Standing
    reasons: tuple[str, ...]
