"""Makes text that came out of a container safe to show."""

import re
from typing import Any

__all__ = ["plain_text", "plain_values"]

_ESCAPES = re.compile(
    r"\x1b\[[0-?]*[ -/]*[@-~]"  # control sequences: colours, cursor
    r"|\x1b[\]PX^_].*?(?:\x07|\x1b\\|$)"  # strings: titles, links, device control
    r"|\x1b[ -/]*[0-~]?",  # the remaining escapes
    re.DOTALL,
)
_CONTROLS = re.compile(
    r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069"
    r"\ud800-\udfff]"  # halves of surrogate pairs: JSON can carry them, files cannot
)


def plain_text(text: str) -> str:
    """Remove escape codes, control characters, direction marks and broken characters.

    Tab and line feed are kept.

    A carriage return becomes a line feed, so that a progress bar cannot hide what it overwrites.
    """
    text = _ESCAPES.sub("", text)
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    return _CONTROLS.sub("", text)


def plain_values(value: Any) -> Any:
    """Nested dictionaries and lists with plain text in them; a tuple becomes a list."""
    match value:
        case str():
            return plain_text(value)
        case dict():
            return {key: plain_values(inner) for key, inner in value.items()}
        case list() | tuple():
            return [plain_values(inner) for inner in value]
    return value
