"""Runs a project's trials again and again, in scenarios that take turns, and sums them up.

The trials run in this process, one after the other, each with an event loop and a reaper of its
own, as `seatrial run` has them: so `kill -9` of the bench leaves nothing behind either. Of a trial
only its record is kept. How far it is stands in `.seatrial`, not beside the report: a file that
changes between two builds would be in the context of many projects and spoil the cache.
"""

import asyncio
import hashlib
import json
import statistics
from collections.abc import Callable, Coroutine, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Protocol

from pydantic import ValidationError

from seatrial import __version__
from seatrial.errors import SeatrialError, UsageFault
from seatrial.evidence.analysis import analyse, read_times, speed_ups, typical_of
from seatrial.evidence.bench import BenchPlan, BenchReport, BenchRun, BenchState, Scenario
from seatrial.evidence.budgets import cpu_share, memory_peaks
from seatrial.evidence.commit import read_commit
from seatrial.evidence.folder import RunFolder, file_fault, read_record
from seatrial.evidence.metrics import Metric, summarise
from seatrial.evidence.record import PhaseName, Record, Status
from seatrial.selection.changes import snapshot
from seatrial.settings import Budgets, LoadedSettings, load_settings
from seatrial.stack.files import find_compose_files
from seatrial.trial.launch import launch
from seatrial.trial.observer import Observer
from seatrial.trial.planning import Surroundings, plan_only

__all__ = [
    "Bench",
    "BenchDisplay",
    "BenchOutcome",
    "make_report",
    "make_scenarios",
    "plan_bench",
    "read_state",
    "run_bench",
]

_FOLDER = Path(".seatrial", "bench")
_STATE = "state.json"
_NO_CACHE = "no-cache.compose.json"
_MIB = 1 << 20


Launcher = Callable[..., Coroutine[Any, Any, tuple[Record, RunFolder]]]
"""Called as `launch` is."""


class BenchDisplay(Protocol):
    """Shows how far a bench is."""

    def run_begins(self, number: int, total: int, scenario: Scenario, left_s: float | None) -> None:
        """A trial begins; `left_s` is what is left, this one included, by those that are done."""

    def trial(self) -> AbstractContextManager[Observer]:
        """The display of a trial while it runs."""

    def run_ended(self, run: BenchRun, record: Record) -> None:
        """It is over."""


@dataclass(frozen=True)
class Bench:
    """What is benched, and how."""

    project: Path
    overrides: Mapping[str, Any]
    """Settings from the command line."""
    loaded: LoadedSettings
    plan: BenchPlan


@dataclass(frozen=True)
class BenchOutcome:
    """How far it came."""

    state: BenchState
    stopped_by: Record | None
    """The trial that did not pass or was interrupted; None: all were run."""


def make_scenarios(workers: Sequence[int], *, cold: bool, quick: bool) -> tuple[Scenario, ...]:
    """The matrix: a cold build, then all tests and a quick choice with each number of workers."""
    found = [Scenario(name="cold", cold=True, workers=workers[0])] if cold else []
    for kind in ["warm", *(["quick"] if quick else [])]:
        for count in dict.fromkeys(workers):
            name = kind if count == 1 else f"{kind}-{count}-workers"
            found.append(Scenario(name=name, quick=kind == "quick", workers=count))
    return tuple(found)


def plan_bench(
    project: Path,
    overrides: Mapping[str, Any],
    *,
    arguments: Sequence[str],
    scenarios: Sequence[Scenario],
    quick: str | None,
    repeats: int,
) -> Bench:
    """Say what is to be run.

    Raises:
        UsageFault: a setting is wrong.
    """
    loaded = load_settings(project, overrides)
    dump = json.dumps(loaded.settings.model_dump(mode="json"), sort_keys=True)
    plan = BenchPlan(
        seatrial=__version__,
        commit=read_commit(project),
        tree=_tree(project),
        settings=hashlib.sha256(dump.encode()).hexdigest(),
        arguments=tuple(arguments),
        quick=quick,
        repeats=repeats,
        scenarios=tuple(scenarios),
    )
    return Bench(project, overrides, loaded, plan)


def read_state(bench: Bench) -> BenchState | None:
    """An unfinished bench of the same plan; runs whose records are gone are left out."""
    try:
        text = (bench.project / _FOLDER / _STATE).read_bytes()
        state = BenchState.model_validate_json(text)
    except (OSError, ValidationError):
        return None
    if state.finished or state.plan != bench.plan:
        return None
    kept = tuple(run for run in state.runs if _record(bench.project, run) is not None)
    return state.model_copy(update={"runs": kept})


def run_bench(
    bench: Bench,
    state: BenchState | None,
    surroundings: Surroundings,
    display: BenchDisplay,
    *,
    keep_going: bool = False,
    launcher: Launcher = launch,
) -> BenchOutcome:
    """Run what is not done yet, each trial by `launcher`; the state is written after each.

    A trial that did not pass ends the bench, unless it is told to keep going; being interrupted
    always does.

    Raises:
        UsageFault, EnvironmentFault: a trial could not begin, the project's files are no longer
            those that were planned for, or the state cannot be written.
    """
    state = state or BenchState(started=surroundings.wall_clock(), plan=bench.plan)
    loaded = _load(bench, surroundings)
    rounds = bench.plan.rounds()
    while waiting := [one for one in rounds if one not in _done(state, bench.plan)]:
        number, scenario = waiting[0]
        if _tree(bench.project) != bench.plan.tree:
            raise UsageFault(
                "the project's files changed since the bench began, so its runs would be of "
                "different trees",
                where=str(bench.project),
                next_step="bench again: it goes on with the files as they were, else starts over",
            )
        display.run_begins(
            len(rounds) - len(waiting) + 1,
            len(rounds),
            scenario,
            _left(state.runs, [one for _, one in waiting]),
        )
        began = surroundings.clock()
        with display.trial() as observer:
            record = _trial(launcher, bench, scenario, loaded[scenario], surroundings, observer)
        # What an earlier build left in the cache is not known, so the first one only fills it.
        fills = not state.runs and not scenario.cold and _was_built(record)
        run = BenchRun(
            scenario=scenario.name,
            round=0 if fills else number,
            trial=record.id,
            status=record.status,
            seconds=surroundings.clock() - began,
        )
        failed = record.status not in {Status.PASSED, Status.OVER_BUDGET}
        if not failed or (keep_going and record.status is not Status.INTERRUPTED):
            state = state.model_copy(update={"runs": (*state.runs, run)})
            _write_state(bench, state)
        display.run_ended(run, record)
        if failed and not (keep_going and record.status is not Status.INTERRUPTED):
            return BenchOutcome(state, record)
    state = state.model_copy(update={"finished": True})
    _write_state(bench, state)
    return BenchOutcome(state, None)


def make_report(bench: Bench, state: BenchState) -> BenchReport:
    """Sum up the runs that count.

    Raises:
        UsageFault: there is none that passed.
    """
    rounds: dict[str, dict[int, Record]] = {one.name: {} for one in bench.plan.scenarios}
    failed = 0
    for run in state.runs:
        record = _record(bench.project, run)
        if run.round and record is not None:
            if record.status in {Status.PASSED, Status.OVER_BUDGET}:
                rounds[run.scenario][run.round] = record
            else:
                failed += 1
    records = {name: list(found.values()) for name, found in rounds.items()}
    main = next((s for s in bench.plan.scenarios if not s.cold and records[s.name]), None)
    if main is None:
        raise UsageFault(
            "no trial of the bench passed, so there is nothing to sum up",
            where=str(bench.project),
            next_step="seatrial run tells why; then bench again",
        )
    base = rounds[main.name]
    pairs = {
        scenario: [(base[n], record) for n, record in rounds[scenario.name].items() if n in base]
        for scenario in bench.plan.scenarios
        if not scenario.cold and scenario.quick == main.quick and scenario != main
    }
    typical = typical_of(records[main.name])
    results = typical.pytest.tests if typical.pytest else None
    times = read_times(_trial_folder(bench.project, typical) / results) if results else None
    findings = analyse(
        records,
        main=main.name,
        cold=next((s.name for s in bench.plan.scenarios if s.cold), None),
        by_workers={scenario.workers: found for scenario, found in pairs.items()},
        times=times,
    )
    return BenchReport(
        project=bench.project.name,
        started=state.started,
        plan=bench.plan,
        host=typical.host,
        runs=state.runs,
        metrics=tuple(_metrics(bench, records, pairs)),
        findings=findings,
        slowest_tests=times.slowest if times else (),
        typical=typical.id,
        notes=tuple(_notes(bench.plan, records, failed)),
    )


def _tree(project: Path) -> str:
    states = snapshot(project).items()
    told = [(name, state.sha256, state.executable) for name, state in sorted(states)]
    return hashlib.sha256(json.dumps(told).encode()).hexdigest()


def _load(bench: Bench, surroundings: Surroundings) -> dict[Scenario, LoadedSettings]:
    """Each scenario's settings.

    Raises:
        UsageFault, EnvironmentFault: the project cannot be planned, or has nothing to build.
    """
    loaded = {
        scenario: load_settings(bench.project, {**bench.overrides, "workers": scenario.workers})
        for scenario in bench.plan.scenarios
    }
    cold = [scenario for scenario in bench.plan.scenarios if scenario.cold]
    if cold:
        files = _without_cache(bench, surroundings)
        for scenario in cold:
            settings = loaded[scenario].settings.model_copy(update={"compose_files": files})
            loaded[scenario] = replace(loaded[scenario], settings=settings)
    return loaded


def _without_cache(bench: Bench, surroundings: Surroundings) -> tuple[str, ...]:
    """Compose files that build without the cache what the project's own build.

    `build.no_cache` does for each service what `docker compose build --no-cache` does: what is in
    the cache stays there, for everybody else.
    """
    plan = asyncio.run(plan_only(bench.project, bench.loaded, bench.plan.arguments, surroundings))
    built = [name for name, service in plan.services.items() if service.built]
    if not built:
        raise UsageFault(
            "nothing of this project is built, so there is no cold build",
            where=", ".join(str(file) for file in plan.files),
            next_step="leave out --cold",
        )
    place = bench.project / _FOLDER / _NO_CACHE
    form = {"services": {name: {"build": {"no_cache": True}} for name in built}}
    _write(place, json.dumps(form) + "\n")
    found = find_compose_files(bench.project, bench.loaded.settings.compose_files)
    return (*(str(file) for file in found), str(place))


def _trial(
    launcher: Launcher,
    bench: Bench,
    scenario: Scenario,
    loaded: LoadedSettings,
    surroundings: Surroundings,
    observer: Observer,
) -> Record:
    chosen = ("-m", bench.plan.quick) if scenario.quick and bench.plan.quick else ()
    record, _ = asyncio.run(
        launcher(
            bench.project,
            loaded,
            (*bench.plan.arguments, *chosen),
            surroundings,
            announce=lambda *_: observer,
            fresh=True,
        )
    )
    return record


def _was_built(record: Record) -> bool:
    return record.build is not None and record.build.state != "warm"


def _done(state: BenchState, plan: BenchPlan) -> list[tuple[int, Scenario]]:
    by_name = {scenario.name: scenario for scenario in plan.scenarios}
    return [(run.round, by_name[run.scenario]) for run in state.runs]


def _left(runs: Sequence[BenchRun], waiting: Iterable[Scenario]) -> float | None:
    """Seconds, by the mean of the same scenario's runs, or of all where it has none."""
    if not runs:
        return None
    overall = statistics.mean(run.seconds for run in runs)
    total = 0.0
    for scenario in waiting:
        own = [run.seconds for run in runs if run.scenario == scenario.name and run.round]
        total += statistics.mean(own) if own else overall
    return total


def _record(project: Path, run: BenchRun) -> Record | None:
    try:
        return read_record(project, run.trial)[0]
    except SeatrialError:
        return None


def _trial_folder(project: Path, record: Record) -> Path:
    return read_record(project, record.id)[1].path


def _write_state(bench: Bench, state: BenchState) -> None:
    _write(bench.project / _FOLDER / _STATE, state.model_dump_json(indent=2) + "\n")


def _write(place: Path, text: str) -> None:
    """Write a file of ours whole or not at all.

    Raises:
        EnvironmentFault: it cannot be written.
    """
    draft = place.with_name(f"{place.name}.part")
    try:
        place.parent.mkdir(parents=True, exist_ok=True)
        draft.write_text(text, encoding="utf-8")
        draft.replace(place)
    except OSError as error:
        raise file_fault("the state of the bench", error, place) from error


def _metrics(
    bench: Bench,
    records: Mapping[str, Sequence[Record]],
    pairs: Mapping[Scenario, Sequence[tuple[Record, Record]]],
) -> Iterable[Metric]:
    for scenario in bench.plan.scenarios:
        own = records[scenario.name]
        # A budget is for all tests; that some of them are quicker says nothing.
        budgets = Budgets() if scenario.quick else bench.loaded.settings.budgets
        for figure, unit, read in _FIGURES:
            values = [value for record in own if (value := read(record)) is not None]
            if values or unit == "s" or _limit(budgets, figure) is not None:
                limit = _limit(budgets, figure)
                yield summarise(f"{scenario.name}.{figure}", values, unit, budget=limit)
        if ratios := speed_ups(pairs.get(scenario, ())):
            yield summarise(f"{scenario.name}.speed_up", ratios, "times")


def _limit(budgets: Budgets, figure: str) -> float | None:
    """In the unit of the figure."""
    if figure == "memory_peaks":
        return None if budgets.memory is None else budgets.memory / _MIB
    limit = getattr(budgets, figure, None)
    return 100 * limit if limit is not None and figure == "cpu" else limit


def _phase(name: PhaseName) -> Callable[[Record], float | None]:
    def read(record: Record) -> float | None:
        phase = record.phase(name)
        return phase.seconds if phase else None

    return read


def _cores(record: Record) -> float | None:
    means = [
        one.resources.cpu_mean
        for one in record.services
        if one.role == "test" and one.resources and one.resources.cpu_mean is not None
    ]
    return sum(means) if means else None


def _cpu(record: Record) -> float | None:
    share = cpu_share(record.services, record.phases, record.host.cores)
    return None if share is None else 100 * share


def _memory(record: Record) -> float | None:
    peaks = memory_peaks(record.services)
    return None if peaks is None else peaks / _MIB


def _cached(record: Record) -> float | None:
    if record.build is None or not record.build.total_steps:
        return None
    return 100 * record.build.cached_steps / record.build.total_steps


def _tests(record: Record) -> float | None:
    return record.pytest.counts.ran if record.pytest else None


def _unbalanced(record: Record) -> float | None:
    seconds = [one.seconds for one in record.split.workers if one.seconds] if record.split else []
    return max(seconds) / statistics.mean(seconds) if len(seconds) > 1 else None


_FIGURES: tuple[tuple[str, str, Callable[[Record], float | None]], ...] = (
    *((name.value, "s", _phase(name)) for name in PhaseName),
    ("total", "s", lambda record: record.seconds),
    ("tests", "tests", _tests),
    ("cached_steps", "%", _cached),
    ("test_cores", "cores", _cores),
    ("cpu", "%", _cpu),
    ("memory_peaks", "MiB", _memory),
    ("imbalance", "times", _unbalanced),
)
"""`test_cores`: cores that the test containers kept busy; `cpu`: what all containers used of what
the engine's cores had, from start-up to the last test; `memory_peaks`: of all containers, added
up; `imbalance`: the last worker's test phase, as a multiple of the workers' mean."""


def _notes(plan: BenchPlan, records: Mapping[str, Sequence[Record]], failed: int) -> Iterable[str]:
    if failed:
        yield f"{failed} of the runs did not pass and are in no figure."
    if plan.commit is None:
        yield "The project is not under version control: what was measured cannot be named."
    elif plan.commit.dirty:
        yield "Files differ from the commit, so the figures are not of the commit alone."
    warm = [r for s in plan.scenarios if not s.cold for r in records[s.name] if _was_built(r)]
    if warm:
        yield f"In {len(warm)} of the runs that should have built from the cache steps were run."
