"""Writes Markdown from a template in which nobody's text can be anything but text."""

import re
from collections.abc import Callable, Mapping
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined

from seatrial.evidence.hostile import plain_text

__all__ = ["MAX_CELL", "NOTHING", "Ready", "escape", "render"]

MAX_CELL = 400
"""Characters of one piece of text; the JSON beside the document has all of it."""

_MEANT = re.compile(r"[\\`*\[\]~#$]|(?<![0-9A-Za-z])_|_(?![0-9A-Za-z])")
"""An underscore between letters means nothing in Markdown, and names are full of them."""
_BLOCK = re.compile(r"^(?=[-+](?:\s|$)|[-=\s]+$)|^\d{1,9}(?=[.)](?:\s|$))")
"""At the beginning of a line: a list, a rule, or the underline of a heading."""
_ENTITIES = {"&": "&amp;", "<": "&lt;", ">": "&gt;", "|": "&#124;"}
"""A pipe ends a table's cell even behind a backslash that is itself escaped, says one parser and
not the other; so no backslash is used."""
_LINKS = re.compile(r":(?=//)|(?<=www)\.", re.IGNORECASE)
"""GitHub makes links of bare addresses."""


class Ready(str):
    """Markdown that is meant as such."""

    __slots__ = ()


NOTHING = Ready("-")
"""What stands in a cell that has nothing to say."""


def escape(text: str) -> Ready:
    """Text that stays what it is, on one line of a paragraph, heading, list or table."""
    line = " ".join(plain_text(text).split())
    if len(line) > MAX_CELL:
        line = line[: MAX_CELL - 1] + "…"
    line = _MEANT.sub(lambda found: "\\" + found[0], line)
    line = _BLOCK.sub(lambda found: found[0] + "\\", line)
    line = "".join(_ENTITIES.get(letter, letter) for letter in line)
    return Ready(_LINKS.sub(lambda found: "\\" + found[0], line))


def render(template: str, filters: Mapping[str, Callable[..., Any]], **values: Any) -> str:
    """A template of this package, filled in; whatever is not `Ready` is escaped.

    Raises:
        jinja2.UndefinedError: the template names what is not there.
    """
    templates = Environment(
        loader=PackageLoader("seatrial", "report"),
        autoescape=False,  # noqa: S701 - HTML's rules would not do; `finalize` has Markdown's
        finalize=lambda value: value if isinstance(value, Ready) else escape(str(value)),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    templates.filters.update(filters)
    return templates.get_template(template).render(**values)
