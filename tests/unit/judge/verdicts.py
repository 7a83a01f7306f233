"""Makes verdicts on dossiers from the ten criteria, without what else may speak against one."""

from datetime import date
from typing import Any

from seatrial.evidence.audit import AuditFinding, AuditReport, Severity, ToolRun
from seatrial.judge.criteria import CRITERIA
from seatrial.judge.dossier import Dossier
from seatrial.judge.model import CriterionResult, CriterionStatus, Reason
from seatrial.judge.verdict import Verdict, Waived
from unit.judge.dossiers import dossier, exhibit


def results(of: Dossier) -> tuple[CriterionResult, ...]:
    return tuple(
        CriterionResult(
            **one.judge(of).model_dump(),
            key=one.key,
            statement=one.statement,
            requires=one.requires,
            weight=one.weight,
            required=one.key == "cleaned-up",
        )
        for one in CRITERIA
    )


def verdict(of: Dossier, **values: Any) -> Verdict:
    """Approved if all ten are met; else each that is not is a reason."""
    judged = results(of)
    reasons = tuple(
        Reason(key=one.key, what=one.reason, remedy=one.remedy)
        for one in judged
        if one.status is not CriterionStatus.MET
    )
    whole = sum(one.weight for one in judged)
    met = sum(one.weight for one in judged if one.status is CriterionStatus.MET)
    defaults: dict[str, Any] = {
        "approved": not reasons,
        "score": 100 * met / whole,
        "passing_score": 100,
        "criteria": judged,
        "reasons": reasons,
    }
    return Verdict(**(defaults | values))


def waived(**values: Any) -> Waived:
    defaults: dict[str, Any] = {
        "reason": Reason(key="dirty-tree", what="2 files are not committed", remedy="commit"),
        "person": "Ada Lovelace",
        "why": "only a comment differs",
        "expires": date(2026, 2, 1),
    }
    return Waived(**(defaults | values))


def finding(rule: str = "fixed-sleep", **values: Any) -> AuditFinding:
    defaults: dict[str, Any] = {
        "severity": Severity.MEDIUM,
        "file": "Dockerfile.test",
        "line": 3,
        "what": f"breaks {rule}",
        "why": "it does harm",
        "fix": f"mend {rule}",
    }
    return AuditFinding(rule=rule, **(defaults | values))


def audit(*findings: AuditFinding, **values: Any) -> AuditReport:
    defaults: dict[str, Any] = {
        "files": ("Dockerfile.test", "docker-compose.test.yml"),
        "tools": (ToolRun(name="hadolint", version="2.12.0"),),
    }
    return AuditReport(findings=findings, **(defaults | values))


def audited(report: AuditReport | None = None, **values: Any) -> Dossier:
    """A dossier in which all is well, with an audit as well."""
    return dossier(audit=report or audit(), audit_exhibit=exhibit(".seatrial/audit.json"), **values)
