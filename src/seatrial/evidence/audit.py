"""What an audit found by reading: Dockerfile, compose file, CI workflow."""

from enum import StrEnum

from pydantic import NonNegativeInt

from seatrial.evidence.model import Model

__all__ = ["AuditFinding", "AuditReport", "Ignored", "Severity", "ToolRun"]


class Severity(StrEnum):
    """How much harm the finding can do."""

    HIGH = "high"
    MEDIUM = "medium"
    LOW = "low"
    NOTE = "note"


class AuditFinding(Model):
    """A rule that a line breaks."""

    rule: str
    """E.g. `runs-as-root`; a foreign tool's rule has the tool before it: `hadolint/DL3008`."""
    severity: Severity
    file: str
    """Relative to the project."""
    line: NonNegativeInt | None = None
    """From 1; None: the finding is of the file as a whole."""
    what: str
    why: str
    fix: str
    measured: bool = False
    """True: shown by something that ran, not by reading."""


class Ignored(Model):
    """A finding that a comment in the file sets aside: `# seatrial: ignore[rule] reason`."""

    finding: AuditFinding
    reason: str


class ToolRun(Model):
    """A foreign program that was asked."""

    name: str
    version: str | None = None
    """None: it did not run."""
    why_not: str = ""


class AuditReport(Model):
    """One audit; the same files give the same report."""

    files: tuple[str, ...]
    """Files that were read."""
    findings: tuple[AuditFinding, ...] = ()
    """By severity, file and line."""
    ignored: tuple[Ignored, ...] = ()
    tools: tuple[ToolRun, ...] = ()
    not_checked: tuple[str, ...] = ()
    """Rules that could not be checked, each with why; they count neither as broken nor as kept."""

    def count(self, severity: Severity) -> int:
        """How many findings are of that severity."""
        return sum(finding.severity is severity for finding in self.findings)
