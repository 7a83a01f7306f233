"""Criteria of the project's own: a command that ends with 0, a value of the record in bounds."""

from collections.abc import Sequence
from math import inf, isfinite
from typing import Any

from seatrial.evidence.record import Record
from seatrial.judge.criterion import Criterion
from seatrial.judge.dossier import Dossier
from seatrial.judge.model import Confidence, Judgement, met, not_measured, not_met
from seatrial.judge.series import confidence
from seatrial.judge.suite import part_of_the_suite
from seatrial.settings import CommandCriterion, MetricCriterion, VerdictSettings
from seatrial.words import ending

__all__ = ["custom_criteria", "value_at"]


def custom_criteria(rules: VerdictSettings) -> tuple[Criterion, ...]:
    """Those that the settings name, by their keys: first commands, then metrics."""
    return (
        *(_command(key, own) for key, own in sorted(rules.command_criteria.items())),
        *(_metric(key, own) for key, own in sorted(rules.metric_criteria.items())),
    )


def value_at(document: Any, pointer: str) -> float | None:
    """The number at a JSON pointer (RFC 6901); None if there is none, or something else."""
    place = document
    for step in pointer.split("/")[1:]:
        name = step.replace("~1", "/").replace("~0", "~")
        if isinstance(place, dict) and name in place:
            place = place[name]
        elif isinstance(place, list) and name.isdecimal() and int(name) < len(place):
            place = place[int(name)]
        else:
            return None
    is_number = isinstance(place, int | float) and not isinstance(place, bool)
    return float(place) if is_number and isfinite(place) else None


def _command(key: str, own: CommandCriterion) -> Criterion:
    def judge(dossier: Dossier) -> Judgement:
        result = dossier.command_results.get(key)
        told = f"`{' '.join(own.command)}`"
        if result is None:
            return not_measured(f"{told} was not run", "run `seatrial approve` in the project")
        row = result.exhibit.row("exit code", result.exit_code, where="/exit_code")
        if result.exit_code is None:
            return not_measured(
                f"{told} has no exit code: {result.fault or 'it is not known why'}",
                "see its output, or raise its timeout",
                row,
            )
        if result.exit_code:
            return not_met(f"{told} ended with {ending(result.exit_code)}", "see its output", row)
        return met(f"{told} ended with exit code 0", Confidence.MEDIUM, row)

    return Criterion(
        key=key,
        statement=own.statement,
        requires=f"Exit code 0 of `{' '.join(own.command)}` within {own.timeout:g} s.",
        weight=own.weight,
        judge=judge,
    )


def _metric(key: str, own: MetricCriterion) -> Criterion:
    def judge(dossier: Dossier) -> Judgement:
        trial = dossier.trial
        value = _value(trial.record, own)
        row = trial.exhibit.row(key, value, where=own.metric)
        bounds = _bounds(own)
        if not bounds:
            return not_measured(
                f"criterion {key} has no bound that {own.metric} could break",
                "give it at_least or at_most",
                row,
            )
        if value is None:
            return not_measured(
                f"the record has no number at {own.metric}", "see the record's schema", row
            )
        if part := part_of_the_suite(trial.record):
            return not_measured(
                f"the value is not the whole suite's: {part}", "run the whole suite", row
            )
        told = f"{own.metric} is {value:g}, asked for is {' and '.join(bounds)}"
        if not _within(value, own):
            return not_met(told, "see where the value comes from", row)
        return met(told, confidence(dossier, lambda other: _within(_value(other, own), own)), row)

    return Criterion(
        key=key,
        statement=own.statement,
        requires=f"The number at {own.metric} of the trial's record.",
        weight=own.weight,
        judge=judge,
    )


def _value(record: Record, own: MetricCriterion) -> float | None:
    return value_at(record.model_dump(mode="json"), own.metric)


def _bounds(own: MetricCriterion) -> Sequence[str]:
    told = (("at least", own.at_least), ("at most", own.at_most))
    return [f"{side} {bound:g}" for side, bound in told if bound is not None and isfinite(bound)]


def _within(value: float | None, own: MetricCriterion) -> bool:
    if value is None:
        return False
    least = -inf if own.at_least is None else own.at_least
    most = inf if own.at_most is None else own.at_most
    return least <= value <= most
