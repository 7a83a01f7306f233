from typing import Any

import pytest

from seatrial.evidence.coverage import Coverage, Threshold
from seatrial.judge.criteria.coverage_enforced import CRITERION
from seatrial.judge.model import Confidence, CriterionStatus
from seatrial.settings import CoverageSettings
from unit.judge.dossiers import coverage, dossier, drills, judged, settings


def test_a_threshold_that_is_reached_and_rehearsed_meets_it() -> None:
    judgement = CRITERION.judge(dossier())

    assert (judgement.status, judgement.confidence) == (CriterionStatus.MET, Confidence.HIGH)
    assert "95.00 %, the threshold 80 %" in judgement.reason
    assert "/results/6/passed" in {row.where for row in judgement.evidence}


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"trials": judged(coverage=coverage(percent=79.9999))}, "79.9999 % is below 80 %"),
        (
            {"drills": drills(coverage_falls={"passed": False, "faults": ("exit code 0",)})},
            "exit code 0",
        ),
        (
            {"settings": settings(coverage=CoverageSettings(fail_under=96))},
            "95.00 % is below 96 %",
        ),
    ],
)
def test_too_little_coverage_or_a_failed_drill_do_not(changed: dict[str, Any], words: str) -> None:
    judgement = CRITERION.judge(dossier(**changed))

    assert judgement.status is CriterionStatus.NOT_MET
    assert words in judgement.reason


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"trials": judged(coverage=coverage(threshold=None))}, "no coverage threshold is set"),
        ({"trials": judged(coverage=None)}, "coverage was not measured"),
        ({"trials": judged(coverage=Coverage(measured=False))}, "coverage was not measured"),
        ({"trials": judged(arguments=("-k", "x"))}, "not the suite's"),
        (
            {"settings": settings(coverage=CoverageSettings(fail_under=90))},
            "was not held against this threshold",
        ),
        ({"drills": None}, "no drill was made"),
        ({"drills": drills(outdated="40 days old")}, "outdated: 40 days old"),
        ({"drills": drills(without=("coverage-falls",))}, "the drill coverage-falls was not made"),
        (
            {"drills": drills(coverage_falls={"passed": None, "why_not": "no plug-in"})},
            "no plug-in",
        ),
    ],
)
def test_what_is_missing_is_not_measured(changed: dict[str, Any], words: str) -> None:
    judgement = CRITERION.judge(dossier(**changed))

    assert judgement.status is CriterionStatus.NOT_MEASURED
    assert words in judgement.reason
    assert judgement.remedy


def test_the_stricter_of_old_and_new_threshold_is_not_forgotten() -> None:
    """What a trial was held against may be more than what is asked for now."""
    trials = judged(
        coverage=coverage(threshold=Threshold(percent=95.0, source="settings", met=True))
    )
    asked = settings(coverage=CoverageSettings(fail_under=90))

    assert CRITERION.judge(dossier(trials=trials, settings=asked)).status is CriterionStatus.MET


def test_exactly_the_threshold_is_enough() -> None:
    judgement = CRITERION.judge(dossier(trials=judged(coverage=coverage(percent=80.0))))

    assert judgement.status is CriterionStatus.MET
    rows = {row.where: row.value for row in judgement.evidence}
    assert rows["/coverage/percent"] == rows["/coverage/threshold/percent"] == 80.0
