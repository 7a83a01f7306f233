from typing import Any

import pytest

from seatrial.evidence.doubt import Doubt
from seatrial.evidence.partial import Partial
from seatrial.evidence.record import Image, Pytest
from seatrial.evidence.split import SplitProof
from seatrial.judge.criteria.contained_tests import CRITERION
from seatrial.judge.model import Confidence, CriterionStatus
from unit.factories import make_pytest
from unit.judge.dossiers import (
    build,
    dossier,
    drills,
    judged,
    one_worker,
    settings,
    split,
    stack,
    trial,
)

NOT_MET = CriterionStatus.NOT_MET
BUILT_ELSEWHERE = tuple(
    service.model_copy(update={"image": Image(name="shop-test", id="sha256:9", built=False)})
    if service.role == "test"
    else service
    for worker in (1, 2)
    for service in stack(worker=worker)
)


def saw(**values: Any) -> Pytest:
    """What the probe saw of 100 tests, by outcome."""
    defaults: dict[str, Any] = {
        "collected": 100,
        "containers": ("test-1", "test-2"),
        "container_confirmed": True,
        "tests": "tests.jsonl",
    }
    return make_pytest(**(defaults | values))


def test_results_from_confirmed_containers_of_a_built_image_meet_it() -> None:
    judgement = CRITERION.judge(dossier())

    assert judgement.status is CriterionStatus.MET
    assert judgement.confidence is Confidence.HIGH
    assert "100 results of 100 tests" in judgement.reason
    assert "2 containers" in judgement.reason
    confirmed = next(row for row in judgement.evidence if row.where.endswith("confirmed"))
    assert (confirmed.value, confirmed.where) == (True, "/pytest/container_confirmed")


def test_without_another_trial_or_a_drill_it_was_measured_once() -> None:
    judgement = CRITERION.judge(dossier(trials=(trial(),), drills=None))

    assert judgement.status is CriterionStatus.MET
    assert judgement.confidence is Confidence.MEDIUM


def test_without_a_probe_nothing_is_measured() -> None:
    judgement = CRITERION.judge(dossier(trials=judged(pytest=None)))

    assert judgement.status is CriterionStatus.NOT_MEASURED
    assert "no probe" in judgement.reason
    assert judgement.remedy


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"pytest": saw(passed=100, container_confirmed=False)}, "does not confirm"),
        ({"pytest": saw(passed=100, containers=())}, "does not confirm"),
        ({"pytest": saw(passed=100, containers=("host",))}, "host is no test container"),
        ({"services": BUILT_ELSEWHERE}, "was not built in this trial"),
        ({"build": build(images=())}, "was not built in this trial"),
        ({"build": None}, "was not built in this trial"),
        ({"pytest": saw(skipped=100)}, "none of 100 tests ran"),
        ({"pytest": saw()}, "none of 100 tests ran"),
        ({"pytest": saw(passed=1)}, "99 of 100 tests came to no result"),
        ({"pytest": saw(exit_status=None, passed=100)}, "pytest to no end"),
        ({"pytest": saw(passed=89, skipped=11)}, "11 of 100 tests were skipped"),
        ({"pytest": saw(passed=89, skipped=5, xfailed=6)}, "more than 10%"),
        ({"pytest": saw(passed=100, deselected=1)}, "deselected: 1 test"),
        ({"pytest": saw(passed=100, arguments=("--lf",))}, "tests are left out by --lf"),
        ({"pytest": saw(passed=100, left_out_by=("--ignore tests/db",))}, "by --ignore tests/db"),
        (
            {"pytest": saw(passed=100, left_out_by=("collect_ignore in /app/conftest.py a.py",))},
            "left out by collect_ignore in /app/conftest.py a.py",
        ),
        (
            {"pytest": saw(passed=100, left_out_by=("collect_ignore_glob in /conftest.py *_api",))},
            "left out by collect_ignore_glob",
        ),
        ({"pytest": saw(passed=100, arguments=("--ignore=tests/db",))}, "--ignore=tests/db"),
        ({"arguments": ("-k", "money"), "arguments_by": "command"}, "-k money"),
        ({"arguments": ("tests/unit",), "arguments_by": "environment"}, "tests/unit"),
        ({"partial": Partial(since="x", selected=3, left_out=97)}, "97 were left out"),
        (
            {"settings": {"command": {"value": "pytest tests/unit", "source": "command line"}}},
            "the setting command was given on the command line",
        ),
        ({"split": split(proof=SplitProof(files=1, shared_files=0, tests=1, faults=("a",)))}, "a"),
        (
            {"doubts": (Doubt(key="outcome-changed-by-hook", what="a hook made it pass"),)},
            "outcome-changed-by-hook (a hook made it pass)",
        ),
    ],
)
def test_what_is_not_the_whole_suite_in_its_container_does_not_meet_it(
    changed: dict[str, Any], words: str
) -> None:
    judgement = CRITERION.judge(dossier(trials=judged(**changed)))

    assert judgement.status is NOT_MET
    assert words in judgement.reason
    assert judgement.remedy


def test_an_option_is_told_once_however_often_it_was_seen() -> None:
    seen = saw(
        passed=100, arguments=("--ignore=tests/db",), left_out_by=("--ignore /app/tests/db",)
    )

    reason = CRITERION.judge(dossier(trials=judged(pytest=seen))).reason

    assert reason == "tests are left out by --ignore /app/tests/db"


def test_an_expression_that_deselects_nothing_leaves_nothing_out() -> None:
    seen = saw(passed=100, left_out_by=("-m not slow", "-k not old"))

    assert CRITERION.judge(dossier(trials=judged(pytest=seen))).status is CriterionStatus.MET


def test_a_test_file_of_the_commit_without_a_result_is_named() -> None:
    judgement = CRITERION.judge(dossier(untested_files=("tests/db/test_a.py", "tests/test_b.py")))

    assert judgement.status is NOT_MET
    assert judgement.reason == "no test was collected of tests/db/test_a.py, tests/test_b.py"
    assert "verdict.not_tests" in judgement.remedy


def test_test_files_that_cannot_be_told_are_not_measured() -> None:
    judgement = CRITERION.judge(dossier(untested_files=None))

    assert judgement.status is CriterionStatus.NOT_MEASURED


def test_a_container_of_no_worker_is_a_stranger_although_the_engine_ran_it() -> None:
    services = (*stack(worker=1), *stack(worker=2), *stack(worker=3))
    seen = saw(passed=100, containers=("test-1", "test-3"))

    judgement = CRITERION.judge(dossier(trials=judged(services=services, pytest=seen)))

    assert judgement.status is NOT_MET
    assert "test-3 is no test container" in judgement.reason


def test_a_split_that_is_not_proven_is_not_measured() -> None:
    judgement = CRITERION.judge(dossier(trials=judged(split=split(proof=None))))

    assert judgement.status is CriterionStatus.NOT_MEASURED
    assert "not proven" in judgement.reason


def test_arguments_that_only_change_what_is_printed_leave_it_the_suite() -> None:
    trials = judged(arguments=("-q", "--tb=short", "-x"), arguments_by="command")

    assert CRITERION.judge(dossier(trials=trials)).status is CriterionStatus.MET


def test_a_setting_of_the_project_is_part_of_the_commit() -> None:
    trials = judged(settings={"command": {"value": "pytest", "source": "seatrial.toml"}})

    assert CRITERION.judge(dossier(trials=trials)).status is CriterionStatus.MET


def test_the_settings_can_allow_what_is_left_out() -> None:
    by = ("collect_ignore in conftest.py a.py",)
    ignoring = ("--ignore=tests/db",)
    seen = saw(passed=80, skipped=20, deselected=5, arguments=ignoring, left_out_by=by)
    rules = settings({"allow_deselected": True, "max_not_run": 0.2})

    judgement = CRITERION.judge(
        dossier(trials=judged(pytest=seen), settings=rules, untested_files=("test_a.py",))
    )

    assert judgement.status is CriterionStatus.MET
    assert "20 were skipped or expected to fail, 5 deselected" in judgement.reason


def test_an_outdated_drill_confirms_nothing() -> None:
    judgement = CRITERION.judge(dossier(trials=(trial(),), drills=drills(outdated="40 days old")))

    assert judgement.confidence is Confidence.MEDIUM


def test_two_containers_without_a_split_are_not_explained() -> None:
    judgement = CRITERION.judge(dossier(trials=judged(split=None)))

    assert judgement.status is CriterionStatus.NOT_MEASURED
    assert "no split, and 2 containers" in judgement.reason


def test_a_trial_by_one_worker_needs_no_proof_of_a_split() -> None:
    trials = (trial(record=one_worker()),)

    assert CRITERION.judge(dossier(trials=trials)).status is CriterionStatus.MET


def test_counts_and_the_file_of_results_are_evidence() -> None:
    rows = {(row.file.rpartition("/")[2], row.where) for row in CRITERION.judge(dossier()).evidence}

    assert ("record.json", "/pytest/counts/deselected") in rows
    assert ("tests.jsonl", "") in rows


def test_another_trial_without_a_probe_confirms_nothing() -> None:
    trials = trial(number=9), trial(number=8, pytest=None)

    assert CRITERION.judge(dossier(trials=trials, drills=None)).confidence is Confidence.MEDIUM
