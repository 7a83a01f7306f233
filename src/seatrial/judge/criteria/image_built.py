"""Criterion 5: the test image was built in the trial, from the Dockerfile of this commit."""

from collections.abc import Iterator

from seatrial.evidence.build import BuiltImage
from seatrial.evidence.record import Record
from seatrial.judge.criterion import Criterion
from seatrial.judge.dossier import Dossier
from seatrial.judge.model import Confidence, Evidence, Judgement
from seatrial.judge.refusal import Refusal, against, judge_by, lacks, named
from seatrial.judge.rehearsed import passed_drills
from seatrial.judge.series import confidence
from seatrial.words import counted

__all__ = ["CRITERION"]

_ID_SHOWN = 19
"""`sha256:` and twelve digits."""


def _judge(dossier: Dossier) -> Judgement:
    record = dossier.trial.record
    image = _built_image(record)
    drills = passed_drills(dossier, ("build-fails",))
    sources = record.coverage.sources if record.coverage else None
    witness = (
        f"{counted(sources.equal, 'measured source file')} in it equal the project's"
        if sources and sources.equal
        else "no measured source file shows that it holds the project's"
    )
    return judge_by(
        _refusals(dossier, image),
        f"image {image.id[:_ID_SHOWN] if image else ''} was built in this trial from "
        f"{image.dockerfile if image else ''} as it is at commit "
        f"{record.commit.id[:12] if record.commit else ''}; {witness}{_stand_ins(image)}",
        confidence(dossier, lambda other: _same_recipe(other, image), drills)
        if sources and sources.equal
        else Confidence.MEDIUM,
        *_rows(dossier, image),
        *drills,
    )


def _refusals(dossier: Dossier, image: BuiltImage | None) -> Iterator[Refusal]:
    record = dossier.trial.record
    yield from _commit(dossier)
    if image is None:
        yield against(
            f"the image of service {record.test_service} was not built in this trial",
            f"give service {record.test_service} a `build:` in the compose file",
        )
        return
    yield from _dockerfile(dossier, image)
    sources = record.coverage.sources if record.coverage else None
    if sources and sources.differ:
        yield against(
            f"{counted(sources.differ, 'source file')} in the image differ from the project's",
            "build the image from this tree",
        )


def _commit(dossier: Dossier) -> Iterator[Refusal]:
    tried, now = dossier.trial.record.commit, dossier.commit
    if tried is None or now is None:
        yield lacks("no commit is known", "put the project under git's control")
    elif tried.id != now.id:
        yield against(
            f"the trial is of commit {tried.id[:12]}, the tree at {now.id[:12]}",
            "run a trial of this commit",
        )
    elif tried.dirty or now.dirty:
        whose = "the trial ran" if tried.dirty else "the tree is"
        yield against(
            f"{whose} with changes that are not in the commit", "commit them, and run a new trial"
        )


def _dockerfile(dossier: Dossier, image: BuiltImage) -> Iterator[Refusal]:
    if image.dockerfile is None or image.dockerfile_sha256 is None:
        yield lacks(
            "the image was not built from a file of the project",
            "keep the Dockerfile in the project",
        )
        return
    committed = dossier.dockerfiles.get(image.dockerfile)
    if committed is None:
        yield against(f"the commit has no {image.dockerfile}", "commit the Dockerfile")
    elif committed.sha256 != image.dockerfile_sha256:
        yield against(
            f"{image.dockerfile} has another content in the commit than the one that was built",
            "run a trial of the commit as it is",
        )


def _built_image(record: Record) -> BuiltImage | None:
    """The image that this trial built and every test container ran on; None: there is not one."""
    used = {
        service.image.id if service.image and service.image.built else None
        for service in record.services
        if service.role == "test"
    }
    images = {image.id: image for image in record.build.images} if record.build else {}
    return images.get(used.pop() or "") if len(used) == 1 else None


def _same_recipe(record: Record, image: BuiltImage | None) -> bool:
    other = _built_image(record)
    return (
        other is not None
        and image is not None
        and other.dockerfile_sha256 == image.dockerfile_sha256
    )


def _stand_ins(image: BuiltImage | None) -> str:
    names = [base.name for base in image.base_images if base.stand_in] if image else []
    return f"; only a stand-in of its name: {named(names)}" if names else ""


def _rows(dossier: Dossier, image: BuiltImage | None) -> Iterator[Evidence]:
    trial = dossier.trial
    commit = trial.record.commit
    yield trial.exhibit.row("commit", commit.id if commit else None, where="/commit/id")
    yield trial.exhibit.row(
        "changes that are not in the commit",
        commit.dirty if commit else None,
        where="/commit/dirty",
    )
    if image is None or trial.record.build is None:
        yield trial.exhibit.row("images built", None, where="/build/images")
        return
    place = f"/build/images/{trial.record.build.images.index(image)}"
    yield trial.exhibit.row("image built", image.id, where=f"{place}/id")
    if image.target:
        yield trial.exhibit.row("stage", image.target, where=f"{place}/target")
    yield trial.exhibit.row(
        "Dockerfile's sha256", image.dockerfile_sha256, where=f"{place}/dockerfile_sha256"
    )
    committed = dossier.dockerfiles.get(image.dockerfile or "")
    if committed:
        yield committed.row("Dockerfile of the commit", committed.sha256)
    if log := trial.file("logs/build.log"):
        yield log.row("the builder's log", trial.record.build.state)


CRITERION = Criterion(
    key="image-built",
    statement="The test image was built in the trial, from the Dockerfile of this commit.",
    requires="The id of the image that this trial built and the tests ran on; its Dockerfile's "
    "sha256, equal to the commit's; a clean tree; measured sources equal to the project's.",
    weight=15,
    judge=_judge,
)
