from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seatrial.judge.criteria.performance_kept import CRITERION
from seatrial.judge.dossier import TrialEvidence
from seatrial.judge.model import Confidence, CriterionStatus
from unit.judge.dossiers import OLDER, build, dossier, judged, trial

COLD = build(state="cold", cached_steps=0)


def earlier(*seconds: float) -> tuple[TrialEvidence, ...]:
    """Comparable trials of other commits that took so long."""
    return tuple(trial(number=n, of=OLDER, seconds=s) for n, s in enumerate(seconds))


def of_commit(*seconds: float) -> tuple[TrialEvidence, ...]:
    """Trials of the commit that took so long, the judged one first."""
    return tuple(trial(number=9 - n, seconds=s) for n, s in enumerate(seconds))


def test_a_warm_build_a_speed_up_and_no_regression_meet_it() -> None:
    judgement = CRITERION.judge(dossier())

    assert (judgement.status, judgement.confidence) == (CriterionStatus.MET, Confidence.HIGH)
    assert "6 of 6 steps" in judgement.reason
    assert "a speed-up of 1.67" in judgement.reason
    assert "70.0 s of at most 77.0 s (earlier trials: n = 3" in judgement.reason


@pytest.mark.parametrize("count", [0, 1, 2])
def test_fewer_than_three_earlier_trials_are_no_baseline(count: int) -> None:
    judgement = CRITERION.judge(
        dossier(trials=of_commit(200.0, 200.0), earlier=earlier(*[70.0] * count))
    )

    assert (judgement.status, judgement.confidence) == (CriterionStatus.MET, Confidence.MEDIUM)
    assert f"{count} comparable trial" in judgement.reason
    assert "fewer than 3" in judgement.reason


def test_twice_slower_than_before_is_a_regression() -> None:
    judgement = CRITERION.judge(
        dossier(trials=of_commit(78.0, 80.0), earlier=earlier(70.0, 70.0, 70.0))
    )

    assert judgement.status is CriterionStatus.NOT_MET
    assert "78.0 s, more than 77.0 s" in judgement.reason
    assert "the one before it 80.0 s" in judgement.reason


def test_slower_once_is_no_regression_but_not_sure() -> None:
    judgement = CRITERION.judge(
        dossier(trials=of_commit(90.0, 70.0), earlier=earlier(70.0, 70.0, 70.0))
    )

    assert (judgement.status, judgement.confidence) == (CriterionStatus.MET, Confidence.MEDIUM)
    assert "once more than that" in judgement.reason


def test_slower_in_the_only_trial_must_be_measured_again() -> None:
    judgement = CRITERION.judge(dossier(trials=of_commit(90.0), earlier=earlier(70.0, 70.0, 70.0)))

    assert judgement.status is CriterionStatus.NOT_MEASURED
    assert "once more" in judgement.remedy


def test_a_wide_spread_allows_more() -> None:
    trials = of_commit(110.0, 110.0)

    narrow = CRITERION.judge(dossier(trials=trials, earlier=earlier(69.0, 70.0, 71.0)))
    wide = CRITERION.judge(dossier(trials=trials, earlier=earlier(60.0, 70.0, 80.0)))

    assert narrow.status is CriterionStatus.NOT_MET
    assert wide.status is CriterionStatus.MET
    assert "at most 114.5 s" in wide.reason, "70 + 3 x 1.4826 x 10"


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"trials": (trial(build=None),)}, "no trial of this commit took 50%"),
        ({"trials": (trial(build=COLD),)}, "no trial of this commit took 50%"),
        (
            {"trials": (trial(build=build(state="warm", cached_steps=0, total_steps=0)),)},
            "no trial of this commit took 50%",
        ),
        ({"trials": judged(arguments=("-k", "x"))}, "not the suite's"),
    ],
)
def test_without_a_warm_build_or_the_suite_it_is_not_measured(
    changed: dict[str, Any], words: str
) -> None:
    judgement = CRITERION.judge(dossier(**changed))

    assert judgement.status is CriterionStatus.NOT_MEASURED
    assert words in judgement.reason


def test_an_earlier_trial_of_the_commit_can_show_the_warm_build() -> None:
    trials = trial(number=9, build=COLD), trial(number=8)

    assert CRITERION.judge(dossier(trials=trials)).status is CriterionStatus.MET


def test_a_changed_record_shows_no_warm_build() -> None:
    trials = trial(number=9, build=COLD), trial(number=8, faults=("changed",))

    assert CRITERION.judge(dossier(trials=trials)).status is CriterionStatus.NOT_MEASURED


def test_a_cold_trial_is_not_held_against_warm_ones() -> None:
    trials = trial(number=9, build=COLD, seconds=200.0), trial(number=8)

    judgement = CRITERION.judge(dossier(trials=trials))

    assert judgement.status is CriterionStatus.MET
    assert "0 comparable trials" in judgement.reason


def test_a_single_worker_has_no_speed_up() -> None:
    assert CRITERION.judge(dossier(trials=judged(split=None))).status is CriterionStatus.NOT_MET


@given(
    before=st.lists(st.floats(min_value=1, max_value=1000), min_size=3, max_size=8),
    own=st.floats(min_value=1, max_value=1000),
    slower=st.floats(min_value=0, max_value=1000),
)
def test_a_slower_trial_is_never_judged_better(
    before: list[float], own: float, slower: float
) -> None:
    def judge(seconds: float) -> CriterionStatus:
        found = dossier(trials=of_commit(seconds, seconds), earlier=earlier(*before))
        return CRITERION.judge(found).status

    assert not (
        judge(own) is CriterionStatus.NOT_MET and judge(own + slower) is CriterionStatus.MET
    )


@pytest.mark.parametrize("trials", [of_commit(77.0), of_commit(77.0, 90.0)])
def test_a_trial_within_the_limit_needs_no_other_one(trials: tuple[TrialEvidence, ...]) -> None:
    judgement = CRITERION.judge(dossier(trials=trials, earlier=earlier(70.0, 70.0, 70.0)))

    assert (judgement.status, judgement.confidence) == (CriterionStatus.MET, Confidence.HIGH)
