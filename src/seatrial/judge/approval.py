"""Draws up the document on a verdict: the same evidence gives the same document, to the byte."""

import json
from collections.abc import Iterable, Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Literal, Protocol

from pydantic import AwareDatetime, NonNegativeFloat, NonNegativeInt

from seatrial import __version__
from seatrial.errors import UsageFault
from seatrial.evidence.audit import AuditFinding, AuditReport, Severity
from seatrial.evidence.drills import DrillResult
from seatrial.evidence.hostile import plain_values
from seatrial.evidence.model import Model
from seatrial.evidence.record import Commit, FileEntry, Host, Image, Record, Status, TestCounts
from seatrial.judge.benchmarks import Benchmark, benchmarks, comparable_trials
from seatrial.judge.checklist import ChecklistLine, check_readiness
from seatrial.judge.dossier import Dossier, Exhibit, TrialEvidence
from seatrial.judge.model import Evidence, Reason
from seatrial.judge.next_steps import NextStep, next_steps
from seatrial.judge.risk import Risk, assess_risks
from seatrial.judge.rollback import RollbackPlan, plan_rollback
from seatrial.judge.rules import Rules, rules_of
from seatrial.judge.unmeasured import Unmeasured, what_was_not_measured
from seatrial.judge.verdict import Verdict, Waived

__all__ = [
    "Approval",
    "AuditSummary",
    "DrillSummary",
    "EvidenceFile",
    "Monitoring",
    "ReuseSummary",
    "TrialSummary",
    "approval_json",
    "draw_up",
]

SCHEMA_VERSION: Literal[1] = 1
"""Raised when a field is removed or changes its meaning; a new field alone does not raise it."""
_SEVERITIES = tuple(Severity)


class TrialSummary(Model):
    """One trial of the commit."""

    id: str
    started: AwareDatetime
    ended: AwareDatetime
    seconds: NonNegativeFloat
    status: Status
    reason: str
    workers: NonNegativeInt
    counts: TestCounts | None = None
    """None: no probe reported."""


class ReuseSummary(Model):
    """That a trial was asked for and the judged one's record was returned, since nothing had
    changed."""

    times: NonNegativeInt
    last: AwareDatetime
    age_seconds: NonNegativeFloat
    """Of the record when it was last returned."""


class AuditSummary(Model):
    """What the audit found, and the file that holds it."""

    report: AuditReport
    counts: dict[Severity, NonNegativeInt]
    file: str
    sha256: str


class DrillSummary(Model):
    """The rehearsal that counts, and the file that holds it."""

    id: str
    started: AwareDatetime
    commit: Commit | None
    """Of the tree that was rehearsed on."""
    outdated: str = ""
    """Why it says nothing of this commit; empty: it does."""
    faults: tuple[str, ...] = ()
    """What shows that its files are not as it left them."""
    results: tuple[DrillResult, ...]
    """By their keys."""
    file: str
    sha256: str


class Monitoring(Model):
    """The watch that begins with an approval."""

    days: int
    begins: AwareDatetime
    """The end of the trial that was judged: the document knows no other clock."""
    ends: AwareDatetime
    failure_rate: float
    """Trials that fail must stay below this share."""
    success: str


class EvidenceFile(Model):
    """A file that the document rests on."""

    file: str
    """Relative to the project."""
    sha256: str
    cited: bool
    """True: a value in the document was read in it; else it belongs to such a file's folder."""


class Approval(Model):
    """The verdict on one commit with all that it rests on."""

    schema_version: Literal[1] = SCHEMA_VERSION
    seatrial: str
    """The version that judged."""
    project: str
    commit: Commit | None
    """None: the project is not under version control."""
    decision: Literal["approved", "rejected"]
    verdict: Verdict
    rules: Rules
    """By which it was judged."""
    trial: TrialSummary
    """The one that was judged."""
    reused: ReuseSummary | None = None
    """None: it was made for whoever asked for it, and nobody has asked again since."""
    trials: tuple[TrialSummary, ...]
    """All of this commit, newest first."""
    comparable: NonNegativeInt
    """Trials that the benchmarks are of, the judged one included."""
    host: Host
    images: tuple[Image, ...]
    """That the judged trial's services ran on."""
    benchmarks: tuple[Benchmark, ...]
    risks: tuple[Risk, ...]
    checklist: tuple[ChecklistLine, ...]
    audit: AuditSummary | None
    """None: no audit was made."""
    drills: DrillSummary | None
    """None: no drill was made."""
    not_measured: tuple[Unmeasured, ...]
    rollback: RollbackPlan
    next_steps: tuple[NextStep, ...]
    monitoring: Monitoring | None
    """None: there is nothing to watch, since it is rejected."""
    evidence: tuple[EvidenceFile, ...]
    """By their names."""


def draw_up(dossier: Dossier, verdict: Verdict) -> Approval:
    """The document on a verdict.

    It holds neither the time of its making nor the place of the project, and the order in which
    evidence was found changes nothing in it.

    Raises:
        UsageFault: there is no trial to judge.
    """
    if not dossier.trials:
        raise UsageFault("there is no trial to judge", next_step="make one: seatrial run")
    dossier, verdict = _in_order(dossier), _verdict_in_order(verdict)
    results = verdict.criteria
    risks = assess_risks(dossier, results)
    checklist = check_readiness(dossier, results)
    rows = benchmarks(dossier)
    rollback = plan_rollback(dossier)
    record = dossier.trial.record
    approval = Approval(
        seatrial=__version__,
        project=record.project,
        commit=dossier.commit,
        decision="approved" if verdict.approved else "rejected",
        verdict=verdict,
        rules=rules_of(dossier.settings),
        trial=_trial(record),
        reused=_reused(dossier.trial),
        trials=tuple(_trial(one.record) for one in dossier.trials),
        comparable=len(comparable_trials(dossier)),
        host=record.host,
        images=_images(record),
        benchmarks=rows,
        risks=risks,
        checklist=checklist,
        audit=_audit(dossier),
        drills=_drills(dossier),
        not_measured=what_was_not_measured(dossier, results, rows, checklist),
        rollback=rollback,
        next_steps=next_steps(dossier.audit, verdict),
        monitoring=_monitoring(dossier) if verdict.approved else None,
        evidence=_evidence(
            dossier,
            (
                *_rows(results),
                *_rows(risks),
                *_rows(checklist),
                *_rows(rows),
                *rollback.evidence,
            ),
        ),
    )
    return Approval.model_validate(plain_values(approval.model_dump()))


def approval_json(approval: Approval) -> str:
    """The document for programs, its keys sorted."""
    return json.dumps(approval.model_dump(mode="json"), indent=2, sort_keys=True) + "\n"


def _in_order(dossier: Dossier) -> Dossier:
    audit, drills = dossier.audit, dossier.drills
    if audit:
        audit = audit.model_copy(
            update={
                "files": tuple(sorted(audit.files)),
                "findings": tuple(sorted(audit.findings, key=_by_severity)),
                "ignored": tuple(sorted(audit.ignored, key=lambda one: _by_severity(one.finding))),
                "tools": tuple(sorted(audit.tools, key=lambda one: (one.name, one.version or ""))),
                "not_checked": tuple(sorted(audit.not_checked)),
            }
        )
    if drills:
        results = tuple(sorted(drills.report.results, key=lambda one: one.key))
        drills = replace(drills, report=drills.report.model_copy(update={"results": results}))
    others = sorted(dossier.trials[1:], key=lambda one: one.record.id, reverse=True)
    return replace(
        dossier,
        trials=(dossier.trial, *others),
        drills=drills,
        audit=audit,
        policy_changes=tuple(
            sorted(dossier.policy_changes, key=lambda one: (one.rule, one.where, one.now))
        ),
        ledger_faults=tuple(sorted(dossier.ledger_faults)),
    )


def _by_severity(finding: AuditFinding) -> tuple[int, str, int, str, str]:
    rank = _SEVERITIES.index(finding.severity)
    return rank, finding.file, finding.line or 0, finding.rule, finding.what


def _verdict_in_order(verdict: Verdict) -> Verdict:
    """What no waiver can set aside comes first."""

    def by_weight(reason: Reason) -> tuple[bool, str, str]:
        return reason.waivable, reason.key, reason.what

    def by_reason(waived: Waived) -> tuple[str, str, str]:
        return waived.reason.key, waived.reason.what, waived.person

    return verdict.model_copy(
        update={
            "reasons": tuple(sorted(verdict.reasons, key=by_weight)),
            "waived": tuple(sorted(verdict.waived, key=by_reason)),
            "notes": tuple(sorted(verdict.notes)),
        }
    )


def _reused(trial: TrialEvidence) -> ReuseSummary | None:
    if not trial.reuses:
        return None
    last = trial.reuses[-1]
    return ReuseSummary(times=len(trial.reuses), last=last.time, age_seconds=last.age_seconds)


def _trial(record: Record) -> TrialSummary:
    return TrialSummary(
        id=record.id,
        started=record.started,
        ended=record.finished,
        seconds=record.seconds,
        status=record.status,
        reason=record.reason,
        workers=len(record.split.workers) if record.split else 1,
        counts=record.pytest.counts if record.pytest else None,
    )


def _images(record: Record) -> tuple[Image, ...]:
    images = {(one.image.name, one.image.id): one.image for one in record.services if one.image}
    return tuple(images[key] for key in sorted(images))


def _audit(dossier: Dossier) -> AuditSummary | None:
    report, exhibit = dossier.audit, dossier.audit_exhibit
    if report is None or exhibit is None:
        return None
    counts = {severity: report.count(severity) for severity in _SEVERITIES}
    return AuditSummary(report=report, counts=counts, file=exhibit.file, sha256=exhibit.sha256)


def _drills(dossier: Dossier) -> DrillSummary | None:
    drills = dossier.drills
    if drills is None:
        return None
    return DrillSummary(
        id=drills.report.id,
        started=drills.report.started,
        commit=drills.report.commit,
        outdated=drills.outdated,
        faults=drills.faults,
        results=drills.report.results,
        file=drills.exhibit.file,
        sha256=drills.exhibit.sha256,
    )


def _monitoring(dossier: Dossier) -> Monitoring:
    rules, begins = dossier.settings.verdict, dossier.trial.record.finished
    return Monitoring(
        days=rules.monitoring_days,
        begins=begins,
        ends=begins + timedelta(days=rules.monitoring_days),
        failure_rate=rules.monitoring_failure_rate,
        success=(
            f"no confirmed degradation, and fewer than {100 * rules.monitoring_failure_rate:g} % "
            "of the trials fail"
        ),
    )


class _Shown(Protocol):
    @property
    def evidence(self) -> tuple[Evidence, ...]: ...


def _rows(shown: Iterable[_Shown]) -> Iterator[Evidence]:
    return (row for one in shown for row in one.evidence)


def _evidence(dossier: Dossier, rows: Iterable[Evidence]) -> tuple[EvidenceFile, ...]:
    cited = {(row.file, row.sha256) for row in rows}
    cited |= {(one.file, one.sha256) for one in _exhibits(dossier)}
    files = cited | _beside(dossier.trial.exhibit, dossier.trial.record.files)
    if dossier.drills:
        files |= _beside(dossier.drills.exhibit, dossier.drills.report.files)
    return tuple(
        EvidenceFile(file=file, sha256=sha256, cited=(file, sha256) in cited)
        for file, sha256 in sorted(files)
    )


def _exhibits(dossier: Dossier) -> Iterator[Exhibit]:
    yield from (trial.exhibit for trial in dossier.trials)
    yield from (trial.exhibit for trial in comparable_trials(dossier))
    yield from (one.exhibit for one in dossier.command_results.values())
    for source in (dossier.drills, dossier.approved_before):
        if source:
            yield source.exhibit
    for exhibit in (dossier.audit_exhibit, dossier.workflow_uploads):
        if exhibit:
            yield exhibit


def _beside(exhibit: Exhibit, files: Iterable[FileEntry]) -> set[tuple[str, str]]:
    folder = exhibit.file.rpartition("/")[0]
    return {(f"{folder}/{entry.path}", entry.sha256) for entry in files}
