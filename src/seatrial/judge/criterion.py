"""The one interface of all criteria."""

from collections.abc import Callable
from dataclasses import dataclass

from seatrial.judge.dossier import Dossier
from seatrial.judge.model import Judgement

__all__ = ["Criterion"]


@dataclass(frozen=True)
class Criterion:
    """A statement about a commit, and how evidence decides it."""

    key: str
    """Names it in settings and documents, e.g. `contained-tests`."""
    statement: str
    """True or not; one sentence without an adjective that no number carries."""
    requires: str
    """What counts as evidence; nothing else does."""
    weight: float
    """Points of the score unless the settings say otherwise."""
    judge: Callable[[Dossier], Judgement]
    """Looks at nothing but the dossier."""
