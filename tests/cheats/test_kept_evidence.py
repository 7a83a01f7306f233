"""Evidence that was changed after its trial, or is of something else, gets nobody a yes."""

import asyncio
import json
import os
import subprocess
from datetime import timedelta
from pathlib import Path

import pytest

from acceptance.program import seatrial
from seatrial.judge.approve import approve
from seatrial.settings import load_settings

from .attempt import is_consequence
from .conftest import Workshop
from .honest import Judged, Subject
from .tampering import TAMPERINGS, Tampering, forge_ledger_and_record


@pytest.mark.parametrize("tampering", TAMPERINGS, ids=lambda tampering: tampering.how)
def test_nothing_is_approved_once_somebody(
    tampering: Tampering, workshop: Workshop, honest: Judged
) -> None:
    subject = workshop.copy(with_trial=True)
    tampering.do(subject, honest)

    judged = subject.approve()

    assert judged.code == 1
    told = {key: what for key, what in judged.reasons.items() if not is_consequence(key)}
    assert told.keys() == tampering.reasons.keys()
    assert {key for key, part in tampering.reasons.items() if part not in told[key]} == set(), told


@pytest.mark.parametrize(
    ("after", "reason", "says"),
    [
        pytest.param(timedelta(days=-1), "clock", "ends in the future", id="set back"),
        pytest.param(timedelta(days=8), "evidence-too-old", "which is more than", id="a week on"),
    ],
)
def test_a_clock_that_was_set_makes_no_trial_young_enough(
    after: timedelta, reason: str, says: str, workshop: Workshop, honest: Judged
) -> None:
    subject = workshop.copy(with_trial=True)
    now = honest.record.finished + after

    verdict = asyncio.run(
        approve(subject.folder, load_settings(subject.folder), None, now, environ=os.environ)
    ).verdict

    assert [one.key for one in verdict.reasons] == [reason]
    assert says in verdict.reasons[0].what


@pytest.fixture
def signed(workshop: Workshop, tmp_path: Path) -> tuple[Subject, Path]:
    """The honest project with its attestations, and the public key."""
    subject = workshop.copy(with_trial=True)
    private, public = tmp_path / "key.pem", tmp_path / "key.pub"
    for command in (
        ["genpkey", "-algorithm", "ed25519", "-out", str(private)],
        ["pkey", "-in", str(private), "-pubout", "-out", str(public)],
    ):
        subprocess.run(["openssl", *command], check=True, capture_output=True)
    for arguments in (["approve"], ["attest", "--key", str(private)]):
        ended = seatrial(*arguments, cwd=subject.folder)
        assert ended.code == 0, ended.stderr
    return subject, public


def failed_checks(subject: Subject, public: Path, commit: str) -> tuple[int, list[str]]:
    """With what `seatrial verify` ends, and what does not hold."""
    envelopes = sorted(map(str, subject.folder.glob(".seatrial/approvals/*/*.dsse.json")))
    arguments = ["verify", *envelopes, "--key", str(public), "--commit", commit, "--json"]
    ended = seatrial(*arguments, cwd=subject.folder)
    checks = json.loads(ended.stdout)["checks"]
    return ended.code, [
        f"{one['name']}: {one['said']}" for one in checks if one["result"] == "failed"
    ]


def test_an_attestation_stands_for_its_commit_and_its_files_and_for_no_others(
    signed: tuple[Subject, Path], honest: Judged
) -> None:
    subject, public = signed
    assert honest.record.commit is not None
    own = honest.record.commit.id

    assert failed_checks(subject, public, own) == (0, [])

    code, of_another_commit = failed_checks(subject, public, "f" * 40)
    assert code == 1
    assert any(own in one for one in of_another_commit), of_another_commit

    forge_ledger_and_record(subject, honest)
    code, of_other_files = failed_checks(subject, public, own)
    assert code == 1
    assert any("record.json" in one for one in of_other_files), of_other_files
    # Which this machine's own files cannot show, since all of them were written anew.
    assert subject.approve().code == 0
