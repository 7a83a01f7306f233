from dataclasses import replace
from typing import Any

import pytest

from seatrial.judge.criteria.errors_handled import CRITERION
from seatrial.judge.model import Confidence, CriterionStatus
from unit.judge.dossiers import dossier, drills

KEYS = [
    "build-fails",
    "dependency-dies",
    "never-healthy",
    "test-fails",
    "test-hangs",
    "out-of-memory",
    "engine-lost",
]
IMPOSSIBLE = {"passed": None, "why_not": "no service that it depends on"}


def test_seven_drills_that_passed_meet_it() -> None:
    judgement = CRITERION.judge(dossier())

    assert (judgement.status, judgement.confidence) == (CriterionStatus.MET, Confidence.HIGH)
    assert "7 of 7 drills" in judgement.reason
    assert len(judgement.evidence) == 7


def test_two_that_cannot_be_rehearsed_are_told_and_do_not_count_against() -> None:
    rehearsed = drills(dependency_dies=IMPOSSIBLE, never_healthy=IMPOSSIBLE)

    judgement = CRITERION.judge(dossier(drills=rehearsed))

    assert judgement.status is CriterionStatus.MET
    assert "5 of 7 drills" in judgement.reason
    assert "dependency-dies (no service that it depends on)" in judgement.reason


@pytest.mark.parametrize("key", KEYS)
def test_a_drill_that_failed_does_not_meet_it(key: str) -> None:
    failed: dict[str, Any] = {key.replace("-", "_"): {"passed": False, "faults": ("exit code 0",)}}

    judgement = CRITERION.judge(dossier(drills=drills(**failed)))

    assert judgement.status is CriterionStatus.NOT_MET
    assert f"drill {key} failed: exit code 0" in judgement.reason
    assert judgement.remedy


@pytest.mark.parametrize("key", KEYS)
def test_a_drill_that_was_not_made_is_not_measured(key: str) -> None:
    judgement = CRITERION.judge(dossier(drills=drills(without=(key,))))

    assert judgement.status is CriterionStatus.NOT_MEASURED
    assert key in judgement.reason


@pytest.mark.parametrize(
    ("rehearsed", "words"),
    [
        (None, "no drill was made"),
        (drills(outdated="40 days old"), "40 days old"),
        (replace(drills(), faults=("drills.json has another content",)), "another content"),
        (drills(test_fails={"passed": None}), "it does not say why"),
        (
            drills(dependency_dies=IMPOSSIBLE, never_healthy=IMPOSSIBLE, out_of_memory=IMPOSSIBLE),
            "4 of 7 drills were made, fewer than 5",
        ),
    ],
)
def test_too_few_or_doubtful_drills_are_not_measured(rehearsed: Any, words: str) -> None:
    judgement = CRITERION.judge(dossier(drills=rehearsed))

    assert judgement.status is CriterionStatus.NOT_MEASURED
    assert words in judgement.reason
