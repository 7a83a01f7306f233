"""What is recorded of a trial that ran only the tests that a change can affect."""

from pydantic import NonNegativeInt

from seatrial.evidence.model import Model

__all__ = ["MAX_CHANGED", "Partial"]

MAX_CHANGED = 100


class Partial(Model):
    """Which tests were left out, and why they could be."""

    since: str
    """The trial that recorded what the tests use."""
    base: str | None = None
    """The commit that the project was compared with as well."""
    changed: tuple[str, ...] = ()
    """Files that differ, at most 100."""
    selected: NonNegativeInt
    """Known tests that a change can affect, or that failed before."""
    left_out: NonNegativeInt
    """Known tests that it cannot."""
