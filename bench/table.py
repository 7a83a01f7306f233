"""Rows of figures with their targets, and a bench made of them, as Markdown and JSON."""

import dataclasses
import json
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median

__all__ = ["Bench", "Part", "Row", "absolute", "as_json", "as_markdown", "from_json", "ratio"]


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
    what: str, against: str, ours: Sequence[float], theirs: Sequence[float], at_most: float | None
) -> Row:
    """Compare round by round: each of ours to the one of theirs measured beside it."""
    quotients = [a / b for a, b in zip(ours, theirs, strict=True)]
    return _row(what, against, "ratio", quotients, at_most)


def absolute(what: str, values: Sequence[float], at_most: float | None, *, unit: str = "s") -> Row:
    """A figure in a unit, and not a ratio."""
    return _row(what, "-", unit, values, at_most)


@dataclass(frozen=True)
class Part:
    """What one command measured."""

    command: str
    measured: str
    """The time of its end, in UTC."""
    rows: tuple[Row, ...]
    fault: str = ""
    """Why it measured nothing; empty if it did."""


@dataclass(frozen=True)
class Bench:
    """All parts that were measured in one run."""

    machine: str
    parts: tuple[Part, ...]

    @property
    def rows(self) -> tuple[Row, ...]:
        """Those of all parts."""
        return tuple(row for part in self.parts for row in part.rows)

    @property
    def met(self) -> bool:
        """Whether every part was measured and every target is met."""
        return not any(part.fault for part in self.parts) and all(row.met for row in self.rows)


def as_markdown(bench: Bench) -> str:
    """One table, with the machine above it."""
    lines = [
        f"Machine: {bench.machine}.",
        "",
        "| what | against | measured | range | at most | met | command | measured (UTC) |",
        "| --- | --- | --- | --- | --- | --- | --- | --- |",
    ]
    for part in bench.parts:
        end = f"`{part.command}` | {part.measured} |"
        if part.fault:
            lines.append(f"| not measured: {part.fault} | - | - | - | - | NO | {end}")
        for row in part.rows:
            unit = "" if row.unit == "ratio" else f" {row.unit}"
            lines.append(
                f"| {row.what} | {row.against} | {row.value:.2f}{unit} "
                f"| {row.low:.2f} to {row.high:.2f} (n = {row.rounds}) "
                f"| {_target(row, unit)} | {end}"
            )
    return "\n".join(lines) + "\n"


def as_json(bench: Bench) -> str:
    """The same for programs."""
    return json.dumps(
        {
            "machine": bench.machine,
            "parts": [
                {
                    **{key: getattr(part, key) for key in ("command", "measured", "fault")},
                    "rows": [dataclasses.asdict(row) | {"met": row.met} for row in part.rows],
                }
                for part in bench.parts
            ],
        },
        indent=2,
    )


def from_json(text: str) -> Bench:
    """Read what `as_json` wrote.

    Raises:
        ValueError, KeyError, TypeError: it is something else.
    """
    found = json.loads(text)
    parts = []
    for part in found["parts"]:
        rows = [
            Row(**{key: value for key, value in row.items() if key != "met"})
            for row in part["rows"]
        ]
        parts.append(Part(part["command"], part["measured"], tuple(rows), part["fault"]))
    return Bench(found["machine"], tuple(parts))


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
