"""Rows of figures with their targets, as Markdown and JSON."""

import dataclasses
import json
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median

__all__ = ["Row", "absolute", "as_json", "as_markdown", "ratio"]


@dataclass(frozen=True)
class Row:
    """One comparison: medians over the rounds, with the smallest and largest value."""

    what: str
    against: str
    unit: str
    value: float
    low: float
    high: float
    at_most: float | None
    """None: there is no target."""
    rounds: int

    @property
    def met(self) -> bool:
        """Whether the median is within the target."""
        return self.at_most is None or self.value <= self.at_most


def ratio(
    what: str, against: str, ours: Sequence[float], theirs: Sequence[float], at_most: float
) -> Row:
    """Compare round by round: each of ours to the one of theirs measured beside it."""
    quotients = [a / b for a, b in zip(ours, theirs, strict=True)]
    return _row(what, against, "ratio", quotients, at_most)


def absolute(what: str, values: Sequence[float], at_most: float | None, *, unit: str = "s") -> Row:
    """A figure in a unit, and not a ratio."""
    return _row(what, "-", unit, values, at_most)


def as_markdown(rows: Sequence[Row]) -> str:
    """A Markdown table."""
    lines = [
        "| what | against | measured | range | at most | met |",
        "| --- | --- | --- | --- | --- | --- |",
    ]
    for row in rows:
        unit = "" if row.unit == "ratio" else f" {row.unit}"
        lines.append(
            f"| {row.what} | {row.against} | {row.value:.2f}{unit} "
            f"| {row.low:.2f} to {row.high:.2f} (n = {row.rounds}) | {_target(row, unit)} |"
        )
    return "\n".join(lines) + "\n"


def as_json(rows: Sequence[Row]) -> str:
    """The same for programs."""
    return json.dumps([dataclasses.asdict(row) | {"met": row.met} for row in rows], indent=2)


def _target(row: Row, unit: str) -> str:
    if row.at_most is None:
        return "- | -"
    return f"{row.at_most:g}{unit} | {'yes' if row.met else 'NO'}"


def _row(what: str, against: str, unit: str, values: Sequence[float], at_most: float | None) -> Row:
    return Row(
        what=what,
        against=against,
        unit=unit,
        value=median(values),
        low=min(values),
        high=max(values),
        at_most=at_most,
        rounds=len(values),
    )
