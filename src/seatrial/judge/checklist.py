"""The readiness checklist: each line is what something that ran came to, or says nothing did."""

from collections.abc import Mapping, Sequence
from typing import Literal

from seatrial.evidence.audit import Severity
from seatrial.evidence.model import Model
from seatrial.judge import trial_signs as trials
from seatrial.judge.benchmarks import benchmarks
from seatrial.judge.dossier import Dossier
from seatrial.judge.model import CriterionResult, Evidence
from seatrial.judge.rollback import HAS_WAY_BACK, REHEARSED
from seatrial.judge.signs import (
    Case,
    Seen,
    Sign,
    audited,
    criterion,
    drilled,
    look_at,
)
from seatrial.settings import (
    ChecklistGroup,
    CommandCriterion,
    MetricCriterion,
    VerdictSettings,
)

__all__ = ["CHECKLIST", "ChecklistLine", "check_readiness"]

LineStatus = Literal["yes", "no", "nothing ran"]


class ChecklistLine(Model):
    """One line."""

    group: str
    statement: str
    status: LineStatus
    """`nothing ran`: whether it is so was not measured."""
    by: str
    """What ran, or would have to."""
    found: str
    evidence: tuple[Evidence, ...] = ()


def _nobody(question: str, by: str, why: str) -> Sign:
    return Sign(question, by, lambda _: Seen(None, why))


def _passed(case: Case) -> Seen:
    pytest = case.record.pytest
    row = case.dossier.trial.exhibit.row("status", case.record.status.value, where="/status")
    if pytest is None:
        return Seen(None, "no probe reported", (row,))
    counts = pytest.counts
    bad = counts.failed + counts.errors
    told = (
        f"{counts.passed} of {counts.collected} collected tests passed, {bad} failed, "
        f"{counts.skipped} skipped, {counts.xfailed} expected to fail, "
        f"{counts.deselected} deselected"
    )
    return Seen(case.record.exit_code == 0 and not bad, told, (row,))


_WITHOUT_OWN: Mapping[ChecklistGroup, Sign] = {
    "code quality": _nobody(
        "the project's own criteria are met",
        "commands and metrics of the project",
        "the project has no criteria of its own",
    ),
    "documentation": _nobody(
        "the documentation describes this commit",
        "a criterion of the project's own",
        "Seatrial does not read documentation; a command of verdict.command_criteria with group = "
        '"documentation" can',
    ),
}
"""What stands in a group if none of the project's own criteria is in it."""

CHECKLIST: Mapping[ChecklistGroup, tuple[Sign, ...]] = {
    "code quality": (
        trials.of_trial("the tests pass", "the judged trial", _passed),
        trials.NO_RETRIES,
        criterion("coverage-extracted", "coverage is measured on the commit's own sources"),
        criterion("coverage-enforced", "a coverage threshold is enforced"),
    ),
    "performance": (
        criterion("time-budget", "tests are within their time budget"),
        criterion("performance-kept", "performance is looked after"),
        trials.BUDGETS_KEPT,
        trials.MEMORY_TO_SPARE,
    ),
    "security": (
        trials.UNTOUCHED,
        audited("no finding of severity high", Severity.HIGH),
        audited("no finding of severity medium", Severity.MEDIUM),
        audited(
            "no finding of severity high on secrets in Dockerfile, compose file or image history",
            Severity.HIGH,
            "secret-in-image",
            "secret-in-compose",
        ),
    ),
    "documentation": (),
    "monitoring": (
        criterion("artifacts-extracted", "results, coverage and logs of every run are kept"),
        drilled(
            "a failing environment is told with its cause",
            "build-fails",
            "dependency-dies",
            "never-healthy",
        ),
        _nobody(
            "the deployed service is watched",
            "nothing that Seatrial has",
            "Seatrial watches trials, not deployments",
        ),
    ),
    "rollback": (HAS_WAY_BACK, REHEARSED),
}


def check_readiness(
    dossier: Dossier, results: Sequence[CriterionResult]
) -> tuple[ChecklistLine, ...]:
    """All lines, group by group; the project's own criteria stand last in theirs."""
    case = Case(dossier, {result.key: result for result in results}, benchmarks(dossier))
    return tuple(
        _line(group, sign, look_at(sign, case))
        for group, signs in CHECKLIST.items()
        for sign in (*signs, *_own(group, dossier.settings.verdict))
    )


def _own(group: ChecklistGroup, rules: VerdictSettings) -> list[Sign]:
    criteria: dict[str, CommandCriterion | MetricCriterion] = {
        **rules.command_criteria,
        **rules.metric_criteria,
    }
    own = [
        criterion(key, one.statement) for key, one in sorted(criteria.items()) if one.group == group
    ]
    without = _WITHOUT_OWN.get(group)
    return own if own or without is None else [without]


def _line(group: str, sign: Sign, seen: Seen) -> ChecklistLine:
    status: LineStatus = "nothing ran"
    if seen.good is not None:
        status = "yes" if seen.good else "no"
    return ChecklistLine(
        group=group,
        statement=sign.question,
        status=status,
        by=sign.by,
        found=seen.what,
        evidence=seen.evidence,
    )
