"""What is known of the way back to the commit that was approved before."""

from seatrial.evidence.model import Model
from seatrial.evidence.record import Image
from seatrial.judge.dossier import Dossier
from seatrial.judge.model import Evidence
from seatrial.judge.signs import Case, Seen, Sign

__all__ = ["HAS_WAY_BACK", "REHEARSED", "RollbackPlan", "plan_rollback"]


class RollbackPlan(Model):
    """The way back; nothing in it is supposed, and what is not known is named."""

    commit: str | None
    """The commit that was approved before; None: there is none."""
    trial: str | None = None
    """The trial that it was approved on."""
    images: tuple[Image, ...] = ()
    """What that trial built; whether it is still in an engine or a registry was not looked at."""
    commands: tuple[str, ...] = ()
    not_known: tuple[str, ...] = ()
    evidence: tuple[Evidence, ...] = ()


def plan_rollback(dossier: Dossier) -> RollbackPlan:
    """The commit, its images and the commands; or that there is nothing to go back to."""
    before = dossier.approved_before
    rehearsal = "whether a rollback works: none was rehearsed"
    if before is None:
        return RollbackPlan(
            commit=None,
            not_known=("a commit to go back to: no earlier approval is kept here", rehearsal),
        )
    unnamed = [image.name for image in before.images if image.digest is None]
    images = (
        (f"digests of {', '.join(sorted(unnamed))}: no registry knows them",) if unnamed else ()
    )
    return RollbackPlan(
        commit=before.commit,
        trial=before.trial,
        images=tuple(sorted(before.images, key=lambda image: (image.name, image.id))),
        commands=(
            f"git checkout {before.commit}",
            "seatrial run --fresh",
            "seatrial approve",
        ),
        not_known=(*images, "how this project is deployed", rehearsal),
        evidence=(before.exhibit.row("approved commit", before.commit, where="/commit/id"),),
    )


def _way_back(case: Case) -> Seen:
    before = case.dossier.approved_before
    if before is None:
        return Seen(None, "no earlier approval is kept here")
    return Seen(
        True,
        f"commit {before.commit[:12]} was approved on trial {before.trial}",
        (before.exhibit.row("approved commit", before.commit, where="/commit/id"),),
    )


HAS_WAY_BACK = Sign("there is an approved commit to go back to", "an earlier approval", _way_back)
REHEARSED = Sign(
    "a rollback was rehearsed",
    "a rehearsed rollback",
    lambda _: Seen(None, "no rollback was rehearsed"),
)
