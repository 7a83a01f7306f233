"""Which of Seatrial's own settings were made easier to meet."""

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from seatrial.settings import Budgets, CommandCriterion, MetricCriterion, Settings

__all__ = ["ANY_CHANGE", "Loosened", "loosened_settings"]


class Loosened(NamedTuple):
    """A rule, what it was and what it is, in words."""

    rule: str
    before: str
    now: str


_MORE_IS_LOOSER = (
    *(f"budgets.{name}" for name in Budgets.model_fields),
    "verdict.max_age",
    "verdict.drill_max_age",
    "verdict.max_not_run",
    "verdict.max_uncovered",
    "verdict.monitoring_failure_rate",
    "verdict.allow_deselected",
    "verdict.allow_retries",
    "verdict.allow_reused",
    "retries",
)
_LESS_IS_LOOSER = (
    "coverage.fail_under",
    "verdict.passing_score",
    "verdict.trials",
    "verdict.monitoring_days",
)
ANY_CHANGE = ("command", "service")
"""Rules that decide which tests run; that they differ from a default loosens nothing."""
_STRICTEST_FIRST = ("low", "medium", "high", "never")


def loosened_settings(before: Settings, now: Settings) -> Iterator[Loosened]:
    """What is easier to meet now; where that cannot be told, as of weights, any change counts."""
    for rule in _MORE_IS_LOOSER:
        old, new = _value(before, rule), _value(now, rule)
        if old is not None and (new is None or new > old):
            yield _loosened(rule, old, new)
    for rule in _LESS_IS_LOOSER:
        old, new = _value(before, rule), _value(now, rule)
        if old is not None and (new is None or new < old):
            yield _loosened(rule, old, new)
    for rule in ANY_CHANGE:
        old, new = _value(before, rule), _value(now, rule)
        if old != new:
            yield _loosened(rule, old, new)
    yield from _loosened_verdict(before, now)
    yield from _changed_weights(before.verdict.weights, now.verdict.weights)
    yield from _own_criteria(before, now)


def _loosened_verdict(before: Settings, now: Settings) -> Iterator[Loosened]:
    old, new = before.verdict, now.verdict
    if gone := [key for key in old.required if key not in new.required]:
        yield _loosened("verdict.required", ", ".join(gone), None)
    if _STRICTEST_FIRST.index(new.audit_fails_on) > _STRICTEST_FIRST.index(old.audit_fails_on):
        yield _loosened("verdict.audit_fails_on", old.audit_fails_on, new.audit_fails_on)
    if more := [place for place in new.not_tests if place not in old.not_tests]:
        yield _loosened("verdict.not_tests", None, ", ".join(more))
    if old.base is not None and new.base != old.base:
        yield _loosened("verdict.base", old.base, new.base)


def _changed_weights(before: Mapping[str, float], now: Mapping[str, float]) -> Iterator[Loosened]:
    for key in sorted({*before, *now}):
        if before.get(key) != now.get(key):
            yield _loosened(f"verdict.weights.{key}", before.get(key), now.get(key))


def _own_criteria(before: Settings, now: Settings) -> Iterator[Loosened]:
    for group in ("command_criteria", "metric_criteria"):
        old: Mapping[str, Any] = getattr(before.verdict, group)
        new: Mapping[str, Any] = getattr(now.verdict, group)
        for key in sorted({*old, *new}):
            rule = f"verdict.{group}.{key}"
            if key not in new:
                yield _loosened(rule, "a criterion", None)
            elif key not in old:
                if new[key].weight:  # it takes a share of the score from the others
                    yield _loosened(f"{rule}.weight", None, new[key].weight)
            else:
                yield from _own_criterion(rule, old[key], new[key])


def _own_criterion(
    rule: str, old: CommandCriterion | MetricCriterion, new: CommandCriterion | MetricCriterion
) -> Iterator[Loosened]:
    if old.weight != new.weight:
        yield _loosened(f"{rule}.weight", old.weight, new.weight)
    if old.required and not new.required:
        yield _loosened(f"{rule}.required", True, False)
    if isinstance(old, CommandCriterion) and isinstance(new, CommandCriterion):
        if old.command != new.command:
            yield _loosened(f"{rule}.command", " ".join(old.command), " ".join(new.command))
    elif isinstance(old, MetricCriterion) and isinstance(new, MetricCriterion):
        if old.metric != new.metric:
            yield _loosened(f"{rule}.metric", old.metric, new.metric)
        low, high = old.at_least, old.at_most
        if low is not None and (new.at_least is None or new.at_least < low):
            yield _loosened(f"{rule}.at_least", low, new.at_least)
        if high is not None and (new.at_most is None or new.at_most > high):
            yield _loosened(f"{rule}.at_most", high, new.at_most)


def _value(settings: Settings, rule: str) -> Any:
    value: Any = settings
    for part in rule.split("."):
        value = getattr(value, part)
    return value


def _loosened(rule: str, before: Any, now: Any) -> Loosened:
    return Loosened(rule, _in_words(before), _in_words(now))


def _in_words(value: Any) -> str:
    if value is None:
        return "none"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, tuple):
        return " ".join(value)
    return f"{value:g}" if isinstance(value, float) else str(value)
