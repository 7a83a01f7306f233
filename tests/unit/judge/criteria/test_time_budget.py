from typing import Any

import pytest

from seatrial.evidence.doubt import Doubt
from seatrial.evidence.record import Phase, PhaseName, Retry, Status
from seatrial.evidence.split import FewerWorkers
from seatrial.judge.criteria.time_budget import CRITERION
from seatrial.judge.model import Confidence, CriterionStatus
from seatrial.settings import Budgets
from unit.judge.dossiers import OLDER, build, dossier, judged, settings, trial


def took(seconds: float, *, completed: bool = True) -> dict[str, Any]:
    """The field of a record whose tests took that long."""
    return {
        "phases": (Phase(name=PhaseName.TEST, start=4.0, seconds=seconds, completed=completed),)
    }


def test_three_comparable_trials_within_the_budget_are_sure() -> None:
    judgement = CRITERION.judge(dossier())

    assert (judgement.status, judgement.confidence) == (CriterionStatus.MET, Confidence.HIGH)
    assert "60.0 s of 180 s; n = 5" in judgement.reason
    assert {row.where for row in judgement.evidence} == {"/phases/2/seconds"}


@pytest.mark.parametrize(("earlier", "sure"), [(1, Confidence.MEDIUM), (2, Confidence.HIGH)])
def test_fewer_than_three_are_not(earlier: int, sure: Confidence) -> None:
    trials = tuple(trial(number=number, of=OLDER) for number in range(earlier))

    judgement = CRITERION.judge(dossier(trials=(trial(),), earlier=trials))

    assert (judgement.status, judgement.confidence) == (CriterionStatus.MET, sure)


@pytest.mark.parametrize(
    "other",
    [
        {"build": build(state="cold", cached_steps=0)},
        {"split": None},
        {"arguments": ("tests/unit",)},
        {"status": Status.FAILED},
        {"doubts": (Doubt(key="k", what="w"),)},
        {"faults": ("tests.jsonl has another content",)},
    ],
)
def test_what_is_not_comparable_does_not_count(other: dict[str, Any]) -> None:
    trials = tuple(trial(number=number, of=OLDER, **other) for number in range(3))

    judgement = CRITERION.judge(dossier(trials=(trial(),), earlier=trials))

    assert judgement.confidence is Confidence.MEDIUM
    assert "n = 1" in judgement.reason


def test_a_trial_over_the_budget_does_not_meet_it() -> None:
    judgement = CRITERION.judge(dossier(trials=judged(**took(200.0))))

    assert judgement.status is CriterionStatus.NOT_MET
    assert "20.0 s over its 180 s" in judgement.reason


def test_repeating_until_one_is_quick_enough_does_not_meet_it() -> None:
    slow = trial(number=8, status=Status.OVER_BUDGET, **took(200.0))

    judgement = CRITERION.judge(dossier(trials=(trial(), slow)))

    assert judgement.status is CriterionStatus.NOT_MET
    assert "1 of 2 comparable trials of this commit" in judgement.reason


def test_slow_trials_of_earlier_commits_only_make_it_less_sure() -> None:
    earlier = tuple(trial(number=n, of=OLDER, **took(200.0)) for n in range(3))

    judgement = CRITERION.judge(dossier(earlier=earlier))

    assert (judgement.status, judgement.confidence) == (CriterionStatus.MET, Confidence.MEDIUM)
    assert "above it" in judgement.reason


@pytest.mark.parametrize(
    "again",
    [
        {"retries": (Retry(folder="r", seconds=150.0, tests=("t",), failed=(), reason="ok"),)},
        {
            "fewer_workers": FewerWorkers(
                workers=4, then=2, reason="out of memory", folder="f", seconds=150.0
            )
        },
    ],
)
def test_what_was_run_again_took_time_too(again: dict[str, Any]) -> None:
    judgement = CRITERION.judge(dossier(trials=judged(**again)))

    assert judgement.status is CriterionStatus.NOT_MET
    assert "210.0 s" in judgement.reason


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"settings": settings(budgets=Budgets())}, "no time is set"),
        ({"settings": settings(budgets=Budgets(total=300))}, "no time is set"),
        ({"trials": judged(**took(10.0, completed=False))}, "did not come to its end"),
        ({"trials": judged(phases=())}, "did not come to its end"),
        ({"trials": judged(arguments=("-m", "quick"))}, "not the suite's"),
    ],
)
def test_without_a_budget_or_a_measured_suite_it_is_not_measured(
    changed: dict[str, Any], words: str
) -> None:
    judgement = CRITERION.judge(dossier(**changed))

    assert judgement.status is CriterionStatus.NOT_MEASURED
    assert words in judgement.reason
    assert judgement.remedy
