"""Says where the settings ask for less than every criterion, and what that leaves unshown."""

from collections.abc import Iterator

from seatrial.judge.criteria import CRITERIA
from seatrial.judge.loosened_settings import loosened_settings
from seatrial.judge.model import CriterionResult, CriterionStatus
from seatrial.judge.verdict import Verdict
from seatrial.settings import Settings, VerdictSettings

__all__ = ["lowered_bar"]

_FULL = 100
_TOLD_OTHERWISE = (
    *("verdict.passing_score", "verdict.weights"),
    *("verdict.command_criteria", "verdict.metric_criteria"),  # more of these asks for more
)
_WEIGH = frozenset(criterion.key for criterion in CRITERIA if criterion.weight)


def lowered_bar(verdict: Verdict, rules: VerdictSettings) -> tuple[str, ...]:
    """A sentence for each way in which the settings ask for less than the defaults do."""
    return tuple(_sentences(verdict, rules))


def _sentences(verdict: Verdict, rules: VerdictSettings) -> Iterator[str]:
    lacking = [one for one in verdict.criteria if one.status is not CriterionStatus.MET]
    if verdict.passing_score < _FULL:
        weigh = [one for one in lacking if one.weight]
        yield (
            f"verdict.passing_score asks for {verdict.passing_score:g} of {_FULL} points; "
            f"what carries weight and is not met: {_told(weigh)}"
        )
    weightless = [one for one in verdict.criteria if one.key in _WEIGH and not one.weight]
    if weightless:
        without = [one for one in weightless if one in lacking]
        yield (
            f"verdict.weights gives no points for {', '.join(one.key for one in weightless)}; "
            f"of these not met: {_told(without)}"
        )
    looser = [
        f"{one.rule}: {one.before} → {one.now}"
        for one in loosened_settings(Settings(), Settings(verdict=rules))
        if not one.rule.startswith(_TOLD_OTHERWISE)
    ]
    if looser:
        yield f"easier to meet than by default: {', '.join(looser)}"


def _told(criteria: list[CriterionResult]) -> str:
    return ", ".join(f"{one.key} ({one.status.value})" for one in criteria) or "none"
