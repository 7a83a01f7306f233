"""The README's figures are those of the published bench."""

from pathlib import Path

import pytest
from bench.readme import PUBLISHED, put_into, savings
from bench.table import Bench, Part, Row, from_json, ratio

README = Path(__file__).parents[3] / "README.md"
PLACE = (
    "before\n<!-- savings: made by `python -m bench.readme` -->\n<!-- end of savings -->\nafter\n"
)


def test_the_readme_shows_what_the_published_bench_says() -> None:
    readme = README.read_text(encoding="utf-8")

    assert put_into(readme, savings(from_json(PUBLISHED.read_text(encoding="utf-8")))) == readme


def test_each_suite_has_a_column_and_what_was_not_measured_is_not_made_up() -> None:
    rows: list[Row] = [
        ratio("shop: nothing changed", "a full warm trial", [1.0, 2.0], [100.0, 100.0], 0.03),
        ratio("rq: nothing changed", "a full warm trial", [1.0], [50.0], 0.03),
        ratio(
            "shop: a full warm trial, 2 workers",
            "plain flow with `pytest -n 2` (3 tests fail there)",
            [1.0],
            [2.0],
            0.75,
        ),
        ratio("shop, 170 tests: the longest", "perfect split", [1.0], [1.0], 1.05),
    ]
    table = savings(
        Bench("two cores", (Part("python -m bench speed", "2026-11-26 9:00", (*rows,)),))
    )

    half, ours = "0.50 (0.50 to 0.50, n = 1)", "0.01 (0.01 to 0.02, n = 2)"
    theirs = "0.02 (0.02 to 0.02, n = 1)"
    assert "2026-11-26 on two cores." in table
    assert table.splitlines()[-4:] == [
        "| | instead of | the example | rq's own suite | pgqueuer's own suite |",
        "| --- | --- | --- | --- | --- |",
        f"| a full warm trial, 2 workers | plain flow with `pytest -n 2` | {half} | - | - |",
        f"| nothing changed | a full warm trial | {ours} | {theirs} | - |",
    ]


def test_of_several_changes_each_is_shown_with_what_was_changed() -> None:
    what, against = "after changing one leaf module", "a full warm trial"
    rows = [
        ratio(f"shop: {what}, {name}", against, [seconds], [100.0], 0.25)
        for name, seconds in (("sales.py", 31.0), ("stock.py", 42.0))
    ]
    table = savings(Bench("two cores", (Part("speed", "2026-11-26 9:00", (*rows,)),)))

    shown = [
        f"{v} ({v} to {v}, n = 1), {name}"
        for v, name in (("0.31", "sales.py"), ("0.42", "stock.py"))
    ]
    assert table.splitlines()[-1] == f"| {what} | {against} | {'<br>'.join(shown)} | - | - |"


def test_the_table_takes_the_place_of_the_one_before() -> None:
    once = put_into(PLACE, "| a |\n")

    assert put_into(once, "| b |\n") == once.replace("| a |", "| b |")
    assert once.startswith("before\n")
    assert once.endswith("after\n")


@pytest.mark.parametrize("readme", ["nothing", PLACE * 2, "\n".join(PLACE.splitlines()[::-1])])
def test_a_readme_without_one_place_for_it_is_left_alone(readme: str) -> None:
    with pytest.raises(ValueError, match="no place"):
        put_into(readme, "| a |\n")
