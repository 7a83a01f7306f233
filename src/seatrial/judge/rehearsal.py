"""Finds the newest rehearsal of failures, and says whether it still counts."""

from datetime import datetime, timedelta
from pathlib import Path

from pydantic import ValidationError

from seatrial.evidence.drills import DrillReport
from seatrial.evidence.environment import environment_hash
from seatrial.evidence.ledger import LedgerCheck, drills_name
from seatrial.judge.dossier import DrillEvidence, Exhibit
from seatrial.judge.integrity import check_files, sha256_of
from seatrial.settings import Settings

__all__ = ["find_rehearsal"]

_FILE = "drills.json"
_MAX_BYTES = 64 << 20


def find_rehearsal(
    project: Path, settings: Settings, ledger: LedgerCheck, now: datetime
) -> DrillEvidence | None:
    """The newest rehearsal whose report can be read; None if there is none."""
    for path in sorted((project / ".seatrial" / "drills").glob(f"*/{_FILE}"), reverse=True):
        sha256 = sha256_of(path)
        try:
            if path.stat().st_size > _MAX_BYTES or sha256 is None:
                continue
            report = DrillReport.model_validate_json(path.read_bytes())
        except (OSError, ValidationError):
            continue
        return DrillEvidence(
            report=report,
            exhibit=Exhibit(path.relative_to(project).as_posix(), sha256),
            faults=_faults(path.parent, report, sha256, ledger),
            outdated=_outdated(project, settings, report, now),
        )
    return None


def _faults(folder: Path, report: DrillReport, sha256: str, ledger: LedgerCheck) -> tuple[str, ...]:
    line = ledger.lines.get(drills_name(folder.name))
    if line is None:
        own = "the ledger does not name it"
    elif line.record != sha256:
        own = "the report is not the one that the ledger names"
    elif report.id != folder.name:
        own = "the report is of another rehearsal"
    else:
        own = ""
    return (*([own] if own else []), *check_files(folder, report.files, beside=(_FILE,)))


def _outdated(project: Path, settings: Settings, report: DrillReport, now: datetime) -> str:
    most = settings.verdict.drill_max_age
    if now - report.started > timedelta(seconds=report.seconds + most):
        return f"it was made on {report.started:%Y-%m-%d}, more than {most:g} s ago"
    if environment_hash(project, settings.compose_files) != report.environment:
        return "what shapes the test environment has changed since"
    return ""
