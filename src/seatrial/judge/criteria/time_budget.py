"""Criterion 3: the tests keep the time that the project allows them."""

import statistics
from collections.abc import Iterator

from seatrial.evidence.record import PhaseName, Record
from seatrial.judge.criterion import Criterion
from seatrial.judge.dossier import Dossier, TrialEvidence
from seatrial.judge.model import Confidence, Evidence, Judgement, not_measured
from seatrial.judge.refusal import Refusal, against, judge_by
from seatrial.judge.series import phase_row, same_cache
from seatrial.judge.suite import part_of_the_suite

__all__ = ["CRITERION"]

_ENOUGH = 3
"""Comparable trials for high confidence: fewer have no middle between two ends."""


def _judge(dossier: Dossier) -> Judgement:
    budget = dossier.settings.budgets.test
    judged = dossier.trial
    if budget is None:
        return not_measured("no time is set for the tests", "set budgets.test in seatrial.toml")
    own = _seconds(judged)
    if own is None:
        return not_measured(
            "the test phase did not come to its end",
            "see why the trial failed",
            judged.exhibit.row("phase test", None, where="/phases"),
        )
    if part := part_of_the_suite(judged.record):
        return not_measured(f"the time is not the suite's: {part}", "run the whole suite")
    measured = [
        (trial, seconds)
        for trial in same_cache(dossier)
        if (seconds := _seconds(trial)) is not None
    ]
    values = [seconds for _, seconds in measured]
    within = all(seconds <= budget for seconds in values)
    return judge_by(
        _refusals(dossier, budget, own, measured),
        f"the tests took {own:.1f} s of {budget:g} s; n = {len(values)} comparable trials: "
        f"median {statistics.median(values):.1f} s, {min(values):.1f} to {max(values):.1f} s"
        f"{'' if within else ', trials of earlier commits above it'}",
        Confidence.HIGH if len(values) >= _ENOUGH and within else Confidence.MEDIUM,
        *(row for trial, _ in measured for row in _rows(trial)),
    )


def _refusals(
    dossier: Dossier, budget: float, own: float, measured: list[tuple[TrialEvidence, float]]
) -> Iterator[Refusal]:
    if own > budget:
        yield against(
            f"the tests took {own:.1f} s, {own - budget:.1f} s over its {budget:g} s",
            "make them quicker, or run them by more workers",
        )
    # Else trials could be repeated until one of them happens to be quick enough.
    ids = {trial.record.id for trial in dossier.trials}
    of_commit = [seconds for trial, seconds in measured if trial.record.id in ids]
    above = sum(seconds > budget for seconds in of_commit)
    if above and own <= budget:
        yield against(
            f"{above} of {len(of_commit)} comparable trials of this commit took more than the "
            f"{budget:g} s that are set, at most {max(of_commit):.1f} s",
            "make the tests quicker, so that every trial is within its time",
        )


def _seconds(trial: TrialEvidence) -> float | None:
    """The test phase with what it took to run tests again; None if it did not end."""
    phase = trial.record.phase(PhaseName.TEST)
    if phase is None or not phase.completed:
        return None
    return phase.seconds + _again(trial.record)


def _again(record: Record) -> float:
    given_up = record.fewer_workers.seconds if record.fewer_workers else 0.0
    return given_up + sum(retry.seconds for retry in record.retries)


def _rows(trial: TrialEvidence) -> Iterator[Evidence]:
    if row := phase_row(trial, PhaseName.TEST):
        yield row
    if trial.record.fewer_workers:
        yield trial.exhibit.row(
            "an attempt that was given up",
            trial.record.fewer_workers.seconds,
            "s",
            "/fewer_workers/seconds",
        )
    for number, retry in enumerate(trial.record.retries):
        yield trial.exhibit.row(
            "failed tests, run again", retry.seconds, "s", f"/retries/{number}/seconds"
        )


CRITERION = Criterion(
    key="time-budget",
    statement="The tests keep the time that the project allows them.",
    requires="The measured test phase of the whole suite, with what was run again, in this trial "
    "and in comparable ones; never an estimate.",
    weight=10,
    judge=_judge,
)
