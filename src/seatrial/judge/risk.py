"""Nine areas of risk, each as high as the worst answer to what is asked about it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from seatrial.evidence.audit import Severity
from seatrial.evidence.model import Model
from seatrial.judge import trial_signs as trials
from seatrial.judge.benchmarks import benchmarks
from seatrial.judge.dossier import Dossier
from seatrial.judge.model import CriterionResult, Evidence
from seatrial.judge.rollback import HAS_WAY_BACK, REHEARSED
from seatrial.judge.signs import Case, Seen, Sign, audited, criterion, drilled, look_at

__all__ = ["AREAS", "Level", "Risk", "Rule", "assess_risks"]


class Level(StrEnum):
    """How much speaks for harm."""

    LOW = "low"
    """All that is asked about the area was measured and is good."""
    MEDIUM = "medium"
    """Something was not measured, or is not good in a way that costs time."""
    HIGH = "high"
    """Something is not good in a way that harms, or nothing was measured."""


class Risk(Model):
    """One area."""

    area: str
    level: Level
    reason: str
    """The answers that decided."""
    evidence: tuple[Evidence, ...] = ()


@dataclass(frozen=True)
class Rule:
    """What an area's risk is if a question is answered with no."""

    sign: Sign
    if_not: Level


def _audited(about: str = "", *rules: str) -> tuple[Rule, Rule]:
    return (
        Rule(audited(f"no finding of severity high{about}", Severity.HIGH, *rules), Level.HIGH),
        Rule(
            audited(f"no finding of severity medium{about}", Severity.MEDIUM, *rules), Level.MEDIUM
        ),
    )


AREAS: Mapping[str, tuple[Rule, ...]] = {
    "containers": (
        Rule(criterion("contained-tests", "tests run in containers"), Level.HIGH),
        Rule(criterion("image-built", "the image is built from the project"), Level.HIGH),
        *_audited(
            " on what containers may do",
            "runs-as-root",
            "engine-socket",
            "host-path",
            "privileged",
            "host-namespace",
            "added-capability",
            "unconfined",
        ),
    ),
    "orchestration": (
        Rule(
            criterion("ready-and-parallel", "dependencies are ready first, and work is parallel"),
            Level.MEDIUM,
        ),
        Rule(trials.READINESS_PROVEN, Level.MEDIUM),
        Rule(trials.NO_RESTARTS, Level.MEDIUM),
        Rule(
            drilled(
                "a dependency that dies or never gets ready is told",
                "dependency-dies",
                "never-healthy",
            ),
            Level.MEDIUM,
        ),
        *_audited(
            " on readiness and networks",
            "no-health-check",
            "fixed-sleep",
            "network-not-isolated",
        ),
    ),
    "errors": (
        Rule(criterion("errors-handled", "errors are handled"), Level.HIGH),
        Rule(
            audited(
                "no finding of severity high on hidden failures",
                Severity.HIGH,
                "swallowed-exit-code",
                "continue-on-error",
            ),
            Level.HIGH,
        ),
    ),
    "clean-up": (
        Rule(criterion("cleaned-up", "everything is cleaned up"), Level.HIGH),
        Rule(trials.LEFT_NOTHING, Level.HIGH),
    ),
    "performance": (
        Rule(criterion("time-budget", "tests are within their time budget"), Level.MEDIUM),
        Rule(criterion("performance-kept", "performance is looked after"), Level.MEDIUM),
        Rule(trials.BUDGETS_KEPT, Level.MEDIUM),
        Rule(trials.ENOUGH_TRIALS, Level.MEDIUM),
    ),
    "resources": (
        Rule(trials.MEMORY_TO_SPARE, Level.MEDIUM),
        Rule(trials.NEVER_KILLED, Level.HIGH),
        Rule(trials.SAMPLED, Level.MEDIUM),
        Rule(drilled("running out of memory is told", "out-of-memory"), Level.MEDIUM),
    ),
    "reliability": (
        Rule(trials.NO_RETRIES, Level.MEDIUM),
        Rule(trials.FAILURE_RATE, Level.HIGH),
        Rule(trials.NO_RESTARTS, Level.MEDIUM),
    ),
    "security": (
        Rule(trials.UNTOUCHED, Level.HIGH),
        *_audited(),
    ),
    "rollback": (
        Rule(HAS_WAY_BACK, Level.HIGH),
        Rule(REHEARSED, Level.MEDIUM),
    ),
}
"""What is asked about each area. Not one question may go unanswered where a risk is low."""


def assess_risks(dossier: Dossier, results: Sequence[CriterionResult]) -> tuple[Risk, ...]:
    """The nine areas in their order.

    An area is as high as the worst of its questions that are answered with no; medium at least if
    one has no answer; high if none has one.
    """
    case = Case(dossier, {result.key: result for result in results}, benchmarks(dossier))
    return tuple(_assess(area, rules, case) for area, rules in AREAS.items())


def _assess(area: str, rules: Sequence[Rule], case: Case) -> Risk:
    seen = [(rule, look_at(rule.sign, case)) for rule in rules]
    level = _level(seen)
    wrong = [one for one in seen if one[1].good is False]
    decided = [one for one in wrong if one[0].if_not is level] or wrong
    if level is Level.LOW:
        told = _told("", seen)
    else:
        unknown = [one for one in seen if one[1].good is None]
        told = [*_told("not so: ", decided), *_told("not measured: ", unknown)]
    evidence = {row: None for _, answer in seen for row in answer.evidence}
    return Risk(area=area, level=level, reason="; ".join(told), evidence=tuple(evidence))


def _level(seen: Sequence[tuple[Rule, Seen]]) -> Level:
    bad = {rule.if_not for rule, answer in seen if answer.good is False}
    if Level.HIGH in bad or all(answer.good is None for _, answer in seen):
        return Level.HIGH
    if bad or any(answer.good is None for _, answer in seen):
        return Level.MEDIUM
    return Level.LOW


def _told(head: str, seen: Sequence[tuple[Rule, Seen]]) -> list[str]:
    """The questions, those together that have the same answer."""
    questions: dict[str, list[str]] = {}
    for rule, answer in seen:
        questions.setdefault(answer.what, []).append(rule.sign.question)
    return [f"{head}{', '.join(asked)} ({answer})" for answer, asked in questions.items()]
