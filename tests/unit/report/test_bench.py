import csv
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from seatrial.evidence.bench import BenchPlan, BenchReport, BenchRun, Finding, Scenario
from seatrial.evidence.metrics import summarise
from seatrial.evidence.record import Status
from seatrial.report.bench import BenchProgress, bench_markdown, print_bench, write_bench
from unit.factories import make_record
from unit.report.screen import Screen

WARM = Scenario(name="warm")


def make_report(**values: Any) -> BenchReport:
    """Of one scenario; its test phase is over the budget."""
    plan = BenchPlan(
        seatrial="0.1.0",
        commit=None,
        tree="1" * 64,
        settings="0" * 64,
        arguments=(),
        quick=values.pop("quick", None),
        repeats=values.pop("repeats", 3),
        scenarios=values.pop("scenarios", (WARM,)),
    )
    defaults: dict[str, Any] = {
        "project": "shop_*",
        "started": datetime(2026, 1, 2, 3, 4, tzinfo=UTC),
        "plan": plan,
        "host": make_record().host,
        "runs": (BenchRun(scenario="warm", round=1, trial="t-1", status=Status.PASSED, seconds=9),),
        "metrics": (
            summarise("warm.test", [5.0, 7.0, 6.0], "s", budget=5.5),
            summarise("warm.total", [9.0, 9.5, 9.2], "s", budget=60),
            summarise("warm.tests", [12.0], "tests"),
        ),
        "findings": (
            Finding(about="phases", sentence="Of 9.2 s (x): test 6.0 s."),
            Finding(about="workers", sentence="Two.", saves=3.0, measured=True, advice="use two"),
            Finding(about="build", sentence="`RUN a_b` 1 s_2.", saves=1.0, advice="doctor"),
        ),
        "slowest_tests": (("test_a.py::test_b[`|x]", 1.5),),
        "typical": "t-1",
    }
    return BenchReport(**(defaults | values))


def test_the_terminal_shows_medians_budgets_and_what_helps() -> None:
    screen = Screen()
    print_bench(screen.out, make_report(notes=("a note",)), Path("/out"))
    lines = screen.lines
    words = [" ".join(line.split()) for line in lines]
    assert words[0] == "median of n build start test collect clean total"
    assert words[1] == "warm 3 - - 6.0 s - - 9.2 s"
    assert "     not met  warm.test: 6.0 s of 5.5 s" in lines
    assert "         met  warm.total: 9.2 s of 60 s" in lines
    assert "3.0 s: Two." in lines
    assert "At most 1.0 s: `RUN a_b` 1 s_2." in lines
    assert "note: a note" in lines
    assert lines[-1] == "report: /out/report.md"


def test_the_report_says_first_whether_the_budgets_are_met() -> None:
    page = bench_markdown(make_report())
    assert "**1 of 2 budgets not met**: `warm.test` 6.0 s of 5.5 s (not met)." in page
    assert page.index("not met") < page.index("## Medians")
    assert "| `warm` | 3 | - | - | 6.0 s ± 2.0 s | - | - | 9.2 s ± 0.50 s |" in page
    met = make_report(metrics=(summarise("warm.total", [9.0], "s", budget=60),))
    assert "**All 1 budget met.**" in bench_markdown(met)
    none = make_report(metrics=(summarise("warm.total", [9.0], "s"),))
    assert "**The project sets no budgets**" in bench_markdown(none)


def test_the_report_says_what_its_spread_is_and_when_it_is_wide() -> None:
    page = bench_markdown(make_report())
    assert "with fewer the largest less the smallest" in page
    assert "The spread of `warm.test` is over 25 % of the median" in page
    assert "One run has no spread" not in page
    assert "One run has no spread" in bench_markdown(make_report(repeats=1))


def test_the_report_says_how_the_scenarios_were_run() -> None:
    cold = Scenario(name="cold", cold=True)
    page = bench_markdown(
        make_report(
            scenarios=(cold, WARM),
            quick="not slow",
            metrics=(summarise("cold.total", [], "s"), summarise("warm.total", [1.0], "s")),
        )
    )
    assert "`docker compose build --no-cache`" in page
    assert "`-m 'not slow'`" in page
    assert "| `cold` | 0 |" in page


def test_names_from_outside_cannot_break_the_page() -> None:
    page = bench_markdown(make_report())
    assert "# Bench of shop\\_\\*" in page
    assert "| 1.5 s | `test_a.py::test_b['\\|x]` |" in page
    assert "`RUN a_b` 1 s\\_2." in page


def test_all_three_files_are_written_and_agree(tmp_path: Path) -> None:
    report = make_report()
    write_bench(report, tmp_path / "new")
    files = {path.name: path.read_text() for path in (tmp_path / "new").iterdir()}
    assert files.keys() == {"metrics.csv", "report.md", "report.json"}
    assert BenchReport.model_validate(json.loads(files["report.json"])) == report
    rows = list(csv.DictReader(files["metrics.csv"].splitlines()))
    assert [row["metric"] for row in rows] == [one.metric for one in report.metrics]
    assert files["report.md"] == bench_markdown(report)


def test_a_run_is_announced_with_the_time_left_and_its_end_is_told() -> None:
    screen = Screen()
    progress = BenchProgress(screen.out)
    progress.run_begins(2, 9, WARM, 125.0)
    with progress.trial() as observer:
        observer.noted("nothing of this is shown where there is no terminal")
    run = BenchRun(scenario="warm", round=0, trial="t", status=Status.PASSED, seconds=3)
    progress.run_ended(run, make_record())
    assert screen.lines[0] == "run 2 of 9  warm · about 2 min 05 s left"
    assert screen.lines[1].startswith("  ✓ 3 tests passed in 30.5 s  (build 1.5 s, start 1.5 s")
    assert screen.lines[1].endswith("it filled the build cache and does not count")
    assert len(screen.lines) == 2
