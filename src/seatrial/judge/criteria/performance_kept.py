"""Criterion 10: builds use their cache, workers save time, trials take no longer than before."""

import statistics
from collections.abc import Iterator, Sequence

from seatrial.evidence.record import Record
from seatrial.judge.criterion import Criterion
from seatrial.judge.dossier import Dossier, TrialEvidence
from seatrial.judge.model import Confidence, Evidence, Judgement
from seatrial.judge.refusal import Refusal, against, judge_by, lacks
from seatrial.judge.series import same_cache
from seatrial.judge.speedup import SpeedUp, measure_speed_up
from seatrial.judge.suite import part_of_the_suite
from seatrial.words import counted

__all__ = ["CRITERION"]

_CACHED = 0.5
"""Share of the build's steps out of the cache that makes a build a warm one."""
_ENOUGH = 3
"""Earlier trials that make a baseline."""
_DEVIATIONS = 3.0
"""Beyond which a total is no chance: the three-sigma rule."""
_TO_SIGMA = 1.4826
"""Makes the median absolute deviation of normally distributed values their standard deviation:
1 / (the normal distribution's quantile at 0.75)."""
_AT_LEAST = 0.1
"""Share of the median: a few trials may be alike by chance, and then each next one would be far
from them."""


def _judge(dossier: Dossier) -> Judgement:
    judged = dossier.trial
    speed_up = measure_speed_up(dossier)
    warm = _warm_build(dossier)
    baseline = _baseline(dossier)
    refusals = [*_refusals(dossier, warm, baseline)]
    if not isinstance(speed_up, SpeedUp):
        refusals.append(speed_up)
    return judge_by(
        refusals,
        f"{_told_build(warm)}; {speed_up.told if isinstance(speed_up, SpeedUp) else ''}; "
        f"{_told_total(judged.record.seconds, baseline)}",
        Confidence.HIGH if _no_longer(judged.record.seconds, baseline) else Confidence.MEDIUM,
        *(_build_rows(warm) if warm else ()),
        *(speed_up.evidence if isinstance(speed_up, SpeedUp) else ()),
        _total_row(judged),
        *(_total_row(trial) for trial in baseline),
    )


def _refusals(
    dossier: Dossier, warm: TrialEvidence | None, baseline: Sequence[TrialEvidence]
) -> Iterator[Refusal]:
    if part := part_of_the_suite(dossier.trial.record):
        yield lacks(f"the time is not the suite's: {part}", "run the whole suite")
    if warm is None:
        yield lacks(
            f"no trial of this commit took {_CACHED:.0%} of its build from the cache",
            "run the trial once more; if the build is cold again, let the Dockerfile copy last "
            "what changes most",
        )
    if len(baseline) < _ENOUGH:
        return
    limit = _limit([trial.record.seconds for trial in baseline])
    own = dossier.trial.record.seconds
    if own <= limit:
        return
    before = _predecessor(dossier)
    told = f"the trial took {own:.1f} s, more than {limit:.1f} s ({_spread(baseline)})"
    if before is None:
        yield lacks(
            f"{told}, and no other trial of this commit shows whether that was chance",
            "run the trial once more",
        )
    elif before.record.seconds > limit:
        yield against(
            f"{told}, and the one before it {before.record.seconds:.1f} s",
            "find what takes longer: `seatrial show` tells it by phase",
        )


def _baseline(dossier: Dossier) -> tuple[TrialEvidence, ...]:
    """Comparable trials of other commits: what this one's are held against."""
    ids = {trial.record.id for trial in dossier.trials}
    return tuple(trial for trial in same_cache(dossier)[1:] if trial.record.id not in ids)


def _predecessor(dossier: Dossier) -> TrialEvidence | None:
    """The newest comparable trial of this commit but the judged one."""
    ids = {trial.record.id for trial in dossier.trials}
    return next((trial for trial in same_cache(dossier)[1:] if trial.record.id in ids), None)


def _limit(seconds: Sequence[float]) -> float:
    """The total above which a trial is slower than before."""
    median = statistics.median(seconds)
    deviation = statistics.median(abs(value - median) for value in seconds)
    return median + max(_DEVIATIONS * _TO_SIGMA * deviation, _AT_LEAST * median)


def _no_longer(own: float, baseline: Sequence[TrialEvidence]) -> bool:
    """Whether there is a baseline, and the trial within it."""
    seconds = [trial.record.seconds for trial in baseline]
    return len(seconds) >= _ENOUGH and own <= _limit(seconds)


def _warm_build(dossier: Dossier) -> TrialEvidence | None:
    """The newest trial of this commit whose build came from the cache."""
    intact = (trial for trial in dossier.trials if not trial.faults)
    return next((trial for trial in intact if _cached(trial.record) >= _CACHED), None)


def _cached(record: Record) -> float:
    """Share of the steps; a build without steps shows nothing."""
    build = record.build
    return build.cached_steps / build.total_steps if build and build.total_steps else 0.0


def _told_build(trial: TrialEvidence | None) -> str:
    build = trial.record.build if trial else None
    return (
        f"{build.cached_steps} of {counted(build.total_steps, 'step')} of the build came from "
        "the cache"
        if build
        else ""
    )


def _told_total(own: float, baseline: Sequence[TrialEvidence]) -> str:
    if len(baseline) < _ENOUGH:
        return (
            f"whether {own:.1f} s are longer than before is not known, as there are "
            f"{counted(len(baseline), 'comparable trial')} of earlier commits, fewer than {_ENOUGH}"
        )
    limit = _limit([trial.record.seconds for trial in baseline])
    chance = ", once more than that, not twice" if own > limit else ""
    return f"the trial took {own:.1f} s of at most {limit:.1f} s ({_spread(baseline)}){chance}"


def _spread(baseline: Sequence[TrialEvidence]) -> str:
    seconds = [trial.record.seconds for trial in baseline]
    return (
        f"earlier trials: n = {len(seconds)}, median {statistics.median(seconds):.1f} s, "
        f"{min(seconds):.1f} to {max(seconds):.1f} s"
    )


def _total_row(trial: TrialEvidence) -> Evidence:
    return trial.exhibit.row("whole trial", trial.record.seconds, "s", "/seconds")


def _build_rows(trial: TrialEvidence) -> Iterator[Evidence]:
    build = trial.record.build
    if build:
        yield trial.exhibit.row(
            "build steps from the cache", build.cached_steps, where="/build/cached_steps"
        )
        yield trial.exhibit.row("build steps", build.total_steps, where="/build/total_steps")


CRITERION = Criterion(
    key="performance-kept",
    statement="Builds use their cache, workers save time, and trials take no longer than before.",
    requires="A build of this commit with its cached steps; the measured speed-up; the totals of "
    "this trial, the one before it and comparable ones of earlier commits.",
    weight=5,
    judge=_judge,
)
