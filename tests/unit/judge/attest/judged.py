"""A project with a judged trial, and Seatrial where there are only its files."""

import subprocess
from pathlib import Path
from typing import Any

from seatrial.evidence.folder import RunFolder, manifest, write_record
from seatrial.evidence.record import Record
from seatrial.judge.approval import approval_json, draw_up
from seatrial.judge.dossier import Dossier, Exhibit, TrialEvidence
from seatrial.judge.integrity import sha256_of
from seatrial.settings import Settings

from .signed import NOW, make_verdict

__all__ = ["OFFLINE", "git", "judge"]


def git(project: Path, *arguments: str) -> str:
    identity = ["-c", "user.name=Ada", "-c", "user.email=ada@example.org"]
    done = subprocess.run(
        ["git", "-C", project, *identity, *arguments], check=True, capture_output=True, text=True
    )
    return done.stdout.strip()


def judge(project: Path, folder: RunFolder, record: Record, **verdict: Any) -> Path:
    """Write the record and an approval of it; the approval's folder."""
    record = record.model_copy(update={"files": manifest(folder)})
    write_record(folder, record)
    file = folder.record.relative_to(project).as_posix()
    exhibit = Exhibit(file, sha256_of(folder.record) or "")
    dossier = Dossier(
        settings=Settings(),
        commit=record.commit,
        trials=(TrialEvidence(record, exhibit),),
        now=NOW,
    )
    approvals = project / ".seatrial" / "approvals" / record.id
    approvals.mkdir(parents=True, exist_ok=True)
    approval = draw_up(dossier, make_verdict(**verdict))
    (approvals / "approval.json").write_text(approval_json(approval))
    (approvals / "APPROVAL.md").write_text("# Approved\n")
    return approvals


OFFLINE = """
import os, sys

def refuse(event, arguments):
    if event in {"socket.connect", "socket.sendto", "socket.getaddrinfo", "socket.gethostbyname"}:
        os._exit(9)  # where an exception could be caught
    if event.startswith("socket.") or event in {"subprocess.Popen", "os.system", "os.posix_spawn"}:
        raise RuntimeError(f"{event}: {arguments}")

sys.addaudithook(refuse)
from seatrial.cli.app import main
main()
"""
"""Seatrial in a process that can neither open a socket nor start a program."""
