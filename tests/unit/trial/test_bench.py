import contextlib
import subprocess
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from seatrial.errors import UsageFault
from seatrial.evidence.bench import BenchRun, Scenario
from seatrial.evidence.build import BuildStep, sum_up
from seatrial.evidence.folder import RunFolder, new_run_folder, write_record
from seatrial.evidence.record import Phase, PhaseName, Record, Status
from seatrial.settings import LoadedSettings
from seatrial.trial.bench import (
    Bench,
    BenchOutcome,
    make_report,
    make_scenarios,
    plan_bench,
    read_state,
    run_bench,
)
from seatrial.trial.observer import Observer, SilentObserver
from seatrial.trial.planning import Surroundings
from unit.factories import make_record, make_resources, make_service

WARM, MIXED = "warm", "mixed"


@dataclass
class Display:
    """Remembers what it was told."""

    begun: list[tuple[int, int, str, float | None]] = field(default_factory=list)
    ended: list[BenchRun] = field(default_factory=list)

    def run_begins(self, number: int, total: int, scenario: Scenario, left_s: float | None) -> None:
        self.begun.append((number, total, scenario.name, left_s))

    @contextlib.contextmanager
    def trial(self) -> Iterator[Observer]:
        yield SilentObserver()

    def run_ended(self, run: BenchRun, record: Record) -> None:
        self.ended.append(run)


@dataclass
class Project:
    """A project whose trials end as they are told, each a second longer than the one before."""

    folder: Path
    endings: list[Status] = field(default_factory=list)
    """Of the first trials; the others pass."""
    builds: list[str] = field(default_factory=lambda: [WARM])
    """Of the first trials; the others are as the last of these."""
    asked: list[tuple[int | str, tuple[str, ...]]] = field(default_factory=list)
    now: float = 0.0

    def plan(self, repeats: int = 2, **values: Any) -> Bench:
        scenarios = make_scenarios(
            values.pop("workers", [1]), cold=False, quick=values.get("quick") is not None
        )
        defaults: dict[str, Any] = {"arguments": (), "quick": None, "overrides": {}}
        return plan_bench(self.folder, scenarios=scenarios, repeats=repeats, **(defaults | values))

    async def launch(
        self,
        project: Path,
        loaded: LoadedSettings,
        arguments: Sequence[str],
        surroundings: Surroundings,
        *,
        announce: object,
        fresh: bool,
    ) -> tuple[Record, RunFolder]:
        assert fresh, "a bench measures anew"
        number = len(self.asked)
        self.asked.append((loaded.settings.workers, tuple(arguments)))
        self.now += 10.0 + number
        status = self.endings[number] if number < len(self.endings) else Status.PASSED
        cached = self.builds[min(number, len(self.builds) - 1)] == WARM
        step = BuildStep(services=("t",), stage="", instruction="RUN a", cached=cached, seconds=1)
        record = make_record(
            id=f"trial-{number:03}",
            seconds=10.0 + number,
            status=status,
            exit_code=int(status is not Status.PASSED),
            build=sum_up([step], None),
            phases=(
                Phase(name=PhaseName.START, start=0, seconds=0, completed=True),
                Phase(name=PhaseName.TEST, start=0, seconds=5.0 + number, completed=True),
            ),
            services=(
                make_service(resources=make_resources(64 << 20)),
                make_service("test", role="test", resources=make_resources(36 << 20)),
            ),
        )
        folder = new_run_folder(project, record.id)
        write_record(folder, record)
        return record, folder

    def run(self, bench: Bench, display: Display | None = None, **options: Any) -> BenchOutcome:
        surroundings = Surroundings(
            environ={},
            home=self.folder,
            wall_clock=lambda: datetime(2026, 1, 1, tzinfo=UTC),
            token=lambda: "t",
            clock=lambda: self.now,
        )
        return run_bench(
            bench,
            options.pop("state", None),
            surroundings,
            display or Display(),
            launcher=options.pop("launcher", self.launch),
            **options,
        )


@pytest.fixture
def shop(tmp_path: Path) -> Project:
    return Project(tmp_path)


def test_the_matrix_has_a_cold_build_and_each_number_of_workers() -> None:
    scenarios = make_scenarios([1, 2, 2], cold=True, quick=True)
    assert [(one.name, one.cold, one.quick, one.workers) for one in scenarios] == [
        ("cold", True, False, 1),
        ("warm", False, False, 1),
        ("warm-2-workers", False, False, 2),
        ("quick", False, True, 1),
        ("quick-2-workers", False, True, 2),
    ]


def test_scenarios_take_turns_and_each_is_asked_for_with_its_workers_and_tests(
    shop: Project,
) -> None:
    display = Display()
    outcome = shop.run(shop.plan(workers=[1, 2], quick="fast", arguments=("-x",)), display)
    once = [(1, ("-x",)), (2, ("-x",)), (1, ("-x", "-m", "fast")), (2, ("-x", "-m", "fast"))]
    assert shop.asked == once * 2
    assert outcome.stopped_by is None
    assert [(run.round, run.scenario) for run in outcome.state.runs][3:5] == [
        (1, "quick-2-workers"),
        (2, "warm"),
    ]


def test_which_run_it_is_and_the_time_left_are_told(shop: Project) -> None:
    display = Display()
    shop.run(shop.plan(repeats=2, workers=[1, 2]), display)
    assert display.begun == [
        (1, 4, "warm", None),
        (2, 4, "warm-2-workers", pytest.approx(10 * 3)),
        (3, 4, "warm", pytest.approx(10 + 11)),
        (4, 4, "warm-2-workers", pytest.approx(11)),
    ]


def test_the_run_that_fills_the_build_cache_does_not_count(shop: Project) -> None:
    shop.builds = [MIXED, WARM]
    bench, display = shop.plan(repeats=2), Display()
    outcome = shop.run(bench, display)
    assert [run.round for run in outcome.state.runs] == [0, 1, 2]
    assert display.begun[-1][:3] == (2, 2, "warm")
    assert display.begun[-1][3] == pytest.approx(11)
    report = make_report(bench, outcome.state)
    total = next(one for one in report.metrics if one.metric == "warm.total")
    assert (total.samples, total.n) == ((11.0, 12.0), 2)
    assert not report.notes or "steps were run" not in " ".join(report.notes)


def test_only_the_first_run_is_excused_for_building(shop: Project) -> None:
    shop.builds = [MIXED]
    bench = shop.plan(repeats=2)
    outcome = shop.run(bench)
    assert [run.round for run in outcome.state.runs] == [0, 1, 2]
    assert "In 2 of the runs" in " ".join(make_report(bench, outcome.state).notes)


def test_a_trial_that_does_not_pass_ends_the_bench_and_the_same_command_goes_on(
    shop: Project,
) -> None:
    shop.endings = [Status.PASSED, Status.FAILED]
    first = shop.run(shop.plan(repeats=3))
    assert first.stopped_by is not None
    assert first.stopped_by.id == "trial-001"

    bench = shop.plan(repeats=3)
    state = read_state(bench)
    assert state is not None
    second = shop.run(bench, state=state)

    assert second.stopped_by is None
    assert [run.trial for run in second.state.runs] == ["trial-000", "trial-002", "trial-003"]
    assert read_state(bench) is None, "what is finished is not gone on with"


def test_a_failed_trial_is_in_no_figure_if_the_bench_is_to_keep_going(shop: Project) -> None:
    shop.endings = [Status.PASSED, Status.FAILED, Status.OVER_BUDGET]
    bench = shop.plan(repeats=3)
    outcome = shop.run(bench, keep_going=True)
    report = make_report(bench, outcome.state)
    assert [run.status for run in report.runs] == shop.endings
    total = next(one for one in report.metrics if one.metric == "warm.total")
    assert total.samples == (10.0, 12.0)
    assert "1 of the runs did not pass" in " ".join(report.notes)


def test_an_interrupted_trial_ends_even_a_bench_that_keeps_going(shop: Project) -> None:
    shop.endings = [Status.INTERRUPTED]
    outcome = shop.run(shop.plan(), keep_going=True)
    assert outcome.stopped_by is not None
    assert outcome.state.runs == ()


@pytest.mark.parametrize(
    "change",
    [{"repeats": 4}, {"workers": [1, 2]}, {"arguments": ("-x",)}, {"overrides": {"retries": 1}}],
)
def test_what_was_measured_under_another_plan_is_not_gone_on_with(
    shop: Project, change: dict[str, Any]
) -> None:
    shop.endings = [Status.PASSED, Status.FAILED]
    shop.run(shop.plan(repeats=3))
    assert read_state(shop.plan(repeats=3)) is not None
    assert read_state(shop.plan(**{"repeats": 3, **change})) is None


@pytest.mark.parametrize("git", [True, False])
def test_what_was_measured_of_other_files_is_not_gone_on_with(shop: Project, git: bool) -> None:
    if git:
        subprocess.run(["git", "init", "--quiet", str(shop.folder)], check=True)
    source = shop.folder / "a.py"
    source.write_text("1")
    shop.endings = [Status.PASSED, Status.FAILED]
    shop.run(shop.plan())
    source.write_text("2")
    assert read_state(shop.plan()) is None
    source.write_text("1")
    assert read_state(shop.plan()) is not None


def test_files_that_change_between_two_runs_end_the_bench(shop: Project) -> None:
    bench = shop.plan()
    launch = shop.launch

    async def launch_and_edit(*arguments: Any, **options: Any) -> tuple[Record, RunFolder]:
        (shop.folder / "a.py").write_text("2")
        return await launch(*arguments, **options)

    with pytest.raises(UsageFault, match="files changed since the bench began"):
        shop.run(bench, launcher=launch_and_edit)
    assert len(shop.asked) == 1


def test_a_run_whose_record_is_gone_is_run_again(shop: Project) -> None:
    shop.endings = [Status.PASSED, Status.PASSED, Status.FAILED]
    bench = shop.plan(repeats=3)
    shop.run(bench)
    (shop.folder / ".seatrial/runs/trial-000/record.json").unlink()
    state = read_state(bench)
    assert state is not None
    assert [run.trial for run in state.runs] == ["trial-001"]


def test_a_state_that_cannot_be_read_starts_over(shop: Project) -> None:
    shop.endings = [Status.PASSED, Status.FAILED]
    bench = shop.plan()
    shop.run(bench)
    (shop.folder / ".seatrial/bench/state.json").write_text("{")
    assert read_state(bench) is None


def test_budgets_are_for_all_tests_and_a_median_is_judged_by_them(shop: Project) -> None:
    (shop.folder / "seatrial.toml").write_text("[budgets]\ntest = 6.0\nbuild = 1.0\ntotal = 10.5\n")
    bench = shop.plan(repeats=1, quick="fast")
    report = make_report(bench, shop.run(bench).state)
    judged = {one.metric: one.status for one in report.metrics if one.budget is not None}
    assert judged == {"warm.test": "met", "warm.build": "not measured", "warm.total": "met"}
    assert {"quick.test": "no budget"}.items() <= {
        o.metric: o.status for o in report.metrics
    }.items()


def test_budgets_for_memory_and_cpu_are_in_the_units_of_their_figures(shop: Project) -> None:
    (shop.folder / "seatrial.toml").write_text('[budgets]\nmemory = "99 MiB"\ncpu = 0.3\n')
    bench = shop.plan(repeats=1)
    report = make_report(bench, shop.run(bench).state)
    judged = {
        one.metric: (one.value, one.unit, one.budget, one.status)
        for one in report.metrics
        if one.budget is not None
    }
    assert judged == {
        "warm.memory_peaks": (100, "MiB", 99, "not met"),
        "warm.cpu": (20, "%", 30, "met"),  # 2 of twice 5 seconds
    }


def test_the_speed_up_of_workers_is_that_of_the_test_phase(shop: Project) -> None:
    bench = shop.plan(repeats=1, workers=[1, 2])
    report = make_report(bench, shop.run(bench).state)
    (speed,) = [one for one in report.metrics if one.metric.endswith("speed_up")]
    assert speed.metric == "warm-2-workers.speed_up"
    assert speed.value == pytest.approx(5 / 6)


def test_a_bench_in_which_nothing_passed_has_no_report(shop: Project) -> None:
    shop.endings = [Status.FAILED] * 2
    bench = shop.plan()
    outcome = shop.run(bench, keep_going=True)
    with pytest.raises(UsageFault, match="no trial of the bench passed"):
        make_report(bench, outcome.state)
