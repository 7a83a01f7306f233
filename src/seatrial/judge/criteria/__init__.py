"""The ten criteria, in their order."""

from seatrial.judge.criterion import Criterion

__all__ = ["CRITERIA"]

CRITERIA: tuple[Criterion, ...] = ()
