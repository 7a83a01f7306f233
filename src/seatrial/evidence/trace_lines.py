"""Numbers and texts out of the tracer's lines, bounded: whoever wrote them may have lied."""

from typing import Any

__all__ = [
    "MAX_BYTES",
    "MAX_FILES",
    "TRACER_VERSION",
    "NotWhole",
    "as_number",
    "as_numbers",
    "as_text",
]

TRACER_VERSION = 3
MAX_BYTES = 512 << 20
"""Of one file."""
MAX_FILES = 200_000
"""Numbered files, of all processes together; also the highest number of anything."""
_MAX_TEXT = 4096


class NotWhole(Exception):
    """A line is not what the tracer writes."""


def as_number(value: Any, least: int = 0) -> int:
    """A number as the tracer gives them.

    Raises:
        NotWhole: it is none.
    """
    if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= MAX_FILES:
        raise NotWhole
    return value


def as_numbers(value: Any, least: int = 0) -> list[int]:
    """A list of numbers.

    Raises:
        NotWhole: it is none.
    """
    if not isinstance(value, list):
        raise NotWhole
    return [as_number(each, least) for each in value]


def as_text(value: Any) -> str:
    """A text, such as a path.

    Raises:
        NotWhole: it is none, or longer than any path is.
    """
    if not isinstance(value, str) or len(value) > _MAX_TEXT or "\0" in value:
        raise NotWhole
    return value
