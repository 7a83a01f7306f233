"""What casts doubt on a trial's own evidence."""

from seatrial.evidence.model import Model

__all__ = ["Doubt"]


class Doubt(Model):
    """A contradiction between two things that were measured, or a way to change results.

    It decides nothing about the trial, whose outcome is what pytest said; a verdict is not given
    on evidence that is in doubt.
    """

    key: str
    """Names the kind, e.g. `outcome-changed-by-hook`."""
    what: str
    """One sentence."""
    where: str = ""
    """A test, a file, or a place in the container."""
