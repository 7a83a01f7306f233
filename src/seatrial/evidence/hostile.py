"""Makes text that came out of a container safe to show."""

import re

__all__ = ["plain_text"]

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
