import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seatrial.audit.rules import RULES
from seatrial.evidence.audit import Severity
from seatrial.evidence.doubt import Doubt
from seatrial.evidence.record import CleanUp, Phase, PhaseName
from seatrial.judge.checklist import CHECKLIST, check_readiness
from seatrial.judge.criteria import CRITERIA
from seatrial.judge.dossier import CommandResult, Dossier, EarlierApproval, TrialEvidence
from seatrial.judge.model import Confidence, CriterionStatus
from seatrial.judge.risk import AREAS, Level, Risk, assess_risks
from seatrial.judge.score import judge_criteria
from seatrial.judge.signs import Case, Seen, Sign, look_at
from seatrial.settings import Budgets
from unit.factories import make_resources
from unit.judge.dossiers import (
    DRILLS,
    OLDER,
    dossier,
    drills,
    exhibit,
    full_record,
    judged,
    settings,
    trial,
)
from unit.judge.verdicts import audit, audited, finding, results

SIGNS = [
    *(rule.sign for rules in AREAS.values() for rule in rules),
    *(sign for signs in CHECKLIST.values() for sign in signs),
]


def risk(of: Dossier, area: str) -> Risk:
    return next(one for one in assess_risks(of, results(of)) if one.area == area)


def names(kind: str) -> set[str]:
    """What the signs of a kind ask for, as they say it themselves."""
    told = (re.fullmatch(rf"{kind} \(?(.+?)\)?", sign.by) for sign in SIGNS)
    return {name for found in told if found for name in found[1].split(", ")}


def test_every_criterion_drill_and_rule_that_is_asked_for_exists() -> None:
    assert names("criterion") == {one.key for one in CRITERIA}
    assert names("drill") <= set(DRILLS)
    assert names("audit") <= set(RULES)


def test_there_are_nine_areas_in_their_order() -> None:
    assert [one.area for one in assess_risks(dossier(), ())] == [
        "containers",
        "orchestration",
        "errors",
        "clean-up",
        "performance",
        "resources",
        "reliability",
        "security",
        "rollback",
    ]


@pytest.mark.parametrize("area", ["containers", "orchestration", "errors", "clean-up", "security"])
def test_an_area_of_which_all_is_measured_and_good_is_low(area: str) -> None:
    found = risk(audited(), area)

    assert found.level is Level.LOW, found.reason
    assert found.evidence


def test_a_low_risk_tells_the_figures_that_it_rests_on() -> None:
    reason = risk(audited(), "security").reason

    assert "; no finding of severity high (0 findings (high) in 2 files); " in reason


@pytest.mark.parametrize(
    ("area", "values", "level"),
    [
        ("clean-up", {"clean_up": CleanUp(left=("db-1",))}, Level.HIGH),
        ("security", {"doubts": (Doubt(key="d", what="results contradict"),)}, Level.HIGH),
    ],
)
def test_what_a_trial_shows_raises_the_risk(area: str, values: Any, level: Level) -> None:
    assert risk(audited(trials=judged(**values)), area).level is level


@pytest.mark.parametrize(
    ("severity", "level"), [(Severity.HIGH, Level.HIGH), (Severity.MEDIUM, Level.MEDIUM)]
)
def test_a_finding_raises_the_risk_by_its_severity_and_is_named(
    severity: Severity, level: Level
) -> None:
    found = risk(audited(audit(finding("privileged", severity=severity))), "containers")

    assert found.level is level
    assert "privileged at Dockerfile.test:3" in found.reason


def test_a_rule_that_could_not_be_checked_keeps_the_risk_from_being_low() -> None:
    found = risk(audited(audit(not_checked=("network-not-isolated: no engine",))), "orchestration")

    assert found.level is Level.MEDIUM
    assert "not checked: network-not-isolated: no engine" in found.reason


def test_without_an_audit_security_is_not_low() -> None:
    assert risk(dossier(), "security").level is Level.MEDIUM


@pytest.mark.parametrize(
    "values",
    [
        {"without": ["never-healthy"]},
        {"outdated": "the compose file changed"},
        {"never_healthy": {"passed": None, "why_not": "there is no service"}},
        {"never_healthy": {"passed": False, "faults": ("the cause was not told",)}},
    ],
)
def test_a_drill_that_shows_nothing_or_failed_keeps_the_risk_from_being_low(values: Any) -> None:
    assert risk(audited(drills=drills(**values)), "orchestration").level is not Level.LOW


def test_a_criterion_that_is_met_by_reading_alone_keeps_the_risk_from_being_low() -> None:
    read = [
        one.model_copy(update={"confidence": Confidence.LOW}) if one.key == "cleaned-up" else one
        for one in results(audited())
    ]
    found = next(one for one in assess_risks(audited(), read) if one.area == "clean-up")

    assert found.level is Level.MEDIUM
    assert "by what was read, not measured" in found.reason


def test_an_answer_that_no_file_shows_is_none() -> None:
    case = Case(dossier(), {}, ())
    bare = Sign("all is well", "nobody", lambda _: Seen(True, "I say so"))

    assert look_at(bare, case).good is None


def test_nothing_measured_is_high() -> None:
    found = risk(dossier(), "rollback")

    assert found.level is Level.HIGH
    assert "no earlier approval is kept here" in found.reason


def test_an_approved_commit_to_go_back_to_lowers_it_but_not_to_low_unrehearsed() -> None:
    before = EarlierApproval(
        commit=OLDER, trial="t", images=(), exhibit=exhibit(".seatrial/approvals/t/approval.json")
    )

    assert risk(dossier(approved_before=before), "rollback").level is Level.MEDIUM


def test_three_trials_of_the_commit_that_passed_make_reliability_low() -> None:
    trials = tuple(trial(number=number) for number in (9, 8, 7))

    assert risk(dossier(trials=trials), "reliability").level is Level.LOW
    assert risk(dossier(trials=trials[:2]), "reliability").level is Level.MEDIUM


def test_a_trial_of_the_commit_that_failed_makes_reliability_high() -> None:
    trials = (trial(number=9), trial(number=8, status="failed", exit_code=1), trial(number=7))

    assert risk(dossier(trials=trials), "reliability").level is Level.HIGH


_PARTS = st.fixed_dictionaries(
    {
        "drills": st.sampled_from(
            [
                None,
                drills(),
                drills(outdated="old"),
                drills(without=DRILLS),
                drills(without=["killed"]),
            ]
        ),
        "audit": st.sampled_from([None, audit(), audit(not_checked=("privileged: why",))]),
        "audit_exhibit": st.sampled_from([None, exhibit(".seatrial/audit.json")]),
        "trials": st.sampled_from(
            [
                (trial(),),
                (trial(coverage=None, pytest=None, services=(), phases=()),),
                tuple(trial(number=number) for number in (9, 8, 7)),
            ]
        ),
        "earlier": st.sampled_from([(), (trial(number=1, of=OLDER),)]),
    }
)


@given(_PARTS, st.sets(st.sampled_from([one.key for one in CRITERIA])))
def test_no_risk_is_low_while_a_question_about_it_has_no_answer(
    parts: dict[str, Any], unmeasured: set[str]
) -> None:
    of = dossier(**parts)
    judged_ = [
        one.model_copy(update={"status": CriterionStatus.NOT_MEASURED})
        if one.key in unmeasured
        else one
        for one in results(of)
    ]

    for found in assess_risks(of, judged_):
        if found.level is Level.LOW:
            assert found.evidence
            assert "not measured: " not in found.reason
            assert not unmeasured & names_of(found.area)
            if any(sign.by.startswith("audit") for sign in signs_of(found.area)):
                assert of.audit
                assert of.audit_exhibit
            if any(sign.by.startswith("drill") for sign in signs_of(found.area)):
                assert of.drills
                assert not of.drills.outdated


def signs_of(area: str) -> list[Sign]:
    return [rule.sign for rule in AREAS[area]]


def names_of(area: str) -> set[str]:
    return {sign.by.removeprefix("criterion ") for sign in signs_of(area)}


def test_a_line_of_the_checklist_that_nothing_answered_says_so() -> None:
    lines = {one.statement: one for one in check_readiness(dossier(), results(dossier()))}

    assert lines["no finding of severity high"].status == "nothing ran"
    assert lines["no finding of severity high"].found == "no audit was made"
    assert lines["the documentation describes this commit"].status == "nothing ran"


def test_a_line_of_the_checklist_follows_what_ran() -> None:
    of = audited(audit(finding(severity=Severity.HIGH)))
    lines = {one.statement: one for one in check_readiness(of, results(of))}

    assert lines["no finding of severity high"].status == "no"
    assert lines["the tests pass"].status == "yes"
    assert lines["the tests pass"].evidence


OWN = {
    "command_criteria": {
        "docs": {
            "statement": "The documents build.",
            "command": ["make", "docs"],
            "group": "documentation",
        },
        "types": {"statement": "The types are sound.", "command": ["mypy"]},
    }
}


@pytest.mark.parametrize(("code", "status"), [(0, "yes"), (1, "no"), (None, "nothing ran")])
def test_a_criterion_of_the_projects_own_answers_in_the_group_that_it_names(
    code: int | None, status: str
) -> None:
    ran = {"docs": CommandResult(code, 1.0, exhibit("criteria/docs.txt"))}
    of = dossier(settings=settings(OWN), command_results=ran)
    groups: dict[str, dict[str, str]] = {}
    for one in check_readiness(of, judge_criteria(of)):
        groups.setdefault(one.group, {})[one.statement] = one.status

    assert groups["documentation"] == {"The documents build.": status}
    assert groups["code quality"]["The types are sound."] == "nothing ran"
    assert "the project's own criteria are met" not in groups["code quality"]


def using(memory: int = 1 << 30, *, killed: bool = False, number: int = 9) -> TrialEvidence:
    """A trial whose services were sampled and had this peak in all; the machine has 8 GiB."""
    record = full_record(number=number)
    used = make_resources(memory // len(record.services))
    services = tuple(
        one.model_copy(update={"resources": used, "out_of_memory": killed})
        for one in record.services
    )
    host = record.host.model_copy(update={"memory_bytes": 8 << 30})
    return trial(
        number=number, record=record.model_copy(update={"services": services, "host": host})
    )


RESOURCES: dict[str, tuple[Level, dict[str, Any]]] = {
    "all is measured and good": (Level.LOW, {"trials": (using(),)}),
    "a peak above four fifths of the memory": (Level.MEDIUM, {"trials": (using(7 << 30),)}),
    "no samples": (Level.MEDIUM, {}),
    "running out of memory was not rehearsed": (
        Level.MEDIUM,
        {"trials": (using(),), "drills": drills(without=["out-of-memory"])},
    ),
    "a trial of the commit was killed": (
        Level.HIGH,
        {"trials": (using(), using(killed=True, number=8))},
    ),
}


@pytest.mark.parametrize("what", RESOURCES)
def test_the_risk_of_resources_follows_what_was_used(what: str) -> None:
    level, values = RESOURCES[what]
    assert risk(dossier(**values), "resources").level is level


_SLOW = tuple(
    Phase(name=name, start=0, seconds=900 if name is PhaseName.TEST else 1, completed=True)
    for name in PhaseName
)
PERFORMANCE: dict[str, tuple[Level, dict[str, Any]]] = {
    "all is measured and good": (Level.LOW, {}),
    "no budget": (Level.MEDIUM, {"settings": settings(budgets=Budgets())}),
    "over the budget": (Level.MEDIUM, {"trials": judged(phases=_SLOW, seconds=905.0)}),
    "over another budget": (
        Level.MEDIUM,
        {"settings": settings(budgets=Budgets(test=180, total=1))},
    ),
    "no comparable trials": (Level.MEDIUM, {"trials": (trial(),), "earlier": ()}),
    "nothing at all": (
        Level.HIGH,
        {"trials": (), "earlier": ()},
    ),
}


@pytest.mark.parametrize("what", PERFORMANCE)
def test_the_risk_of_performance_follows_budgets_and_trials(what: str) -> None:
    level, values = PERFORMANCE[what]
    of = dossier(**values)
    found = assess_risks(of, results(of) if of.trials else ())
    assert next(one for one in found if one.area == "performance").level is level


def test_the_checklist_has_all_its_groups() -> None:
    assert list(CHECKLIST) == [
        "code quality",
        "performance",
        "security",
        "documentation",
        "monitoring",
        "rollback",
    ]
