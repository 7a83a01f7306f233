from typing import Any

import pytest

from seatrial.evidence.build import BaseImage, Build, BuiltImage
from seatrial.evidence.coverage import SourceCheck
from seatrial.evidence.record import FileEntry
from seatrial.judge.criteria.image_built import CRITERION
from seatrial.judge.model import Confidence, CriterionStatus
from unit.judge.dossiers import (
    COMMIT,
    DOCKERFILE,
    OLDER,
    TEST_IMAGE,
    build,
    commit,
    coverage,
    dossier,
    exhibit,
    judged,
    stack,
    trial,
)


def built(**values: Any) -> Build:
    """A build of the test image, with these fields."""
    image = build().images[0]
    return build(images=(BuiltImage.model_validate(image.model_dump() | values),))


def test_an_image_of_the_commits_dockerfile_meets_it() -> None:
    judgement = CRITERION.judge(dossier())

    assert (judgement.status, judgement.confidence) == (CriterionStatus.MET, Confidence.HIGH)
    assert f"from {DOCKERFILE} as it is at commit {COMMIT[:12]}" in judgement.reason
    assert "2 measured source files in it equal" in judgement.reason
    assert [row.value for row in judgement.evidence if row.where == "/build/images/0/id"] == [
        TEST_IMAGE
    ]


@pytest.mark.parametrize(
    "changed",
    [
        {"trials": (trial(),), "drills": None},
        {"trials": judged(coverage=None)},
        {"trials": judged(coverage=coverage(sources=SourceCheck(unknown=2)))},
        {
            "trials": (trial(), trial(number=8, build=built(dockerfile_sha256="0" * 64))),
            "drills": None,
        },
    ],
)
def test_without_a_second_witness_it_was_measured_once(changed: dict[str, Any]) -> None:
    judgement = CRITERION.judge(dossier(**changed))

    assert (judgement.status, judgement.confidence) == (CriterionStatus.MET, Confidence.MEDIUM)


def test_a_base_image_that_only_stands_in_is_told() -> None:
    base = BaseImage(name="python:3.13-slim", stand_in="python of Debian")

    judgement = CRITERION.judge(dossier(trials=judged(build=built(base_images=(base,)))))

    assert judgement.status is CriterionStatus.MET
    assert "only a stand-in of its name: python:3.13-slim" in judgement.reason


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        (
            {"commit": commit(OLDER)},
            "the trial is of commit cccccccccccc, the tree at bbbbbbbbbbbb",
        ),
        ({"commit": commit(dirty=True)}, "the tree is with changes"),
        ({"trials": judged(commit=commit(dirty=True))}, "the trial ran with changes"),
        ({"trials": judged(build=None)}, "was not built in this trial"),
        ({"trials": judged(build=build(images=()))}, "was not built in this trial"),
        ({"trials": judged(build=built(id="sha256:9"))}, "was not built in this trial"),
        ({"dockerfiles": {}}, f"the commit has no {DOCKERFILE}"),
        ({"dockerfiles": {DOCKERFILE: exhibit("another")}}, "has another content in the commit"),
        (
            {"trials": judged(coverage=coverage(sources=SourceCheck(equal=1, differ=1)))},
            "1 source file in the image differ",
        ),
    ],
)
def test_an_image_of_something_else_does_not_meet_it(changed: dict[str, Any], words: str) -> None:
    judgement = CRITERION.judge(dossier(**changed))

    assert judgement.status is CriterionStatus.NOT_MET
    assert words in judgement.reason
    assert judgement.remedy


def test_workers_on_two_images_do_not_meet_it() -> None:
    one, *_ = (service for service in stack(worker=2) if service.role == "test")
    assert one.image is not None
    other = one.model_copy(update={"image": one.image.model_copy(update={"id": "sha256:9"})})

    judgement = CRITERION.judge(dossier(trials=judged(services=(*stack(worker=1), other))))

    assert judgement.status is CriterionStatus.NOT_MET


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"commit": None}, "no commit is known"),
        ({"trials": judged(commit=None)}, "no commit is known"),
        ({"trials": judged(build=built(dockerfile=None))}, "not built from a file"),
        ({"trials": judged(build=built(dockerfile_sha256=None))}, "not built from a file"),
    ],
)
def test_what_cannot_be_traced_is_not_measured(changed: dict[str, Any], words: str) -> None:
    judgement = CRITERION.judge(dossier(**changed))

    assert judgement.status is CriterionStatus.NOT_MEASURED
    assert words in judgement.reason


def test_the_commit_the_dockerfile_and_the_builders_log_are_evidence() -> None:
    found = dossier()
    log = FileEntry(path="logs/build.log", size=10, sha256="a" * 64)
    trials = judged(files=(*found.trial.record.files, log))

    rows = CRITERION.judge(dossier(trials=trials)).evidence

    values = {row.where: row.value for row in rows if row.where}
    assert values["/commit/id"] == COMMIT
    assert values["/commit/dirty"] is False
    assert values["/build/images/0/target"] == "test"
    files = {row.file.rpartition("/")[2]: row.sha256 for row in rows}
    assert files["build.log"] == "a" * 64
    assert files[DOCKERFILE] == values["/build/images/0/dockerfile_sha256"]
