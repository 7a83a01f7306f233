from typing import Any

import pytest

from seatrial.evidence.record import Phase, PhaseName
from seatrial.evidence.split import Split
from seatrial.judge.criteria.ready_and_parallel import CRITERION
from seatrial.judge.dossier import TrialEvidence
from seatrial.judge.model import Confidence, CriterionStatus
from unit.factories import make_pytest
from unit.judge.dossiers import (
    OLDER,
    dossier,
    full_record,
    judged,
    one_worker,
    split,
    stack,
    trial,
)


def workers(**values: Any) -> Split:
    """A split whose second worker has these fields."""
    one, two = split().workers
    return split(workers=(one, two.model_copy(update=values)))


def alone(seconds: float, collected: int = 100) -> TrialEvidence:
    """An earlier trial by one worker that took that long for its tests."""
    record = one_worker(number=3, of=OLDER)
    pytest = record.pytest
    assert pytest is not None
    counts = pytest.counts.model_copy(update={"collected": collected})
    changed = {
        "phases": (Phase(name=PhaseName.TEST, start=4.0, seconds=seconds, completed=True),),
        "pytest": pytest.model_copy(update={"counts": counts}),
    }
    return trial(record=record.model_copy(update=changed))


def test_workers_that_are_sooner_than_one_was_meet_it() -> None:
    judgement = CRITERION.judge(dossier())

    assert (judgement.status, judgement.confidence) == (CriterionStatus.MET, Confidence.HIGH)
    assert "1.50 s before at the least" in judgement.reason
    assert "100.0 s by one worker (n = 1): a speed-up of 1.67" in judgement.reason
    places = {row.where: row.value for row in judgement.evidence}
    assert places["/services/0/ready_at"] == 2.5
    assert places["/split/workers/1/start"] == 4.0


@pytest.mark.parametrize("earlier", [(), (alone(90.0, collected=80),)])
def test_without_the_same_tests_by_one_worker_the_sum_of_the_tests_counts(
    earlier: tuple[TrialEvidence, ...],
) -> None:
    judgement = CRITERION.judge(dossier(earlier=earlier))

    assert (judgement.status, judgement.confidence) == (CriterionStatus.MET, Confidence.MEDIUM)
    assert "100.0 s that the tests took in sum: a speed-up of 1.67" in judgement.reason


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"services": stack(ready_at=4.5)}, "ready at 4.50 s, its tests began at 4.00 s"),
        ({"services": stack(ready_at=None, state="unready")}, "never ready"),
        ({"split": None}, "one worker ran all tests"),
        ({"split": workers(tests=0)}, "one worker ran all tests"),
    ],
)
def test_a_late_dependency_or_a_single_worker_do_not_meet_it(
    changed: dict[str, Any], words: str
) -> None:
    judgement = CRITERION.judge(dossier(trials=judged(**changed)))

    assert judgement.status is CriterionStatus.NOT_MET
    assert words in judgement.reason
    assert judgement.remedy


def test_each_workers_services_are_held_against_its_own_tests() -> None:
    late = (*stack(worker=1), *stack(worker=2, ready_at=4.5))

    late_too = CRITERION.judge(dossier(trials=judged(services=late, split=workers(start=5.0))))
    too_late = CRITERION.judge(dossier(trials=judged(services=late)))

    assert late_too.status is CriterionStatus.MET
    assert too_late.status is CriterionStatus.NOT_MET
    assert "service db of worker 2" in too_late.reason


@pytest.mark.parametrize("seconds", [60.0, 50.0])
def test_workers_that_are_no_sooner_than_one_do_not_meet_it(seconds: float) -> None:
    judgement = CRITERION.judge(dossier(earlier=(alone(seconds),)))

    assert judgement.status is CriterionStatus.NOT_MET
    assert f"{seconds:.1f} s by one worker" in judgement.reason


def test_tests_that_take_less_than_the_phase_show_no_speed_up() -> None:
    seen = full_record().pytest
    assert seen is not None
    slow = seen.model_copy(update={"tests_seconds": 40.0})

    judgement = CRITERION.judge(dossier(trials=judged(pytest=slow), earlier=()))

    assert judgement.status is CriterionStatus.NOT_MET
    assert "a speed-up of 0.67" in judgement.reason


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"services": stack(proof="none", state="started")}, "nothing shows that service db"),
        ({"split": workers(start=None), "services": stack(worker=2)}, "not known when"),
        ({"pytest": make_pytest(passed=100)}, "nothing tells what one worker would take"),
        ({"phases": ()}, "did not come to its end"),
        ({"pytest": None}, "did not come to its end"),
    ],
)
def test_what_nobody_measured_is_not_measured(changed: dict[str, Any], words: str) -> None:
    judgement = CRITERION.judge(dossier(trials=judged(**changed), earlier=()))

    assert judgement.status is CriterionStatus.NOT_MEASURED
    assert words in judgement.reason
