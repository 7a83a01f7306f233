"""What rejects, by which key, and what a waiver can set aside."""

from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seatrial.evidence.audit import AuditFinding, AuditReport, Severity
from seatrial.evidence.doubt import Doubt
from seatrial.evidence.partial import Partial
from seatrial.evidence.record import Phase, PhaseName, Retry, Status
from seatrial.judge.dossier import Dossier, PolicyChange, Reuse
from seatrial.judge.verdict import Verdict, judge
from seatrial.judge.waivers import Waiver
from seatrial.settings import Budgets, Settings
from unit.judge import dossiers
from unit.judge.dossiers import NOW, OLDER, commit, drills, judged, one_worker, settings, trial


def well(**values: Any) -> Dossier:
    """A dossier of a commit that deserves its approval."""
    return dossiers.dossier(**({"audit": AuditReport(files=())} | values))


def keys(verdict: Verdict) -> list[str]:
    return [reason.key for reason in verdict.reasons]


def finding(severity: Severity, rule: str = "latest", line: int = 3) -> AuditFinding:
    return AuditFinding(
        rule=rule,
        severity=severity,
        file="Dockerfile",
        line=line,
        what="w",
        why="y",
        fix="pin it",
    )


_NEXT_MONTH = NOW.date() + timedelta(days=30)


def waiver(waives: str, expires: date = _NEXT_MONTH) -> Waiver:
    return Waiver(waives=waives, person="Ada", reason="until the release", expires=expires)


def failed(number: int = 9, status: Status = Status.FAILED) -> Any:
    return trial(number=number, status=status, reason="1 test failed", exit_code=1)


_BUDGET_SPENT = tuple(
    Phase(name=name, start=0, seconds=900 if name is PhaseName.TEST else 1, completed=True)
    for name in PhaseName
)
_RETRIES = (Retry(folder="r", seconds=1, tests=("a::b",), failed=(), reason="asked for"),)
_PARTIAL = Partial(since="t", selected=1, left_out=9)
_REUSED = (Reuse(NOW - timedelta(hours=2), 90), Reuse(NOW - timedelta(hours=1), 3690))

_DRILLS_OF_TOMORROW = replace(drills(), report=drills().report.model_copy(update={"started": NOW}))

REJECTED: dict[str, tuple[list[str], dict[str, Any]]] = {
    "no git": (["no-commit", "other-commit"], {"commit": None}),
    "a dirty tree": (["dirty-tree"], {"commit": commit(dirty=True)}),
    "no trial": (["no-trial"], {"trials": ()}),
    "a trial of another commit": (["other-commit"], {"trials": (trial(number=9, of=OLDER),)}),
    "a trial of changed files": (
        ["other-commit"],
        {"trials": judged(commit=commit(dirty=True))},
    ),
    "tests failed": (["trial-failed", "not-enough-trials"], {"trials": (failed(),)}),
    "no tests": (
        ["trial-failed", "not-enough-trials"],
        {"trials": (failed(status=Status.NO_TESTS),)},
    ),
    "a newer trial failed": (
        ["trial-failed", "not-enough-trials"],
        {"trials": (trial(number=8), failed(9))},
    ),
    "too few trials": (
        ["not-enough-trials"],
        {"settings": settings({"trials": 3})},
    ),
    "a failure between": (
        ["not-enough-trials"],
        {
            "settings": settings({"trials": 2}),
            "trials": (trial(number=9), failed(8), trial(number=7)),
        },
    ),
    "a part of the tests": (["partial"], {"trials": judged(partial=_PARTIAL)}),
    "old evidence": (["evidence-too-old"], {"settings": settings({"max_age": 60})}),
    "a clock before the end": (["clock"], {"now": NOW - timedelta(days=2)}),
    "a commit made later": (["clock"], {"committed": NOW}),
    "a commit of tomorrow": (["clock"], {"committed": NOW + timedelta(days=1)}),
    "a phase after the end": (["clock"], {"trials": judged(seconds=9.0)}),
    "drills of tomorrow": (["clock"], {"drills": _DRILLS_OF_TOMORROW}),
    "changed files": (
        ["evidence-changed"],
        {"trials": (trial(number=9, faults=("junit.xml is missing",)),)},
    ),
    "changed files of another trial": (
        ["evidence-changed"],
        {"trials": (trial(number=9), trial(number=8, faults=("junit.xml is missing",)))},
    ),
    "changed drills": (
        ["evidence-changed"],
        {"drills": replace(drills(), faults=("a/trial is missing",))},
    ),
    "a changed ledger": (["ledger"], {"ledger_faults": ("line 1 of the ledger was changed",)}),
    "a doubt": (
        ["doubt:outcome-changed-by-hook"],
        {"trials": judged(doubts=(Doubt(key="outcome-changed-by-hook", what="w"),))},
    ),
    "tests run again": (["retried"], {"trials": judged(retries=_RETRIES)}),
    "a trial not run again": (
        ["reused"],
        {"trials": judged(reuses=_REUSED), "settings": settings({"allow_reused": False})},
    ),
    "over its budget": (["over-budget"], {"trials": judged(phases=_BUDGET_SPENT, seconds=905.0)}),
    "over a budget for memory": (
        ["over-budget"],
        {"settings": settings(budgets=Budgets(test=180, memory=1))},
    ),
    "over a budget that the settings no longer hold": (
        ["over-budget"],
        {"trials": judged(status=Status.OVER_BUDGET, reason="over")},
    ),
    "a looser rule": (
        ["policy-loosened:budgets.test"],
        {"policy_changes": (PolicyChange("budgets.test", "9", "10", "seatrial.toml:3"),)},
    ),
    "a finding": (
        ["audit:latest"],
        {"audit": AuditReport(files=(), findings=(finding(Severity.HIGH),))},
    ),
    "a finding that is severe enough": (
        ["audit:latest"],
        {
            "audit": AuditReport(files=(), findings=(finding(Severity.LOW),)),
            "settings": settings({"audit_fails_on": "low"}),
        },
    ),
    "no audit": (["no-audit"], {"audit": None}),
    "a criterion that is required": (
        ["required:errors-handled"],
        {"drills": None, "settings": settings({"required": ["errors-handled"]})},
    ),
    "a score": (["score"], {"drills": None}),
}


def test_a_commit_that_deserves_it_is_approved() -> None:
    verdict = judge(well())
    assert (verdict.approved, verdict.reasons, verdict.waived, verdict.notes) == (True, (), (), ())
    assert verdict.score == 100


LOST: dict[str, dict[str, Any]] = {
    "coverage of a trivial file only": {"source_files": {"src/shop/money.py": 60, "src/b.py": 900}},
    "no workflow that keeps artifacts": {"workflow_uploads": None},
    "no budget for the tests": {"settings": Settings()},
    "a drill that was not made": {"drills": drills(without=("coverage-falls",))},
    "one worker": {"trials": (trial(record=one_worker()),)},
}


@pytest.mark.parametrize("what", LOST)
def test_one_criterion_that_is_not_met_is_enough_to_reject(what: str) -> None:
    verdict = judge(well(**LOST[what]))
    assert not verdict.approved
    assert "score" in keys(verdict)
    assert 80 <= verdict.score < 100


@pytest.mark.parametrize("what", REJECTED)
def test_what_rejects_has_its_key(what: str) -> None:
    expected, values = REJECTED[what]
    verdict = judge(well(**values))
    assert not verdict.approved
    found = [key for key in keys(verdict) if key in expected or not _follows(key)]
    assert found == expected


def _follows(key: str) -> bool:
    """Reasons that a missing trial or the like brings about as well."""
    return key == "score" or key.startswith("required:")


@pytest.mark.parametrize(
    "values",
    [
        {"trials": judged(retries=_RETRIES), "settings": settings({"allow_retries": True})},
        {"trials": judged(reuses=_REUSED)},
        {"audit": AuditReport(files=(), findings=(finding(Severity.MEDIUM),))},
        {"audit": None, "settings": settings({"audit_fails_on": "never"})},
        {"committed": NOW - timedelta(days=9)},
        {"settings": settings({"trials": 2})},
        {"trials": (trial(number=9), failed(8))},
    ],
)
def test_what_the_rules_allow_does_not_reject(values: dict[str, Any]) -> None:
    allowed = keys(judge(well(**values)))
    assert [key for key in allowed if not _follows(key)] == []


_FINAL = {
    *("no-commit", "dirty-tree", "no-trial", "other-commit", "trial-failed"),
    *("evidence-changed", "ledger"),
}


@pytest.mark.parametrize("what", REJECTED)
def test_a_waiver_sets_aside_what_can_be_and_nothing_else(what: str) -> None:
    _, values = REJECTED[what]
    rejected = judge(well(**values))
    for reason in rejected.reasons:
        verdict = judge(well(**values, waivers=(waiver(reason.key),)))
        assert verdict.score == rejected.score
        assert verdict.criteria == rejected.criteria
        if reason.key in _FINAL:
            assert reason.key in keys(verdict)
            assert verdict.notes == (
                f"the waiver of {reason.key} by Ada does not count: that cannot be waived",
            )
        else:
            assert reason.key not in keys(verdict)
            [waived] = verdict.waived
            assert (waived.reason, waived.person) == (reason, "Ada")


def test_a_commit_with_a_waiver_for_its_only_reason_is_approved() -> None:
    audit = AuditReport(files=(), findings=(finding(Severity.HIGH),))
    verdict = judge(well(audit=audit, waivers=(waiver("audit:latest"),)))
    assert verdict.approved
    assert [one.reason.key for one in verdict.waived] == ["audit:latest"]


def test_a_waiver_of_a_criterion_lifts_that_it_is_required_and_gives_no_points() -> None:
    rules = settings({"required": ["errors-handled"], "passing_score": 0})
    without = judge(well(drills=None, settings=rules))
    verdict = judge(well(drills=None, settings=rules, waivers=(waiver("errors-handled"),)))
    assert keys(without) == ["required:errors-handled"]
    assert verdict.approved
    assert verdict.score == without.score < 100


@pytest.mark.parametrize("days", [-1, 400])
def test_an_expired_or_endless_waiver_counts_as_none(days: int) -> None:
    expires = NOW.date() + timedelta(days=days)
    verdict = judge(well(audit=None, waivers=(waiver("no-audit", expires),)))
    assert keys(verdict) == ["no-audit"]
    [note] = verdict.notes
    assert note == f"the waiver of no-audit by Ada does not count: it ends on {expires}"


def test_a_waiver_counts_on_its_last_day() -> None:
    assert judge(well(audit=None, waivers=(waiver("no-audit", NOW.date()),))).approved


def test_a_waiver_that_nothing_needs_is_noted() -> None:
    verdict = judge(well(waivers=(waiver("score"),)))
    assert verdict.approved
    assert verdict.notes == ("the waiver of score by Ada sets nothing aside",)


def test_a_new_waiver_cannot_be_waived() -> None:
    change = PolicyChange("waiver of score", "none", "until 2026-02-01 by A", "")
    key = "policy-loosened:waiver of score"
    assert keys(judge(well(policy_changes=(change,), waivers=(waiver(key),)))) == [key]


def test_a_reason_says_what_the_rule_was_compared_with() -> None:
    change = PolicyChange("retries", "0", "1", "seatrial.toml:1", base="the defaults")
    [reason] = judge(well(policy_changes=(change,))).reasons
    assert reason.what.startswith("easier to meet than at the defaults: retries: 0 → 1")


def test_all_reasons_are_told_at_once() -> None:
    verdict = judge(well(commit=commit(dirty=True), audit=None, ledger_faults=("x",), drills=None))
    assert {"dirty-tree", "no-audit", "ledger"} <= set(keys(verdict))


@given(later=st.integers(0, 86400))
def test_reasons_do_not_change_while_the_evidence_does_not(later: int) -> None:
    values = {"settings": settings({"max_age": 60, "trials": 3}), "audit": None}
    now = judge(well(**values))
    assert judge(well(**values, now=NOW + timedelta(seconds=later))) == now


def test_the_reason_names_the_trial_that_was_returned_last_and_its_age_then() -> None:
    rules = settings({"allow_reused": False})

    verdict = judge(well(trials=judged(reuses=_REUSED), settings=rules))

    (reason,) = [one for one in verdict.reasons if one.key == "reused"]
    assert f"{NOW - timedelta(hours=1):%Y-%m-%d %H:%M} UTC was not run" in reason.what
    assert reason.what.endswith("was returned for it, which was 61 min 30 s old")
    assert reason.waivable
