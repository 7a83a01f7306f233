"""Says of every claim in a document what it comes to."""

from collections.abc import Sequence
from pathlib import Path

from pydantic import ValidationError

from seatrial.errors import UsageFault
from seatrial.evidence.folder import newest_records, read_record
from seatrial.evidence.ledger import check_ledger
from seatrial.judge.approval import Approval
from seatrial.judge.claims.against import Evidence, hold
from seatrial.judge.claims.document import Document
from seatrial.judge.claims.extract import MAX_CLAIMS, claims_of
from seatrial.judge.claims.model import Finding, Standing
from seatrial.judge.claims.own import doubts_of
from seatrial.judge.integrity import check_trial

__all__ = ["check_claims", "stands", "trial_evidence"]

_MAX_APPROVAL = 64 << 20
"""Bytes; what is larger was not written by Seatrial."""


def check_claims(document: Document, evidence: Evidence | None) -> tuple[Finding, ...]:
    """Every claim in the order of its lines; without evidence, against the document alone.

    Raises:
        UsageFault: there are too many.
    """
    claims = claims_of(document)
    if len(claims) > MAX_CLAIMS:
        raise UsageFault(f"the document makes more than {MAX_CLAIMS} claims")
    doubts = doubts_of(document, claims)
    order = list(Standing)
    found = []
    for number, claim in enumerate(claims):
        held = (
            (Standing.UNSUPPORTED, "there is no trial to hold it against")
            if evidence is None
            else hold(claim, claims, evidence)
        )
        said = [*doubts.get(number, ())]
        if evidence is not None or not said:
            said.append(held)
        said.sort(key=lambda one: order.index(one[0]))
        found.append(
            Finding(claim.line, claim.says, said[0][0], tuple(reason for _, reason in said))
        )
    return tuple(dict.fromkeys(found))  # two claims of one sentence may come to the same


def stands(findings: Sequence[Finding], *, allow_unsupported: bool) -> bool:
    """Whether something was claimed and nothing speaks against it."""
    fine = {Standing.CONFIRMED} | ({Standing.UNSUPPORTED} if allow_unsupported else set())
    return bool(findings) and all(one.standing in fine for one in findings)


def trial_evidence(project: Path, trial: str | None) -> Evidence | None:
    """A trial and the verdict on it; None: the newest was asked for, and there is none.

    Raises:
        UsageFault: there is no such trial, or its record cannot be read.
    """
    if trial is None and not any(newest_records(project, 1)):
        return None
    record, folder = read_record(project, trial)
    home = project / ".seatrial"
    try:
        faults = check_trial(folder, record, check_ledger(home))
    except OSError as error:
        faults = (f"the ledger cannot be read: {error.strerror}",)
    return Evidence(record, _approval(home / "approvals", record.id), faults)


def _approval(folder: Path, trial: str) -> Approval | None:
    path = folder / trial / "approval.json"
    try:
        if path.stat().st_size > _MAX_APPROVAL:
            return None
        approval = Approval.model_validate_json(path.read_bytes())
    except (OSError, ValidationError):
        return None
    return approval if approval.trial.id == trial else None
