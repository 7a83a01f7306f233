"""Figures of repeated runs: their middle, their spread, and whether a budget was kept."""

import csv
import io
import statistics
from collections.abc import Iterable, Sequence
from typing import Literal

from pydantic import NonNegativeInt

from seatrial.evidence.model import Model

__all__ = ["MIN_QUARTILES", "Metric", "metrics_csv", "spread_of", "summarise"]

MIN_QUARTILES = 4
"""Fewer values have no quartiles of their own: they would be points between the extremes. Below
that the spread is the largest less the smallest."""

MetricStatus = Literal["met", "not met", "no budget", "not measured"]
SpreadKind = Literal["interquartile range", "range"]


class Metric(Model):
    """One figure of one scenario."""

    metric: str
    """`SCENARIO.FIGURE`, e.g. `warm.test`."""
    value: float | None
    """The median; None: not measured."""
    unit: str
    budget: float | None = None
    status: MetricStatus
    """`not measured` where there is no value, budget or not: that is never `met`."""
    n: NonNegativeInt
    """How many runs it is of."""
    spread: float | None = None
    """In the same unit; None for fewer than two values."""
    spread_kind: SpreadKind | None = None
    samples: tuple[float, ...] = ()
    """In the order of the runs."""


def summarise(
    metric: str, samples: Sequence[float], unit: str, *, budget: float | None = None
) -> Metric:
    """The median and the spread of what was measured, held against a budget that is a maximum."""
    spread, kind = spread_of(samples)
    value = statistics.median(samples) if samples else None
    status: MetricStatus = "no budget"
    if value is None:
        status = "not measured"
    elif budget is not None:
        status = "met" if value <= budget else "not met"
    return Metric(
        metric=metric,
        value=value,
        unit=unit,
        budget=budget,
        status=status,
        n=len(samples),
        spread=spread,
        spread_kind=kind,
        samples=tuple(samples),
    )


def spread_of(samples: Sequence[float]) -> tuple[float | None, SpreadKind | None]:
    """The interquartile range, by the inclusive method since the runs are all there are."""
    if len(samples) >= MIN_QUARTILES:
        first, _, third = statistics.quantiles(samples, n=4, method="inclusive")
        return third - first, "interquartile range"
    if len(samples) >= 2:
        return max(samples) - min(samples), "range"
    return None, None


def metrics_csv(metrics: Iterable[Metric]) -> str:
    """A row for each figure; what is not there is an empty field."""
    text = io.StringIO()
    rows = csv.writer(text, lineterminator="\n")
    rows.writerow(["metric", "value", "unit", "budget", "status", "n", "spread"])
    for one in metrics:
        budget = "" if one.budget is None else f"{one.budget:g}"
        numbers = ["" if number is None else f"{number:.3f}" for number in (one.value, one.spread)]
        rows.writerow([one.metric, numbers[0], one.unit, budget, one.status, one.n, numbers[1]])
    return text.getvalue()
