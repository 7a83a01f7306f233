"""Attests a judged trial: reads its approval and its files, signs, and writes the envelopes."""

import hashlib
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from pydantic import ValidationError

from seatrial import __version__
from seatrial.errors import UsageFault
from seatrial.evidence.commit import resolve_blob
from seatrial.evidence.folder import RunFolder, file_fault, read_record
from seatrial.evidence.record import Record
from seatrial.evidence.tests import TestResult, read_results
from seatrial.judge.approval import Approval, approval_json
from seatrial.judge.attest.covered import covered_fault
from seatrial.judge.attest.interface import Seal
from seatrial.judge.attest.statement import Covered, results_statement, verdict_statement
from seatrial.judge.rules import rules_digest

__all__ = ["APPROVAL_FILE", "DOCUMENT_FILE", "Attested", "attest"]

APPROVAL_FILE = "approval.json"
DOCUMENT_FILE = "APPROVAL.md"
_APPROVALS = ".seatrial/approvals"
_SETTINGS_FILES = ("pyproject.toml", "seatrial.toml")
_MAX_DOCUMENT = 64 << 20
"""Bytes; what is larger was not written by Seatrial."""
_AGAIN = "judge anew, and attest then: seatrial approve"


@dataclass(frozen=True)
class Attested:
    """What was written."""

    trial: str
    decision: str
    envelopes: tuple[Path, ...]
    files: int
    """How many files they cover."""
    signers: tuple[str, ...]
    """Whom a verifier has to trust: ids of keys, or identity and issuer."""


def attest(
    project: Path,
    trial: str | None,
    seal: Seal,
    now: datetime,
    *,
    output: Path | None = None,
    with_files: bool = False,
) -> Attested:
    """Sign the verdict on a trial and its test results.

    `trial`: its id, or the start or end of it; None: the newest that was judged. `output`: None
    means beside the approval. `with_files` copies all that is covered there as well.

    Raises:
        UsageFault: there is no approval, it is not of a clean commit, or what it rests on is not
            as it was.
        EnvironmentFault: the envelopes cannot be written, or a service failed that signs.
    """
    record, folder = read_record(project, trial or _newest(project))
    documents = {
        name: f"{_APPROVALS}/{record.id}/{name}" for name in (APPROVAL_FILE, DOCUMENT_FILE)
    }
    data = {file: _read(project / file) for file in documents.values()}
    approval = _approval(data[documents[APPROVAL_FILE]], project / documents[APPROVAL_FILE])
    _require_commit(approval, record)
    evidence = _evidence(approval, project)
    files = evidence | {file: hashlib.sha256(one).hexdigest() for file, one in data.items()}
    covered = Covered(record, files)
    statements = {
        "verdict": verdict_statement(
            covered,
            approval.verdict,
            evidence=evidence,
            policy_digest=rules_digest(approval.rules),
            signed=now,
            version=__version__,
        ),
        "test-result": results_statement(
            covered, _results(record, folder), _configuration(project, record)
        ),
    }
    place = output or project / _APPROVALS / record.id
    # All are signed before one is written: a service that fails leaves no half behind.
    sealed = {f"{name}{seal.suffix}": seal(statement) for name, statement in statements.items()}
    written = tuple(_write(place / name, one.data) for name, one in sealed.items())
    if with_files:
        _copy(project, place, files)
    signers = tuple(dict.fromkeys(signer for one in sealed.values() for signer in one.signers))
    return Attested(record.id, approval.decision, written, len(files), signers)


def _newest(project: Path) -> str:
    found = sorted(path.parent.name for path in (project / _APPROVALS).glob(f"*/{APPROVAL_FILE}"))
    if not found:
        raise UsageFault(
            "no trial was judged yet", where=str(project), next_step="judge one: seatrial approve"
        )
    return found[-1]


def _read(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            data = file.read(_MAX_DOCUMENT + 1)
    except OSError as error:
        raise UsageFault(
            f"the approval cannot be read: {error.strerror}", where=str(path), next_step=_AGAIN
        ) from error
    if len(data) > _MAX_DOCUMENT:
        raise UsageFault("the approval is too large", where=str(path), next_step=_AGAIN)
    return data


def _approval(data: bytes, path: Path) -> Approval:
    try:
        approval = Approval.model_validate_json(data)
    except ValidationError as error:
        raise UsageFault(
            "the approval does not fit its schema", where=str(path), next_step=_AGAIN
        ) from error
    if approval_json(approval).encode() != data:
        raise UsageFault(
            "the approval is not as this version of Seatrial writes it",
            where=str(path),
            next_step=_AGAIN,
        )
    return approval


def _require_commit(approval: Approval, record: Record) -> None:
    if approval.trial.id != record.id:
        raise UsageFault(
            f"the approval is of another trial: {approval.trial.id}",
            where=record.id,
            next_step=_AGAIN,
        )
    if record.commit is None or record.commit.dirty:
        raise UsageFault(
            "the trial is not of a commit alone, so there is nothing that a signature could name",
            where=record.id,
            next_step="commit, then: seatrial run && seatrial approve",
        )
    if approval.commit is None or approval.commit.id != record.commit.id:
        raise UsageFault(
            "the approval is of another commit than the trial", where=record.id, next_step=_AGAIN
        )


def _evidence(approval: Approval, project: Path) -> dict[str, str]:
    """All files that the approval rests on, each found as it was."""
    files: dict[str, str] = {}
    faults = []
    for one in approval.evidence:
        if files.setdefault(one.file, one.sha256) != one.sha256:
            faults.append(f"{one.file}: the approval knows two versions of it")
        elif fault := covered_fault(project, one.file, one.sha256):
            faults.append(f"{one.file}: {fault}")
    if faults:
        raise UsageFault(
            "what the approval rests on is not as it was",
            where=str(project),
            next_step=_AGAIN,
            details=tuple(faults[:20]),
        )
    return files


def _results(record: Record, folder: RunFolder) -> list[TestResult]:
    name = record.pytest.tests if record.pytest else None
    if name is None or name not in {entry.path for entry in record.files}:
        return []  # which makes the tests FAILED: nothing shows that one ran
    try:
        return list(read_results(folder.path / name))
    except (OSError, ValueError, TypeError) as error:
        raise UsageFault(
            "the tests' results cannot be read", where=str(folder.path / name), next_step=_AGAIN
        ) from error


def _configuration(project: Path, record: Record) -> dict[str, dict[str, str]]:
    """The files that the run was configured by, as the commit has them."""
    commit = record.commit.id if record.commit else ""
    names = {
        Path(file).relative_to(project).as_posix()
        for file in record.compose_files
        if Path(file).is_relative_to(project)
    }
    found: dict[str, dict[str, str]] = {}
    for name in (*names, *_SETTINGS_FILES):
        if blob := resolve_blob(project, commit, name):
            found[name] = {"gitBlob": blob}
    for image in record.build.images if record.build else ():
        if image.dockerfile and image.dockerfile_sha256:
            found[image.dockerfile] = {"sha256": image.dockerfile_sha256}
    return found


def _write(path: Path, data: bytes) -> Path:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    except OSError as error:
        raise file_fault("the envelope", error, path) from error
    return path


def _copy(project: Path, place: Path, files: Mapping[str, str]) -> None:
    for file in files:
        try:
            (place / file).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(project / file, place / file)
        except OSError as error:
            raise file_fault("a covered file", error, place / file) from error
