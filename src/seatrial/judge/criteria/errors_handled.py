"""Criterion 9: failures that were rehearsed ended as they should."""

from collections.abc import Iterator

from seatrial.judge.criterion import Criterion
from seatrial.judge.dossier import Dossier
from seatrial.judge.model import Confidence, Judgement
from seatrial.judge.refusal import Refusal, against, judge_by, lacks, named
from seatrial.judge.rehearsed import REHEARSE, Rehearsal, rehearsal

__all__ = ["CRITERION"]

_DRILLS = (
    "build-fails",
    "dependency-dies",
    "never-healthy",
    "test-fails",
    "test-hangs",
    "out-of-memory",
    "engine-lost",
)
_AT_LEAST = 5
"""Rehearsed. Two may be impossible: a project without services has no dependency that dies or is
never healthy."""


def _judge(dossier: Dossier) -> Judgement:
    drills = [rehearsal(dossier, key) for key in _DRILLS]
    passed = [drill.key for drill in drills if drill.passed]
    impossible = [f"{drill.key} ({drill.why_not})" for drill in drills if _impossible(drill)]
    return judge_by(
        _refusals(drills),
        f"{len(passed)} of {len(_DRILLS)} drills had the right exit code, diagnosis and clean-up"
        + (f"; not rehearsed: {', '.join(impossible)}" if impossible else ""),
        Confidence.HIGH,
        *(row for drill in drills for row in drill.evidence),
    )


def _refusals(drills: list[Rehearsal]) -> Iterator[Refusal]:
    for drill in drills:
        if drill.passed is False and drill.result:
            told = named(drill.result.faults) or drill.result.reason
            yield against(
                f"drill {drill.key} failed{f': {told}' if told else ''}",
                f"see the trial of the drill {drill.key}",
            )
        elif drill.passed is None and not _impossible(drill):
            yield lacks(drill.why_not, REHEARSE)
    made = [drill for drill in drills if drill.passed is not None]
    if len(made) < _AT_LEAST:
        yield lacks(
            f"{len(made)} of {len(drills)} drills were made, fewer than {_AT_LEAST}", REHEARSE
        )


def _impossible(drill: Rehearsal) -> bool:
    """Whether the drill itself says why it cannot be made on this project."""
    return drill.result is not None and drill.passed is None and bool(drill.result.why_not)


CRITERION = Criterion(
    key="errors-handled",
    statement="Failures of build, services, tests and engine end with the right exit code, "
    "diagnosis and clean-up.",
    requires="Drills on the project's own stack, at least five of seven, none of which failed.",
    weight=5,
    judge=_judge,
)
