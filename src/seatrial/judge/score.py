"""Judges a dossier by all criteria, the project's own included, and adds up what is met."""

import math
from collections.abc import Mapping, Sequence
from fractions import Fraction

from seatrial.errors import UsageFault
from seatrial.judge.criteria import CRITERIA
from seatrial.judge.criterion import Criterion
from seatrial.judge.custom import custom_criteria
from seatrial.judge.dossier import Dossier
from seatrial.judge.model import CriterionResult, CriterionStatus, Judgement, not_measured
from seatrial.judge.refusal import named
from seatrial.settings import VerdictSettings

__all__ = ["judge_criteria", "score_of"]

_FULL = 1000
"""The full score in tenths of a point."""


def judge_criteria(dossier: Dossier) -> tuple[CriterionResult, ...]:
    """The ten criteria in their order, then the project's own by their keys.

    Without a trial, or with one whose files were changed, nothing is measured.

    Raises:
        UsageFault: a weight is of no criterion, a required one is none, a criterion of the
            project's own has another's key, or no criterion has a weight.
    """
    rules = dossier.settings.verdict
    own = custom_criteria(rules)
    criteria = (*CRITERIA, *own)
    _check(rules, [criterion.key for criterion in criteria])
    weights = {c.key: rules.weights.get(c.key, c.weight) for c in criteria}
    _check_weights(weights)
    required = {
        *rules.required,
        *(key for key, own in rules.command_criteria.items() if own.required),
        *(key for key, own in rules.metric_criteria.items() if own.required),
    }
    return tuple(
        CriterionResult(
            **dict(_judge(criterion, dossier)),
            key=criterion.key,
            statement=criterion.statement,
            requires=criterion.requires,
            weight=weights[criterion.key],
            required=criterion.key in required,
        )
        for criterion in criteria
    )


def score_of(results: Sequence[CriterionResult]) -> float:
    """The share of the met weights in all, of 100, rounded down to a tenth.

    Exact, so that neither the order nor a float's last digit makes a tenth more or less.
    """
    everything = sum(Fraction(str(result.weight)) for result in results)
    met = sum(
        Fraction(str(result.weight)) for result in results if result.status is CriterionStatus.MET
    )
    return math.floor(met / everything * _FULL) / (_FULL / 100) if everything else 0.0


def _judge(criterion: Criterion, dossier: Dossier) -> Judgement:
    if not dossier.trials:
        return not_measured("there is no trial of this commit", "run `seatrial run`")
    trial = dossier.trial
    judgement = criterion.judge(dossier)
    if trial.faults and judgement.status is CriterionStatus.MET:
        return not_measured(
            f"the trial's files are not as it left them: {named(trial.faults)}",
            "run a new trial",
            *judgement.evidence,
        )
    return judgement


def _check_weights(weights: Mapping[str, float]) -> None:
    boundless = [key for key, weight in weights.items() if not math.isfinite(weight)]
    if boundless:
        raise UsageFault(
            f"the weight of criterion {boundless[0]!r} is no number",
            where="verdict",
            next_step="give it points, e.g. 10",
        )
    if not any(weights.values()):
        raise UsageFault(
            "no criterion has a weight, so there is no score",
            where="verdict.weights",
            next_step="give at least one criterion a weight above 0",
        )


def _check(rules: VerdictSettings, keys: Sequence[str]) -> None:
    twice = sorted({key for key in keys if keys.count(key) > 1})
    if twice:
        raise UsageFault(
            f"two criteria have the key {twice[0]!r}",
            where="verdict.command_criteria and verdict.metric_criteria",
            next_step="give the project's own criterion another key",
        )
    for setting, asked in (("weights", tuple(rules.weights)), ("required", rules.required)):
        unknown = [key for key in asked if key not in keys]
        if unknown:
            raise UsageFault(
                f"there is no criterion {unknown[0]!r}",
                where=f"verdict.{setting}",
                next_step=f"the criteria are {', '.join(keys)}",
            )
