"""Figures, and the table and chart that they are put into."""

import subprocess
from pathlib import Path

import pytest
from bench.__main__ import run_part
from bench.chart import draw
from bench.first_trial import CLEAN_AT_MOST, compare
from bench.plain import PlainRun
from bench.table import Bench, Part, Row, absolute, as_json, as_markdown, from_json, ratio
from bench.trials import TrialRun
from hypothesis import given
from hypothesis import strategies as st

FAST = ratio("start-up", "`up --wait`", [1.0, 3.0, 2.0], [10.0, 10.0, 10.0], 0.35)
SLOW = ratio("clean-up", "`down -v`", [6.0, 5.0], [10.0, 10.0], 0.4)
MEMORY = absolute("memory", [58.0], 150.0, unit="MB")
TOLD = absolute("coverage's reports", [1.0, 2.0], None)

SECONDS = st.floats(0.01, 1_000)


def bench(*parts: Part) -> Bench:
    return Bench("two cores", parts)


def part(*rows: Row, fault: str = "") -> Part:
    return Part("python -m bench start", "2026-11-26 12:00", rows, fault)


def test_a_ratio_is_the_median_of_rounds_and_not_of_each_side() -> None:
    row = ratio("a", "b", [1.0, 10.0, 2.0], [1.0, 100.0, 1.0], 0.5)

    assert (row.value, row.low, row.high, row.rounds) == (1.0, 0.1, 2.0, 3)
    assert not row.met


def test_each_of_ours_needs_one_of_theirs() -> None:
    with pytest.raises(ValueError, match="shorter"):
        ratio("a", "b", [1.0, 2.0], [1.0], 0.5)


@given(st.lists(st.tuples(SECONDS, SECONDS), min_size=1, max_size=9), SECONDS)
def test_a_median_is_within_its_range_and_a_target_is_met_up_to_its_figure(
    rounds: list[tuple[float, float]], limit: float
) -> None:
    row = ratio("a", "b", [a for a, _ in rounds], [b for _, b in rounds], limit)

    assert row.low <= row.value <= row.high
    assert row.met == (row.value <= limit)


def test_one_table_has_all_parts_with_machine_command_and_time() -> None:
    table = as_markdown(bench(part(FAST, SLOW), part(MEMORY, TOLD)))

    assert table.startswith("Machine: two cores.\n")
    end = "| `python -m bench start` | 2026-11-26 12:00 |"
    assert table.splitlines()[4:] == [
        f"| start-up | `up --wait` | 0.20 | 0.10 to 0.30 (n = 3) | 0.35 | yes {end}",
        f"| clean-up | `down -v` | 0.55 | 0.50 to 0.60 (n = 2) | 0.4 | NO {end}",
        f"| memory | - | 58.00 MB | 58.00 to 58.00 (n = 1) | 150 MB | yes {end}",
        f"| coverage's reports | - | 1.50 s | 1.00 to 2.00 (n = 2) | - | - {end}",
    ]


def test_what_is_written_for_programs_can_be_read_again() -> None:
    whole = bench(part(FAST, TOLD), part(fault="RuntimeError: no engine"))

    assert from_json(as_json(whole)) == whole


def test_a_bench_is_met_only_if_all_of_it_was_measured_and_is() -> None:
    assert bench(part(FAST), part(TOLD)).met
    assert not bench(part(FAST, SLOW)).met
    assert not bench(part(FAST), part(fault="no engine")).met
    assert "not measured: no engine" in as_markdown(bench(part(fault="no engine")))


def test_a_part_that_fails_is_told_and_raises_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    def broken() -> list[Row]:
        raise subprocess.CalledProcessError(3, ["docker"], stderr=b"no | engine")

    failed = run_part("python -m bench speed", broken)

    assert failed.rows == ()
    assert "exit status 3" in failed.fault
    assert "no | engine" in capsys.readouterr().err
    assert run_part("python -m bench speed", lambda: [FAST]).rows == (FAST,)


def test_the_chart_shows_ratios_and_no_other_figures(tmp_path: Path) -> None:
    draw([FAST, SLOW, MEMORY], tmp_path / "bench.svg")
    draw([MEMORY], tmp_path / "none.svg")

    drawn = (tmp_path / "bench.svg").read_text(encoding="utf-8")
    assert "start-up / `up --wait`" in drawn
    assert "not reached" in drawn
    assert "memory" not in drawn
    assert not (tmp_path / "none.svg").exists()


def test_clean_up_has_the_same_limit_with_one_worker_and_with_two() -> None:
    trial = TrialRun(wall=20, start=2, clean=1, overhead=1, coverage=1, test=10)
    plain = PlainRun(1, 10, 10, 4)

    rows = {row.what: row for row in compare([plain], [trial], [0.1])}

    assert (rows["clean-up"].value, rows["clean-up"].at_most) == (0.25, CLEAN_AT_MOST)
    assert CLEAN_AT_MOST == 0.4
