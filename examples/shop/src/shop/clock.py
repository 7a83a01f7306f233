"""What time it is. Passed to whoever needs to know, so that a test can say otherwise."""

from collections.abc import Callable
from datetime import UTC, datetime

Clock = Callable[[], datetime]


def utc_now() -> datetime:
    """The current time, with its zone."""
    return datetime.now(UTC)
