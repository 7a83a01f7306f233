"""zizmor's findings in GitHub workflows, by its own program, offline."""

from collections.abc import Sequence
from typing import Any

from seatrial.audit.foreign import Tool, ToolFault, ask
from seatrial.audit.sources import Source
from seatrial.evidence.audit import AuditFinding, Severity

__all__ = ["NAME", "ask_zizmor"]

NAME = "zizmor"
_SEVERITIES = {
    "High": Severity.HIGH,
    "Medium": Severity.MEDIUM,
    "Low": Severity.LOW,
    "Informational": Severity.NOTE,
}
_LOWERED = {"unpinned-uses": Severity.MEDIUM}
"""An action by its tag is what almost every workflow has; it is no hole by itself."""
_ARGUMENTS = (
    *("--offline", "--no-config", "--no-ignores", "--no-progress", "--no-exit-codes", "--quiet"),
    *("--color", "never", "--format", "json-v1", "-"),
)
_MAX = 200


async def ask_zizmor(tool: Tool, sources: Sequence[Source]) -> list[AuditFinding]:
    """Ask for all workflows; the project's own ignore comments do not count.

    Raises:
        ToolFault: it gave no findings.
    """
    findings = []
    for source in sources:
        answer = await ask(tool, _ARGUMENTS, stdin=source.text.encode())
        try:
            findings += [_finding(one, source.file) for one in answer[:_MAX]]
        except (KeyError, TypeError, ValueError, StopIteration) as error:
            raise ToolFault("its answer has another form") from error
    return findings


def _finding(one: Any, file: str) -> AuditFinding:
    primary = next(
        (place for place in one["locations"] if place["symbolic"]["kind"] == "Primary"),
        one["locations"][0],
    )
    told = one["determinations"]
    severity = _LOWERED.get(one["ident"], _SEVERITIES.get(told["severity"], Severity.LOW))
    if told["confidence"] == "Low" and severity is Severity.HIGH:
        severity = Severity.MEDIUM
    return AuditFinding(
        rule=f"{NAME}/{one['ident']}",
        severity=severity,
        file=file,
        line=int(primary["concrete"]["location"]["start_point"]["row"]) + 1,
        what=f"{one['desc']}: {primary['symbolic']['annotation']}",
        why=f"zizmor's rule {one['ident']}, confidence {str(told['confidence']).lower()}",
        fix=f"see {one['url']}",
    )
