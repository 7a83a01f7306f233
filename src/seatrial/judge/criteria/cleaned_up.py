"""Criterion 8: nothing is left in the engine, after success, failure and kill."""

import re
from collections.abc import Iterator

from seatrial.evidence.record import Record
from seatrial.judge.criterion import Criterion
from seatrial.judge.dossier import Dossier
from seatrial.judge.model import Confidence, Evidence, Judgement
from seatrial.judge.refusal import Refusal, against, judge_by, lacks, named
from seatrial.judge.rehearsed import REHEARSE, rehearsal

__all__ = ["CRITERION"]

_DRILLS = {"test-fails": "a failure", "killed": "a kill"}
_OF_A_TRIAL = re.compile(r"^seatrial-.+-(\d{8}-\d{6}-[0-9a-f]{6})(?![0-9a-f])")


def _judge(dossier: Dossier) -> Judgement:
    clean_up = dossier.trial.record.clean_up
    removed = clean_up.removed_containers + clean_up.removed_networks + clean_up.removed_volumes
    others = len(clean_up.difference)
    return judge_by(
        _refusals(dossier),
        f"none of {len(removed)} containers, networks and volumes is left after this trial, nor "
        "any after a failure and a kill in the drills"
        + (f"; {others} that came meanwhile are of other trials" if others else ""),
        Confidence.HIGH,
        *_rows(dossier),
    )


def _refusals(dossier: Dossier) -> Iterator[Refusal]:
    record = dossier.trial.record
    clean_up = record.clean_up
    if clean_up.left or clean_up.faults:
        yield against(
            f"left in the engine: {named(clean_up.left or clean_up.faults)}",
            "run `seatrial clean`, and see what kept it",
        )
    elif not clean_up.removed_containers:
        yield lacks("no container was removed, so none was there", "run a trial with containers")
    if clean_up.held_before is None or clean_up.held_after is None:
        yield lacks("what the engine held before and after is not known", "run a new trial")
    if unexplained := _unexplained(record):
        yield lacks(
            "the engine holds what it did not hold before, and no other trial's name is on it: "
            f"{named(unexplained)}",
            "see who made it; run a new trial while nobody else uses the engine",
        )
    for key, after in _DRILLS.items():
        drill = rehearsal(dossier, key)
        if drill.result and drill.result.left:
            yield against(
                f"after {after} there was left: {named(drill.result.left)}",
                "run `seatrial clean`, and see what kept it",
            )
        elif not drill.passed:
            why = drill.why_not or f"the drill {key} failed"
            yield lacks(f"clean-up after {after} is not shown: {why}", REHEARSE)


def _unexplained(record: Record) -> tuple[str, ...]:
    """What came meanwhile and does not carry the name of another trial."""
    found = []
    for name in record.clean_up.difference:
        match = _OF_A_TRIAL.match(name)
        if match is None or match[1] == record.id:
            found.append(name)
    return tuple(found)


def _rows(dossier: Dossier) -> Iterator[Evidence]:
    exhibit, clean_up = dossier.trial.exhibit, dossier.trial.record.clean_up
    yield exhibit.row("left in the engine", len(clean_up.left), where="/clean_up/left")
    yield exhibit.row(
        "in the engine after and not before",
        len(clean_up.difference),
        where="/clean_up/difference",
    )
    for name, held in (("before", clean_up.held_before), ("after", clean_up.held_after)):
        value = f"{held.containers}, {held.networks}, {held.volumes}" if held else None
        yield exhibit.row(
            f"containers, networks, volumes {name}", value, where=f"/clean_up/held_{name}"
        )
    for key in _DRILLS:
        yield from rehearsal(dossier, key).evidence


CRITERION = Criterion(
    key="cleaned-up",
    statement="Nothing is left in the engine after success, failure and kill.",
    requires="What the engine held before and after this trial, and what carried its label; the "
    "same of the drills in which a test failed and the trial was killed.",
    weight=10,
    judge=_judge,
)
