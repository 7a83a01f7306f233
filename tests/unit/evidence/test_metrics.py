import csv
import statistics

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seatrial.evidence.metrics import metrics_csv, spread_of, summarise

seconds = st.floats(min_value=0, max_value=1e6)


@pytest.mark.parametrize(
    ("samples", "budget", "status"),
    [
        ([3.0, 1.0, 2.0], 2.0, "met"),
        ([3.0, 1.0, 2.1], 2.0, "not met"),
        ([1.0], None, "no budget"),
        ([], 2.0, "not measured"),
        ([], None, "not measured"),
    ],
)
def test_a_median_is_held_against_the_budget(
    samples: list[float], budget: float | None, status: str
) -> None:
    metric = summarise("warm.test", samples, "s", budget=budget)
    assert (metric.status, metric.n, metric.budget) == (status, len(samples), budget)
    assert metric.value == (statistics.median(samples) if samples else None)


@pytest.mark.parametrize(
    ("samples", "spread"),
    [
        ([], (None, None)),
        ([4.0], (None, None)),
        ([4.0, 1.0, 2.0], (3.0, "range")),
        ([1.0, 2.0, 3.0, 100.0], (25.5, "interquartile range")),
        ([1.0, 2.0, 3.0, 4.0, 100.0], (2.0, "interquartile range")),
    ],
)
def test_few_runs_have_a_range_and_more_have_quartiles(
    samples: list[float], spread: tuple[float | None, str | None]
) -> None:
    assert spread_of(samples) == spread


@given(st.lists(seconds, min_size=2, max_size=20))
def test_the_spread_is_never_more_than_the_range_and_knows_no_order(samples: list[float]) -> None:
    spread, _ = spread_of(samples)
    assert spread is not None
    assert 0 <= spread <= max(samples) - min(samples) + 1e-9
    assert spread == spread_of(samples[::-1])[0]


def test_the_table_has_a_row_for_each_figure_and_leaves_empty_what_is_not_there() -> None:
    text = metrics_csv(
        [
            summarise("warm.test", [1.0, 2.0], "s", budget=90.0),
            summarise("cold.build", [], "s", budget=2.5),
            summarise("quick,2.tests", [7.0], "tests"),
        ]
    )
    assert list(csv.reader(text.splitlines())) == [
        ["metric", "value", "unit", "budget", "status", "n", "spread"],
        ["warm.test", "1.500", "s", "90", "met", "2", "1.000"],
        ["cold.build", "", "s", "2.5", "not measured", "0", ""],
        ["quick,2.tests", "7.000", "tests", "", "no budget", "1", ""],
    ]
