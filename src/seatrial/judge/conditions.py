"""What rejects a commit whatever its score, each reason by a key that documents and waivers use.

No reason tells how old something is: the same evidence must give the same document tomorrow.
"""

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta

from seatrial.evidence.audit import AuditFinding, Severity
from seatrial.evidence.budgets import in_words, measured
from seatrial.evidence.record import PhaseName, Record, Status
from seatrial.judge.dossier import Dossier, TrialEvidence
from seatrial.judge.model import CriterionResult, CriterionStatus, Reason
from seatrial.judge.refusal import named
from seatrial.judge.suite import part_of_the_suite
from seatrial.words import counted, duration

__all__ = ["find_reasons"]

_CLOCK_SLACK = timedelta(minutes=5)
"""Between the clocks of two machines, such as that of a commit and that of a trial."""
_TICK_S = 1.0
"""What adding up the record's own times may be out by."""
_SEVERITIES = (Severity.HIGH, Severity.MEDIUM, Severity.LOW, Severity.NOTE)
_RUN = "run `seatrial run --fresh`, then approve"
_START_ANEW = "move .seatrial away, and run the trials again"


def find_reasons(
    dossier: Dossier, criteria: Sequence[CriterionResult], score: float
) -> tuple[Reason, ...]:
    """All that speaks against an approval, waivers left aside."""
    return (
        *_tree(dossier),
        *_evidence(dossier),
        *_clock(dossier),
        *_trials(dossier),
        *_policy(dossier),
        *_audit(dossier),
        *_criteria(dossier, criteria, score),
    )


def _tree(dossier: Dossier) -> Iterator[Reason]:
    if dossier.commit is None:
        yield _final("no-commit", "the project is not under git's control", "commit it with git")
    elif dossier.commit.dirty:
        yield _final(
            "dirty-tree",
            "files differ from the commit, or git is told not to look at them",
            "commit or remove them (git status), and run a trial of that commit",
        )


def _evidence(dossier: Dossier) -> Iterator[Reason]:
    if dossier.ledger_faults:
        yield _final("ledger", named(dossier.ledger_faults), _START_ANEW)
    changed = [f"{one.record.id}: {fault}" for one in _of_commit(dossier) for fault in one.faults]
    if dossier.drills:
        changed += [f"{dossier.drills.report.id}: {fault}" for fault in dossier.drills.faults]
    if changed:
        yield _final("evidence-changed", named(changed), _RUN)


def _trials(dossier: Dossier) -> Iterator[Reason]:
    if not dossier.trials:
        yield _final("no-trial", "there is no trial", "run `seatrial run`, then approve")
        return
    rules, record = dossier.settings.verdict, dossier.trial.record
    if not _is_of_commit(dossier, record):
        tried = record.commit
        of = f"commit {tried.id[:12]}" if tried else "no commit"
        dirty = " with changes" if tried and tried.dirty else ""
        yield _final("other-commit", f"trial {record.id} is of {of}{dirty}, not of this one", _RUN)
    yield from _passed(dossier, record)
    if part := part_of_the_suite(record):
        yield Reason(key="partial", what=part, remedy=_RUN)
    if dossier.now and dossier.now - record.finished > timedelta(seconds=rules.max_age):
        yield Reason(
            key="evidence-too-old",
            what=f"trial {record.id} ended on {record.finished:%Y-%m-%d %H:%M} UTC, which is more "
            f"than {rules.max_age:g} s ago",
            remedy=_RUN,
        )
    for key in dict.fromkeys(doubt.key for doubt in record.doubts):
        told = [doubt for doubt in record.doubts if doubt.key == key]
        yield Reason(
            key=f"doubt:{key}",
            what=named(f"{one.what} ({one.where})" if one.where else one.what for one in told),
            remedy="take out of the tests what casts the doubt",
        )
    flaky = dict.fromkeys(test for one in _counting(dossier) for test in one.record.flaky)
    if flaky and not rules.allow_retries:
        yield Reason(
            key="retried",
            what=f"passed only when they were run again: {named(flaky)}",
            remedy="mend the tests, or set verdict.allow_retries",
        )
    if dossier.trial.reuses and not rules.allow_reused:
        last = dossier.trial.reuses[-1]
        yield Reason(
            key="reused",
            what=f"the trial that was asked for on {last.time:%Y-%m-%d %H:%M} UTC was not run: "
            f"trial {record.id} was returned for it, which was {duration(last.age_seconds)} old",
            remedy=_RUN,
        )
    yield from _budgets(dossier, record)


def _passed(dossier: Dossier, record: Record) -> Iterator[Reason]:
    """The judged trial, each newer one of the commit, and as many as the settings ask for."""
    newest = sorted(_of_commit(dossier), key=lambda one: one.record.started, reverse=True)
    failed = [one.record for one in newest if not _has_passed(one.record)]
    newer = [one for one in failed if one.started >= record.started]
    if newer or not _has_passed(record):
        told = [f"{one.id}: {one.status}, {one.reason}" for one in newer or [record]]
        yield _final("trial-failed", named(told), "mend it, then run a new trial")
    asked, passed = dossier.settings.verdict.trials, len(_counting(dossier))
    if passed < asked:
        yield Reason(
            key="not-enough-trials",
            what=f"{counted(passed, 'full trial')} of this commit passed since the last that did "
            f"not, {asked} are asked for",
            remedy=_RUN,
        )


def _counting(dossier: Dossier) -> list[TrialEvidence]:
    """The newest full trials of the commit, up to the last one that did not pass."""
    found = []
    for one in sorted(_of_commit(dossier), key=lambda one: one.record.started, reverse=True):
        if not _has_passed(one.record):
            break
        if not part_of_the_suite(one.record):
            found.append(one)
    return found


def _of_commit(dossier: Dossier) -> list[TrialEvidence]:
    judged = dossier.trials[:1]
    others = [one for one in dossier.trials[1:] if _is_of_commit(dossier, one.record)]
    return [*judged, *others]


def _is_of_commit(dossier: Dossier, record: Record) -> bool:
    here, tried = dossier.commit, record.commit
    return bool(here and tried and tried.id == here.id and not tried.dirty)


def _has_passed(record: Record) -> bool:
    """A budget has a reason of its own."""
    return record.status in {Status.PASSED, Status.OVER_BUDGET}


def _budgets(dossier: Dossier, record: Record) -> Iterator[Reason]:
    """By the commit's settings, whatever the trial was told."""
    over = []
    found = measured(record.phases, record.services, record.host.cores, record.seconds)
    for metric, limit in dossier.settings.budgets:
        if limit is None:
            continue
        if metric not in found:
            over.append(f"{metric} was not measured")
        elif found[metric] > limit:
            over.append(f"{metric} {in_words(metric, found[metric])} of {in_words(metric, limit)}")
    if not over and record.status is Status.OVER_BUDGET:
        over.append(record.reason)
    if over:
        yield Reason(key="over-budget", what=named(over), remedy="make it quicker or smaller")


def _clock(dossier: Dossier) -> Iterator[Reason]:
    told = list(_contradictions(dossier))
    if told:
        remedy = "set the clock right, and run a new trial"
        yield Reason(key="clock", what=named(told), remedy=remedy)


def _contradictions(dossier: Dossier) -> Iterator[str]:
    now = dossier.now
    if now is None:
        yield "it is not known what time it is"
        return
    ends = [(f"trial {one.record.id}", one.record.finished) for one in _all(dossier)]
    if dossier.drills:
        report = dossier.drills.report
        ends.append((f"rehearsal {report.id}", report.started + timedelta(seconds=report.seconds)))
    yield from (f"{what} ends in the future" for what, end in ends if end > now)
    if dossier.committed is not None:
        if dossier.committed > now + _CLOCK_SLACK:
            yield "the commit was made in the future"
        yield from _before_commit(dossier, dossier.committed)
    for one in dossier.trials[:1]:
        late = [phase.name for phase in one.record.phases if _outlasts(one.record, phase.name)]
        if late:
            yield f"trial {one.record.id}: phase {named(late)} ends after the trial"


def _before_commit(dossier: Dossier, committed: datetime) -> Iterator[str]:
    for one in _of_commit(dossier):
        of_it = _is_of_commit(dossier, one.record)
        if of_it and one.record.started < committed - _CLOCK_SLACK:
            yield f"trial {one.record.id} began before its commit was made"


def _outlasts(record: Record, name: PhaseName) -> bool:
    phase = record.phase(name)
    return phase is not None and phase.start + phase.seconds > record.seconds + _TICK_S


def _all(dossier: Dossier) -> Iterator[TrialEvidence]:
    yield from dossier.trials
    yield from dossier.earlier


def _policy(dossier: Dossier) -> Iterator[Reason]:
    for rule in dict.fromkeys(change.rule for change in dossier.policy_changes):
        changes = [change for change in dossier.policy_changes if change.rule == rule]
        told = named(
            f"{one.before} → {one.now}{f' ({one.where})' if one.where else ''}" for one in changes
        )
        base = changes[0].base or (dossier.policy_base or "")[:12]
        yield Reason(
            key=f"policy-loosened:{rule}",
            what=f"easier to meet than at {base or 'the base'}: {rule}: {told}",
            remedy="take it back, or have it agreed to in a commit of its own",
            # Else a commit could bring the waiver that lets it bring waivers.
            waivable=not rule.startswith("waiver"),
        )


def _audit(dossier: Dossier) -> Iterator[Reason]:
    least = dossier.settings.verdict.audit_fails_on
    if least == "never":
        return
    if dossier.audit is None:
        yield Reason(key="no-audit", what="no audit was made", remedy="run `seatrial audit`")
        return
    reached = _SEVERITIES[: _SEVERITIES.index(Severity(least)) + 1]
    findings = [one for one in dossier.audit.findings if one.severity in reached]
    for rule in dict.fromkeys(one.rule for one in findings):
        of_rule = [one for one in findings if one.rule == rule]
        yield Reason(
            key=f"audit:{rule}",
            what=named(f"{one.what} ({_place(one)}, {one.severity})" for one in of_rule),
            remedy=of_rule[0].fix,
        )


def _place(finding: AuditFinding) -> str:
    return f"{finding.file}:{finding.line}" if finding.line else finding.file


def _criteria(
    dossier: Dossier, criteria: Sequence[CriterionResult], score: float
) -> Iterator[Reason]:
    for one in criteria:
        if one.required and one.status is not CriterionStatus.MET:
            yield Reason(
                key=f"required:{one.key}",
                what=f"{one.key} is required and {one.status}: {one.reason}",
                remedy=one.remedy,
            )
    asked = dossier.settings.verdict.passing_score
    if score < asked:
        lacking = sorted(
            (one for one in criteria if one.status is not CriterionStatus.MET and one.weight),
            key=lambda one: -one.weight,
        )
        yield Reason(
            key="score",
            what=f"the score is {score:g} of 100, {asked:g} is asked for",
            remedy=f"meet {named(one.key for one in lacking)}" if lacking else "",
        )


def _final(key: str, what: str, remedy: str) -> Reason:
    return Reason(key=key, what=what, remedy=remedy, waivable=False)
