"""Reads numbers with their units as people write them, whatever their language."""

import re
from dataclasses import dataclass
from typing import Literal

__all__ = ["Kind", "Quantity", "find_quantities", "is_hedged", "parse_number", "unit_of"]

Kind = Literal["time", "share", "size", "ratio", "number"]
Bound = Literal["<", "<=", ">", ">=", ""]

_UNITS: dict[str, tuple[Kind, float]] = {}
for _names, _kind, _scale in (
    ("ns", "time", 1e-9),
    ("us µs μs", "time", 1e-6),
    ("ms msec millisecond milliseconds millisekunden", "time", 1e-3),
    ("s sec secs second seconds sek sekunde sekunden seconde secondes segundos", "time", 1.0),
    ("m min mins minute minutes minuten minutos", "time", 60.0),
    ("h hr hrs hour hours stunde stunden heure heures horas", "time", 3600.0),
    ("% percent pct prozent pourcent", "share", 1.0),
    ("b byte bytes octets", "size", 1.0),
    ("kb", "size", 1e3),
    ("mb", "size", 1e6),
    ("gb", "size", 1e9),
    ("tb", "size", 1e12),
    ("kib", "size", 2.0**10),
    ("mib", "size", 2.0**20),
    ("gib", "size", 2.0**30),
    ("tib", "size", 2.0**40),
    ("x ×", "ratio", 1.0),  # noqa: RUF001 - the sign of a factor
):
    for _name in _names.split():
        _UNITS[_name] = (_kind, _scale)  # type: ignore[assignment]

_BOUNDS: tuple[tuple[str, Bound], ...] = (
    (r"≤|<=|=<|⩽|at most|up to|no more than|max(?:imum|\.)?|höchstens|au plus", "<="),
    (r"≥|>=|=>|⩾|at least|no less than|min(?:imum|\.)?(?=\s*\d)|mindestens|au moins", ">="),
    (r"<|under|below|less than|within|unter|moins de", "<"),
    (r">|over|above|more than|über|plus de", ">"),
)
_NUMBER = r"(?:\d{1,3}(?:[ '’]\d{3})+(?:[.,]\d+)?(?!\d)|\d+(?:[.,]\d+)*)"  # noqa: RUF001
_UNIT = r"%|×|[A-Za-zµμ]+"  # noqa: RUF001 - the sign of a factor
_QUANTITY = re.compile(
    rf"(?<![\w.,/-])(?P<number>{_NUMBER})"
    rf"(?:\s?(?:{_UNIT})?\s?(?P<dash>-|–|—|\bto\b)\s?(?P<upper>{_NUMBER}))?"  # noqa: RUF001
    r"(?:\s*/\s*(?P<of>\d+(?:[.,]\d+)?)(?![\w/]))?"
    rf"\s?(?P<unit>{_UNIT})?"
)
_MOMENT = re.compile(r"\d{4}-\d\d-\d\d(?:[T ]\d\d:\d\d)?|\d{1,2}:\d\d(?::\d\d)?")
_PART = re.compile(rf"\s*(?:and\s+)?(?P<number>{_NUMBER})\s?(?P<unit>[A-Za-zµμ]+)")
_HEDGES = re.compile(
    r"[~≈≃\u223c]|\b(?:estimat\w*|est\.|approx\w*|expect(?:ed|ation)\w*|project(?:ed|ion)s?|roughly"
    r"|anticipat\w*|extrapolat\w*|predict\w*|forecast\w*|circa|ca\.|planned|simulated|should"
    r"|assum\w*|geschätzt|schätzungsweise|ungefähr|voraussichtlich|erwartet\w*|estimée?s?|environ"
    r"|prévue?s?|estimad[oa]s?|aproximad\w*)",
    re.IGNORECASE,
)
_MAX_DIGITS = 30
_BEFORE = 40
"""Characters before a number in which its comparison stands."""


@dataclass(frozen=True)
class Quantity:
    """A number with its unit, in seconds, percent, bytes, times, or pieces."""

    value: float
    """Of a range, its upper end."""
    kind: Kind
    step: float
    """What the last digit stands for, in the same unit as the value."""
    text: str
    """As it was written."""
    bound: Bound = ""
    low: float | None = None
    """The lower end, if it is a range."""
    of: float | None = None
    """What it is out of: 100 in `92/100`."""
    start: int = 0
    """Where it begins in the text."""
    scale: float = 1.0
    """How much its unit is in the kind's base unit: 60 for minutes."""

    @property
    def unit(self) -> tuple[Kind, float] | None:
        """Its unit; None if it was written without one."""
        return None if self.kind == "number" else (self.kind, self.scale)


def parse_number(text: str) -> tuple[float, int] | None:
    """A number and how many decimals it has; None if it is none.

    The last of two different marks begins the decimals. A single comma before three digits groups
    them, unless it follows a lone zero; a single point never does.
    """
    text = re.sub(r"['’\s]", "", text)  # noqa: RUF001 - Swiss digit groups
    if len(text) > _MAX_DIGITS or not re.fullmatch(r"\d+(?:[.,]\d+)*", text):
        return None
    marks = re.findall(r"[.,]", text)
    decimal = ""
    if len(set(marks)) == 2 and marks.count(marks[-1]) == 1:
        decimal = marks[-1]
    elif len(marks) == 1:
        whole, _, rest = text.partition(marks[0])
        grouped = marks[0] == "," and len(rest) == 3 and len(whole) <= 3 and whole != "0"
        decimal = "" if grouped else marks[0]
    if decimal:
        whole, _, rest = text.rpartition(decimal)
        return float(f"{re.sub('[.,]', '', whole)}.{rest}"), len(rest)
    return float(re.sub("[.,]", "", text)), 0


def unit_of(text: str) -> tuple[Kind, float] | None:
    """The unit in brackets in a table's head, e.g. `Result (ms)`."""
    found = re.search(r"[(\[]\s*(?:in\s+)?([%×A-Za-zµμ]+)\s*[)\]]", text)  # noqa: RUF001
    return _UNITS.get(found[1].lower()) if found else None


def is_hedged(text: str) -> bool:
    """Whether it says of itself that it was not measured."""
    return bool(_HEDGES.search(text))


def find_quantities(text: str, unit: tuple[Kind, float] | None = None) -> tuple[Quantity, ...]:
    """All quantities in a text; `unit` is that of numbers without one."""
    found = []
    at = 0
    text = _MOMENT.sub(lambda match: " " * len(match[0]), text)
    while match := _QUANTITY.search(text, at):
        at = max(match.end("number"), match.start() + 1)
        number = parse_number(match["number"])
        if number is None:
            continue
        upper = parse_number(match["upper"]) if match["upper"] else None
        if upper and (
            upper[0] <= number[0]
            or _is_change(text[max(0, match.start() - _BEFORE) : match.start()], match["dash"])
        ):
            # No range: `from 92 to 100` are two numbers.
            match = _QUANTITY.match(text, match.start(), match.start("dash")) or match
            upper = None
        named = _UNITS.get((match["unit"] or "").lower())
        kind, scale = named or (unit if match["of"] is None and unit else ("number", 1.0))
        value, decimals, end = number[0] * scale, number[1], match.end("number")
        low = None
        if upper:
            low, value, end = value, upper[0] * scale, match.end("upper")
        step = 10.0**-decimals * scale
        of = parse_number(match["of"]) if match["of"] else None
        if of is not None:
            end = match.end("of")
        if named:
            end = match.end("unit")
        # `2 min 05 s` is one duration.
        while kind == "time" and named and (part := _PART.match(text, end)):
            smaller, more = _UNITS.get(part["unit"].lower()), parse_number(part["number"])
            if smaller is None or more is None or smaller[0] != "time" or smaller[1] >= scale:
                break
            scale = smaller[1]
            value, step, end = value + more[0] * scale, 10.0 ** -more[1] * scale, part.end()
        at = max(at, end)
        found.append(
            Quantity(
                value=value,
                kind=kind,
                step=step,
                text=text[match.start() : end].strip(),
                bound=_bound(text[max(0, match.start() - _BEFORE) : match.start()]),
                low=low,
                of=of[0] if of else None,
                start=match.start(),
                scale=scale,
            )
        )
    return tuple(found)


def _is_change(before: str, word: str) -> bool:
    return word == "to" and bool(re.search(r"\bfrom\s+[~≈]?$", before, re.IGNORECASE))


def _bound(before: str) -> Bound:
    """The comparison that stands right before a number."""
    for pattern, bound in _BOUNDS:
        if re.search(rf"(?:{pattern})\s*[~≈]?\s*$", before, re.IGNORECASE):
            return bound
    return ""
