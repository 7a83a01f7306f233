"""Audits small projects without an engine: the compose form is given instead of asked for."""

import asyncio
import os
from collections.abc import Mapping
from pathlib import Path

from seatrial.audit.audit import audit_project
from seatrial.evidence.audit import AuditFinding, AuditReport
from seatrial.evidence.record import Record
from seatrial.settings import Settings

__all__ = ["NO_PROGRAMS", "audit", "rules", "write"]

NO_PROGRAMS: Mapping[str, str] = {"PATH": "/nonexistent"}
"""An environment in which Compose cannot be found."""


def write(folder: Path, files: Mapping[str, str | bytes]) -> Path:
    """Write the files of a project."""
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return folder


def audit(
    folder: Path,
    *,
    environ: Mapping[str, str] | None = None,
    record: Record | None = None,
    settings: Settings | None = None,
) -> AuditReport:
    """Audit a project, by default in this process's environment."""
    return asyncio.run(
        audit_project(
            folder.resolve(),
            settings or Settings(),
            environ=os.environ if environ is None else environ,
            record=record,
        )
    )


def rules(findings: tuple[AuditFinding, ...], file: str | None = None) -> list[tuple[str, int]]:
    """Our own rules with their lines, without the notes on digests."""
    return sorted(
        (finding.rule, finding.line or 0)
        for finding in findings
        if (file is None or finding.file == file)
        and "/" not in finding.rule
        and finding.rule != "image-without-digest"
    )
