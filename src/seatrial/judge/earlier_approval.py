"""Finds the commit that was approved before, among the approvals that the project keeps."""

import hashlib
import re
from pathlib import Path

from pydantic import ValidationError

from seatrial.evidence.record import Record
from seatrial.judge.approval import Approval
from seatrial.judge.dossier import EarlierApproval, Exhibit

__all__ = ["APPROVALS", "approval_folder", "find_earlier_approval"]

APPROVALS = ".seatrial/approvals"
_FILE = "approval.json"
_MAX_BYTES = 64 << 20
"""What is larger was not written by Seatrial, which bounds what goes into a record."""
_COMMIT = re.compile(r"[0-9a-f]{40,64}")
"""It becomes part of a command that people copy."""


def approval_folder(project: Path, trial: str) -> Path:
    """Where the approval on a trial is kept."""
    return project / APPROVALS / trial


def find_earlier_approval(project: Path, judged: Record) -> EarlierApproval | None:
    """The newest approval of another commit on a trial that ended before the judged one began.

    What is not an approval, or cannot be read, is passed over. Such a file proves nothing by
    itself: it names a commit, and its sha256 goes into the document that does so too.
    """
    here = judged.commit.id if judged.commit else None
    found = [
        (approval.trial.ended, earlier)
        for path in sorted((project / APPROVALS).glob(f"*/{_FILE}"))
        if (read := _read(path))
        for approval, sha256 in (read,)
        if (earlier := _earlier(approval, Exhibit(path.relative_to(project).as_posix(), sha256)))
        if earlier.commit != here and approval.trial.ended <= judged.started
    ]
    return max(found, key=lambda one: (one[0], one[1].trial), default=(None, None))[1]


def _earlier(approval: Approval, exhibit: Exhibit) -> EarlierApproval | None:
    commit = approval.commit
    if approval.decision != "approved" or commit is None or not _COMMIT.fullmatch(commit.id):
        return None
    return EarlierApproval(
        commit=commit.id,
        trial=approval.trial.id,
        images=tuple(image for image in approval.images if image.built),
        exhibit=exhibit,
    )


def _read(path: Path) -> tuple[Approval, str] | None:
    """The document and its file's sha256; None if it is none."""
    try:
        if path.is_symlink() or path.stat().st_size > _MAX_BYTES:
            return None
        text = path.read_bytes()
        return Approval.model_validate_json(text), hashlib.sha256(text).hexdigest()
    except (OSError, ValidationError):
        return None
