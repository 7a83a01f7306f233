from dataclasses import replace
from typing import Any

import pytest

from seatrial.evidence.coverage import Coverage
from seatrial.judge.criteria.artifacts_extracted import CRITERION
from seatrial.judge.model import Confidence, CriterionStatus
from unit.judge.dossiers import coverage, digest, dossier, files, judged, stack, trial

WANTED = [
    "junit.xml",
    "coverage/coverage.json",
    "coverage/coverage.xml",
    "workers/1/logs/test.log",
    "workers/2/logs/test.log",
]


def test_results_coverage_and_logs_that_a_workflow_uploads_meet_it() -> None:
    judgement = CRITERION.judge(dossier())

    assert judgement.status is CriterionStatus.MET
    assert judgement.confidence is Confidence.MEDIUM, "that it uploads is only read"
    assert "5 files" in judgement.reason
    hashes = {row.file: row.sha256 for row in judgement.evidence}
    folder = dossier().trial.exhibit.file.rpartition("/")[0]
    assert hashes[f"{folder}/junit.xml"] == digest("junit.xml")


@pytest.mark.parametrize("path", WANTED)
@pytest.mark.parametrize("how", ["leave_out", "empty"])
def test_a_file_that_is_missing_or_empty_does_not_meet_it(path: str, how: str) -> None:
    judgement = CRITERION.judge(dossier(trials=judged(files=files(**{how: (path,)}))))

    assert judgement.status is CriterionStatus.NOT_MET
    assert path in judgement.reason


def test_files_that_were_changed_since_do_not_meet_it() -> None:
    changed = replace(trial(), faults=("junit.xml has another content",))

    judgement = CRITERION.judge(dossier(trials=(changed,)))

    assert judgement.status is CriterionStatus.NOT_MET
    assert "junit.xml has another content" in judgement.reason


@pytest.mark.parametrize(
    "changed",
    [
        {"coverage": coverage(reports=("coverage/coverage.json",))},
        {"coverage": coverage(reports=())},
        {"services": tuple(s.model_copy(update={"log": None}) for s in trial().record.services)},
    ],
)
def test_a_report_or_log_that_was_never_made_does_not_meet_it(changed: dict[str, Any]) -> None:
    assert CRITERION.judge(dossier(trials=judged(**changed))).status is CriterionStatus.NOT_MET


@pytest.mark.parametrize(
    "changed",
    [
        {"workflow_uploads": None},
        {"trials": judged(services=())},
        {"trials": judged(services=stack(worker=1))},
        {"trials": judged(coverage=None)},
        {"trials": judged(coverage=Coverage(measured=False))},
    ],
)
def test_without_a_workflow_a_test_container_or_coverage_it_is_not_measured(
    changed: dict[str, Any],
) -> None:
    judgement = CRITERION.judge(dossier(**changed))

    assert judgement.status is CriterionStatus.NOT_MEASURED
    assert judgement.remedy
