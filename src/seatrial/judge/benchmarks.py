"""What the judged trial took, beside its budget and beside what comparable trials took."""

import statistics
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

from pydantic import NonNegativeInt

from seatrial.evidence.budgets import cpu_share, memory_peaks
from seatrial.evidence.build import BuildState
from seatrial.evidence.model import Model
from seatrial.evidence.record import PhaseName, Record, Status
from seatrial.judge.dossier import Dossier, TrialEvidence
from seatrial.judge.model import Evidence

__all__ = ["Benchmark", "BenchmarkStatus", "Unit", "benchmarks", "comparable_trials"]

BenchmarkStatus = Literal["met", "not met", "no budget", "not measured"]
Unit = Literal["s", "bytes", "%"]
_MIXED = "build, partly from the cache"
_MEASURED = frozenset({Status.PASSED, Status.OVER_BUDGET})


class Benchmark(Model):
    """One metric of the judged trial."""

    metric: str
    result: float | None
    """Of the judged trial; None: it did not measure it."""
    unit: Unit
    budget: float | None = None
    """None: the project sets none."""
    at_least: bool = False
    """True: the budget is the least; else the most."""
    n: NonNegativeInt
    """Comparable trials that measured it, the judged one included."""
    median: float | None = None
    least: float | None = None
    most: float | None = None
    status: BenchmarkStatus
    """`met` only if the judged trial and the median of the comparable ones keep the budget."""
    evidence: tuple[Evidence, ...] = ()


@dataclass(frozen=True)
class _Metric:
    name: str
    unit: Unit
    read: Callable[[Record], tuple[float, str] | None]
    """The value and its place in the record; None: not measured."""
    budget: Callable[[Dossier], float | None]
    at_least: bool = False


def comparable_trials(dossier: Dossier) -> tuple[TrialEvidence, ...]:
    """The trials whose figures can stand beside the judged one's, that one first.

    Of whatever commit, but with intact records, by the same command and arguments, of all tests or
    like the judged one of a part, with as many workers, on a machine with as many cores, as much
    memory, the same architecture and storage driver.
    """
    if not dossier.trials:
        return ()
    judged = dossier.trial
    others = {
        trial.record.id: trial
        for trial in (*dossier.trials[1:], *dossier.earlier)
        if not trial.faults
        and trial.record.status in _MEASURED
        and _series(trial.record) == _series(judged.record)
    }
    others.pop(judged.record.id, None)
    return (judged, *(others[key] for key in sorted(others, reverse=True)))


def benchmarks(dossier: Dossier) -> tuple[Benchmark, ...]:
    """The table of all metrics; a cold and a warm build are different metrics.

    Without a trial, or if the judged one's files were changed, nothing is measured.
    """
    trials = comparable_trials(dossier)
    if trials and trials[0].faults:
        trials = ()  # what was changed since measures nothing
    rows = (_benchmark(metric, trials, dossier) for metric in _metrics())
    return tuple(row for row in rows if row.n or row.metric != _MIXED)


def _benchmark(metric: _Metric, trials: Sequence[TrialEvidence], dossier: Dossier) -> Benchmark:
    measured = [(trial, found) for trial in trials if (found := metric.read(trial.record))]
    values = [value for _, (value, _) in measured]
    own = metric.read(trials[0].record) if trials else None
    budget = metric.budget(dossier)
    median = statistics.median(values) if values else None
    return Benchmark(
        metric=metric.name,
        result=own[0] if own else None,
        unit=metric.unit,
        budget=budget,
        at_least=metric.at_least,
        n=len(values),
        median=median,
        least=min(values, default=None),
        most=max(values, default=None),
        status=_status(own[0] if own else None, median, budget, at_least=metric.at_least),
        evidence=tuple(
            trial.exhibit.row(metric.name, value, metric.unit, where)
            for trial, (value, where) in measured
        ),
    )


def _status(
    own: float | None, median: float | None, budget: float | None, *, at_least: bool
) -> BenchmarkStatus:
    if own is None or median is None:
        return "not measured"
    if budget is None:
        return "no budget"
    kept = min(own, median) >= budget if at_least else max(own, median) <= budget
    return "met" if kept else "not met"


def _series(record: Record) -> tuple[object, ...]:
    host = record.host
    return (
        len(record.split.workers) if record.split else 1,
        record.partial is None,
        record.arguments,
        repr(record.settings.get("command")),
        host.architecture,
        host.cores,
        host.memory_bytes,
        host.storage_driver,
    )


def _metrics() -> Iterable[_Metric]:
    states: tuple[tuple[str, BuildState], ...] = (
        ("build, cold", "cold"),
        (_MIXED, "mixed"),
        ("build, warm", "warm"),
    )
    for name, state in states:
        yield _Metric(name, "s", _build(state), _limit("build"))
    for name, phase in (
        ("start", PhaseName.START),
        ("tests", PhaseName.TEST),
        ("collect", PhaseName.COLLECT),
        ("clean-up", PhaseName.CLEAN),
    ):
        yield _Metric(name, "s", _phase(phase), _limit(phase.value))
    yield _Metric("total", "s", _total, _limit("total"))
    yield _Metric("memory, sum of the services' peaks", "bytes", _memory, _limit("memory"))
    yield _Metric(
        "CPU, mean share of the cores from start-up to the last test", "%", _cpu, _cpu_limit
    )
    yield _Metric("coverage, coverage.py's total", "%", _coverage, _threshold, at_least=True)


def _limit(name: str) -> Callable[[Dossier], float | None]:
    return lambda dossier: getattr(dossier.settings.budgets, name)


def _cpu_limit(dossier: Dossier) -> float | None:
    share = dossier.settings.budgets.cpu
    return None if share is None else 100 * share


def _threshold(dossier: Dossier) -> float | None:
    coverage = dossier.trial.record.coverage if dossier.trials else None
    return coverage.threshold.percent if coverage and coverage.threshold else None


def _build(state: BuildState) -> Callable[[Record], tuple[float, str] | None]:
    def read(record: Record) -> tuple[float, str] | None:
        if record.build is None or record.build.state != state:
            return None
        return _phase(PhaseName.BUILD)(record)

    return read


def _phase(name: PhaseName) -> Callable[[Record], tuple[float, str] | None]:
    def read(record: Record) -> tuple[float, str] | None:
        return next(
            (
                (phase.seconds, f"/phases/{number}/seconds")
                for number, phase in enumerate(record.phases)
                if phase.name is name and phase.completed
            ),
            None,
        )

    return read


def _total(record: Record) -> tuple[float, str] | None:
    return record.seconds, "/seconds"


def _memory(record: Record) -> tuple[float, str] | None:
    peaks = memory_peaks(record.services)
    return None if peaks is None else (peaks, "/services/*/resources/memory_peak_bytes")


def _cpu(record: Record) -> tuple[float, str] | None:
    share = cpu_share(record.services, record.phases, record.host.cores)
    return None if share is None else (100 * share, "/services/*/resources/cpu_seconds")


def _coverage(record: Record) -> tuple[float, str] | None:
    found = record.coverage
    if found is None or not found.measured or found.percent is None:
        return None
    return found.percent, "/coverage/percent"
