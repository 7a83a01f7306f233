"""Criterion 4: a coverage threshold is set and reached, and a trial below it fails."""

from collections.abc import Iterator

from seatrial.judge.criterion import Criterion
from seatrial.judge.dossier import Dossier
from seatrial.judge.model import Confidence, Evidence, Judgement
from seatrial.judge.refusal import Refusal, against, judge_by, lacks, named
from seatrial.judge.rehearsed import REHEARSE, rehearsal
from seatrial.judge.suite import part_of_the_suite

__all__ = ["CRITERION"]

_DRILL = "coverage-falls"


def _judge(dossier: Dossier) -> Judgement:
    coverage = dossier.trial.record.coverage
    percent = coverage.percent if coverage and coverage.measured else None
    threshold = _threshold(dossier)
    return judge_by(
        _refusals(dossier, percent, threshold),
        f"coverage is {percent or 0:.2f} %, the threshold {threshold or 0:g} %; a trial below it "
        "failed in the drill",
        Confidence.HIGH,
        *_rows(dossier, percent),
        *rehearsal(dossier, _DRILL).evidence,
    )


def _threshold(dossier: Dossier) -> float | None:
    """What the settings ask for now, else what the trial was held against."""
    asked = dossier.settings.coverage.fail_under
    coverage = dossier.trial.record.coverage
    held = coverage.threshold.percent if coverage and coverage.threshold else None
    return asked if asked is not None else held


def _refusals(
    dossier: Dossier, percent: float | None, threshold: float | None
) -> Iterator[Refusal]:
    record = dossier.trial.record
    if not threshold:
        yield lacks(
            "no coverage threshold is set", "set coverage.fail_under, or fail_under for coverage.py"
        )
    if percent is None:
        yield lacks(
            "coverage was not measured", "let the test command measure it, or coverage.switch_on"
        )
    elif part := part_of_the_suite(record):
        yield lacks(f"the coverage is not the suite's: {part}", "run the whole suite")
    elif threshold and percent < threshold:
        yield against(
            f"coverage {_below(percent, threshold)} % is below {threshold:g} %",
            "test what is not covered",
        )
    held = record.coverage.threshold if record.coverage else None
    if threshold and percent is not None and (held is None or held.percent < threshold):
        yield lacks("the trial was not held against this threshold", "run a new trial")
    drill = rehearsal(dossier, _DRILL)
    if drill.passed is False and drill.result:
        yield against(
            f"in the drill coverage below the threshold was not handled: "
            f"{named(drill.result.faults) or drill.result.reason}",
            "let a trial with too little coverage fail",
        )
    elif not drill.passed:
        yield lacks(
            f"nothing shows that a trial below the threshold fails: {drill.why_not}", REHEARSE
        )


def _below(percent: float, threshold: float) -> str:
    """With digits enough to show that it is below."""
    digits = next((d for d in range(2, 8) if round(percent, d) < threshold), 8)
    return f"{percent:.{digits}f}"


def _rows(dossier: Dossier, percent: float | None) -> Iterator[Evidence]:
    exhibit = dossier.trial.exhibit
    yield exhibit.row("coverage", percent, "%", "/coverage/percent")
    coverage = dossier.trial.record.coverage
    held = coverage.threshold if coverage else None
    yield exhibit.row(
        f"threshold of the trial{f' ({held.source})' if held else ''}",
        held.percent if held else None,
        "%",
        "/coverage/threshold/percent",
    )


CRITERION = Criterion(
    key="coverage-enforced",
    statement="A coverage threshold is set and reached, and a trial below it fails.",
    requires="The threshold and the measured coverage of this trial; a drill in which coverage "
    "fell below the threshold and the trial failed.",
    weight=10,
    judge=_judge,
)
