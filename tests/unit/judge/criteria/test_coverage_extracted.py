from typing import Any

import pytest

from seatrial.evidence.coverage import Coverage, DataFile, SourceCheck
from seatrial.evidence.partial import Partial
from seatrial.judge.criteria.coverage_extracted import CRITERION
from seatrial.judge.model import Confidence, CriterionStatus
from unit.judge.dossiers import (
    DATA,
    coverage,
    covered_file,
    dossier,
    files,
    judged,
    settings,
    trial,
)

MONEY = covered_file("src/shop/money.py", lines=60, covered=57)
API = covered_file("src/shop/api.py", lines=40, covered=38)


def generated(lines: int) -> dict[str, Any]:
    """A measured file that the project does not have."""
    made = covered_file(
        "build/made.py", lines=lines, covered=lines, project_file=None, source="unknown"
    )
    return {"files": (MONEY, API, made), "sources": SourceCheck(equal=2, unknown=1)}


def test_data_of_each_worker_and_equal_sources_meet_it() -> None:
    judgement = CRITERION.judge(dossier())

    assert judgement.status is CriterionStatus.MET
    assert judgement.confidence is Confidence.HIGH
    assert "95.00 %" in judgement.reason
    assert "100 of 100 of the project's lines" in judgement.reason
    assert {row.file.rpartition("/")[2] for row in judgement.evidence} >= {
        "1.coverage",
        "combined.coverage",
    }


def test_a_single_measurement_is_confirmed_by_nothing() -> None:
    judgement = CRITERION.judge(dossier(trials=(trial(),), drills=None))

    assert (judgement.status, judgement.confidence) == (CriterionStatus.MET, Confidence.MEDIUM)


def test_another_trial_with_other_figures_confirms_nothing() -> None:
    trials = trial(number=9), trial(number=8, coverage=coverage(percent=80.0))

    assert CRITERION.judge(dossier(trials=trials, drills=None)).confidence is Confidence.MEDIUM


@pytest.mark.parametrize("measured", [None, Coverage(measured=False, reason="no plug-in")])
def test_what_was_not_measured_is_not_measured(measured: Coverage | None) -> None:
    judgement = CRITERION.judge(dossier(trials=judged(coverage=measured)))

    assert judgement.status is CriterionStatus.NOT_MEASURED
    assert judgement.remedy


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"data_files": ()}, "0 data files of 2 workers"),
        ({"data_files": (DataFile(container_path="/c", path=DATA[0]),)}, "1 data file of 2"),
        ({"data_files": (DataFile(container_path="/large"),)}, "/large"),
        ({"sources": SourceCheck(equal=1, differ=1)}, "1 measured file in the container differ"),
        ({"sources": SourceCheck(unknown=2)}, "none of the measured files"),
        (generated(lines=50), "50 of 150 measured lines"),
        ({"files": (API,), "file_count": 1}, "coverage looked at 40 of 100"),
        (
            {"files": (covered_file("src/shop/money.py", lines=20, covered=20), API)},
            "coverage looked at 60 of 100",
        ),
        (
            {"files": (MONEY, covered_file("src/shop/api.py", 40, 40, source="differs"))},
            "src/shop/api.py",
        ),
    ],
)
def test_coverage_of_something_else_does_not_meet_it(changed: dict[str, Any], words: str) -> None:
    judgement = CRITERION.judge(dossier(trials=judged(coverage=coverage(**changed))))

    assert judgement.status is CriterionStatus.NOT_MET
    assert words in judgement.reason


@pytest.mark.parametrize("changed", [{"leave_out": (DATA[0],)}, {"empty": (DATA[0],)}])
def test_a_data_file_that_is_gone_or_empty_does_not_meet_it(
    changed: dict[str, tuple[str, ...]],
) -> None:
    judgement = CRITERION.judge(dossier(trials=judged(files=files(**changed))))

    assert judgement.status is CriterionStatus.NOT_MET


def test_a_few_generated_files_are_no_matter() -> None:
    trials = judged(coverage=coverage(**generated(lines=10)))

    assert CRITERION.judge(dossier(trials=trials)).status is CriterionStatus.MET


def test_the_share_that_may_be_left_out_is_a_setting() -> None:
    found = dossier(
        trials=judged(coverage=coverage(files=(API,))), settings=settings({"max_uncovered": 0.6})
    )

    assert CRITERION.judge(found).status is CriterionStatus.MET


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"sources": None}, "not held against"),
        (
            {
                "files": (MONEY, covered_file("src/shop/api.py", 40, 40, source="unknown")),
                "sources": SourceCheck(equal=1, unknown=1),
            },
            "could not be compared: src/shop/api.py",
        ),
        ({"files": (API,), "file_count": 501}, "names 1 of 501 measured files"),
    ],
)
def test_what_cannot_be_told_is_not_measured(changed: dict[str, Any], words: str) -> None:
    data = {"source_files": {"src/shop/money.py": 60, "src/shop/api.py": 40}}
    if "could not" in words:
        data = {"source_files": {"src/shop/money.py": 60}}

    judgement = CRITERION.judge(dossier(trials=judged(coverage=coverage(**changed)), **data))

    assert judgement.status is CriterionStatus.NOT_MEASURED
    assert words in judgement.reason


def test_a_record_that_names_not_all_files_says_so_and_counts_those_it_names() -> None:
    judgement = CRITERION.judge(dossier(trials=judged(coverage=coverage(file_count=501))))

    assert judgement.status is CriterionStatus.MET
    assert "at least 100 of 100" in judgement.reason


@pytest.mark.parametrize("unknown", [None, {}])
def test_without_the_projects_own_files_it_is_not_measured(
    unknown: dict[str, int] | None,
) -> None:
    judgement = CRITERION.judge(dossier(source_files=unknown))

    assert judgement.status is CriterionStatus.NOT_MEASURED


def test_coverage_of_a_part_of_the_tests_is_not_measured() -> None:
    trials = judged(partial=Partial(since="x", selected=3, left_out=97))

    assert CRITERION.judge(dossier(trials=trials)).status is CriterionStatus.NOT_MEASURED


def test_two_containers_without_a_split_are_not_explained() -> None:
    judgement = CRITERION.judge(dossier(trials=judged(split=None)))

    assert judgement.status is CriterionStatus.NOT_MEASURED
    assert "no split" in judgement.reason


def test_what_is_just_within_the_share_meets_it() -> None:
    changed = generated(lines=25)
    money = covered_file("src/shop/money.py", lines=40, covered=40)

    foreign = CRITERION.judge(dossier(trials=judged(coverage=coverage(**changed))))
    excluded = CRITERION.judge(dossier(trials=judged(coverage=coverage(files=(money, API)))))

    assert foreign.status is CriterionStatus.MET, "25 of 125 lines"
    assert excluded.status is CriterionStatus.MET, "20 of 100 lines"


def test_the_total_and_the_comparison_of_sources_are_evidence() -> None:
    rows = {row.where: row.value for row in CRITERION.judge(dossier()).evidence}

    assert rows["/coverage/percent"] == 95.0
    assert rows["/coverage/sources/differ"] == 0
