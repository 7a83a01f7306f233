"""Finds the CI workflow of a project that keeps what a run produced."""

import re
from pathlib import Path

from seatrial.evidence.history import text_at, tracked_files
from seatrial.judge.dossier import Exhibit
from seatrial.judge.integrity import sha256_of

__all__ = ["find_upload"]

_UPLOADS = (
    (".github/workflows/*.yml", re.compile(r"^\s*(-\s+)?uses:\s*['\"]?[\w.-]+/upload-artifact@")),
    (".github/workflows/*.yaml", re.compile(r"^\s*(-\s+)?uses:\s*['\"]?[\w.-]+/upload-artifact@")),
    (".gitlab-ci.yml", re.compile(r"^\s+artifacts:\s*(#.*)?$")),
)
"""Where workflows are, and the line with which one uploads artifacts."""


def find_upload(project: Path) -> Exhibit | None:
    """The first workflow under version control with a step that uploads artifacts.

    It is read and not run: whether the step is reached, and what it uploads, nobody knows.
    """
    for pattern, uploads in _UPLOADS:
        for name in tracked_files(project, pattern):
            lines = (text_at(project, None, name) or "").splitlines()
            sha256 = sha256_of(project / name)
            if sha256 and any(uploads.search(line) for line in lines):
                return Exhibit(name, sha256)
    return None
