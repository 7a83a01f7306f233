"""Renders an audit as SARIF 2.1.0, which code hosts and editors read.

The form is that of https://docs.oasis-open.org/sarif/sarif/v2.1.0/sarif-v2.1.0.html.
"""

import json
from typing import Any
from urllib.parse import quote

from seatrial import __version__
from seatrial.evidence.audit import AuditFinding, AuditReport, Severity

__all__ = ["sarif_json"]

_LEVELS = {
    Severity.HIGH: "error",
    Severity.MEDIUM: "warning",
    Severity.LOW: "note",
    Severity.NOTE: "note",
}
_SCHEMA = (
    "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
)


def sarif_json(report: AuditReport) -> str:
    """The report as a SARIF log; what was ignored is in it as a suppressed result."""
    everything = [*report.findings, *(ignored.finding for ignored in report.ignored)]
    rules = {finding.rule: finding for finding in reversed(everything)}
    order = sorted(rules)
    results = [_result(finding, order) for finding in report.findings]
    results += [
        _result(ignored.finding, order)
        | {"suppressions": [{"kind": "inSource", "justification": ignored.reason}]}
        for ignored in report.ignored
    ]
    run = {
        "tool": {
            "driver": {
                "name": "Seatrial",
                "version": __version__,
                "rules": [_rule(rules[key]) for key in order],
            },
            "extensions": [
                {"name": tool.name, "version": tool.version}
                for tool in report.tools
                if tool.version
            ],
        },
        "invocations": [
            {
                "executionSuccessful": True,
                "toolExecutionNotifications": [
                    {"level": "warning", "message": {"text": f"not checked: {why}"}}
                    for why in report.not_checked
                ],
            }
        ],
        "columnKind": "unicodeCodePoints",
        "results": results,
    }
    return json.dumps({"$schema": _SCHEMA, "version": "2.1.0", "runs": [run]}, indent=2)


def _rule(finding: AuditFinding) -> dict[str, Any]:
    return {
        "id": finding.rule,
        "shortDescription": {"text": finding.rule},
        "fullDescription": {"text": finding.why},
        "help": {"text": finding.fix},
    }


def _result(finding: AuditFinding, order: list[str]) -> dict[str, Any]:
    place: dict[str, Any] = {"artifactLocation": {"uri": quote(finding.file)}}
    if finding.line:
        place["region"] = {"startLine": finding.line}
    return {
        "ruleId": finding.rule,
        "ruleIndex": order.index(finding.rule),
        "level": _LEVELS[finding.severity],
        "message": {"text": f"{finding.what}: {finding.why}. Fix: {finding.fix}"},
        "locations": [{"physicalLocation": place}],
        "properties": {"severity": finding.severity.value, "measured": finding.measured},
    }
