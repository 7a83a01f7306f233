from typing import Any

import pytest

from seatrial.judge.criteria.cleaned_up import CRITERION
from seatrial.judge.model import Confidence, CriterionStatus
from unit.judge.dossiers import clean_up, dossier, drills, judged, trial


def test_nothing_left_after_success_failure_and_kill_meets_it() -> None:
    judgement = CRITERION.judge(dossier())

    assert (judgement.status, judgement.confidence) == (CriterionStatus.MET, Confidence.HIGH)
    assert "none of 6" in judgement.reason
    values = {row.what: row.value for row in judgement.evidence}
    assert values["left in the engine"] == 0
    assert values["drill killed passed"] is True


def test_what_another_trial_made_meanwhile_is_explained() -> None:
    others = ("seatrial-shop-20260102-031000-ffffff_source-0-upper",)

    judgement = CRITERION.judge(dossier(trials=judged(clean_up=clean_up(difference=others))))

    assert judgement.status is CriterionStatus.MET
    assert "1 that came meanwhile are of other trials" in judgement.reason


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"trials": judged(clean_up=clean_up(left=("db-1",)))}, "left in the engine: db-1"),
        ({"trials": judged(clean_up=clean_up(faults=("no answer",)))}, "no answer"),
        (
            {"drills": drills(test_fails={"left": ("db-1",)})},
            "after a failure there was left: db-1",
        ),
        (
            {"drills": drills(killed={"left": ("db-1",), "passed": False})},
            "after a kill there was left: db-1",
        ),
    ],
)
def test_whatever_is_left_does_not_meet_it(changed: dict[str, Any], words: str) -> None:
    judgement = CRITERION.judge(dossier(**changed))

    assert judgement.status is CriterionStatus.NOT_MET
    assert words in judgement.reason
    assert judgement.remedy


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"drills": None}, "no drill was made"),
        ({"drills": drills(outdated="the compose file changed")}, "the compose file changed"),
        ({"drills": drills(without=("killed",))}, "the drill killed was not made"),
        ({"drills": drills(without=("test-fails",))}, "the drill test-fails was not made"),
        ({"drills": drills(killed={"passed": False})}, "the drill killed failed"),
        ({"drills": drills(killed={"passed": None, "why_not": "no signals"})}, "no signals"),
        ({"trials": judged(clean_up=clean_up(held_before=None))}, "is not known"),
        ({"trials": judged(clean_up=clean_up(held_after=None))}, "is not known"),
        ({"trials": judged(clean_up=clean_up(removed_containers=()))}, "no container was removed"),
        ({"trials": judged(clean_up=clean_up(difference=("stray",)))}, "stray"),
    ],
)
def test_what_was_not_shown_is_not_measured(changed: dict[str, Any], words: str) -> None:
    judgement = CRITERION.judge(dossier(**changed))

    assert judgement.status is CriterionStatus.NOT_MEASURED
    assert words in judgement.reason


def test_a_name_with_the_trials_own_id_is_not_of_another() -> None:
    name = f"seatrial-shop-{trial().record.id}_left"

    judgement = CRITERION.judge(dossier(trials=judged(clean_up=clean_up(difference=(name,)))))

    assert judgement.status is CriterionStatus.NOT_MEASURED
    assert name in judgement.reason
