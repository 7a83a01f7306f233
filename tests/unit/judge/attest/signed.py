"""A judged trial with its files, and its two envelopes, signed."""

import hashlib
import json
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from securesystemslib.signer import CryptoSigner, SSlibKey

from seatrial.evidence.record import Commit, Image, Status
from seatrial.evidence.tests import TestResult
from seatrial.judge.attest.envelope import KeyTrust, seal
from seatrial.judge.attest.statement import Covered, results_statement, verdict_statement
from seatrial.judge.attest.verify import Check, Demands, verify
from seatrial.judge.model import Confidence, CriterionResult, CriterionStatus, Reason
from seatrial.judge.verdict import Verdict, Waived
from unit.factories import make_record, make_service

COMMIT = "c0ffee" + "0" * 34
OTHER_COMMIT = "beef" + "0" * 36
NOW = datetime(2026, 1, 3, 3, 4, 5, tzinfo=UTC)
NO_DEMANDS = Demands()
IMAGE = "sha256:" + "ab" * 32
RECORD = ".seatrial/runs/20260102-030405-a1b2c3/record.json"
FILES = {
    ".seatrial/approvals/20260102-030405-a1b2c3/APPROVAL.md": b"# Approved\n",
    ".seatrial/approvals/20260102-030405-a1b2c3/approval.json": b'{"approved":true}\n',
    RECORD: b'{"id":"20260102-030405-a1b2c3"}\n',
    "Dockerfile.test": b"FROM python:3.13-slim\n",
}


def make_criterion(key: str, status: CriterionStatus = CriterionStatus.MET) -> CriterionResult:
    return CriterionResult(
        key=key,
        statement="It is so.",
        requires="a measurement",
        weight=50,
        required=False,
        status=status,
        confidence=Confidence.HIGH,
        reason="",
    )


def make_verdict(**values: Any) -> Verdict:
    defaults: dict[str, Any] = {
        "approved": True,
        "score": 95.5,
        "passing_score": 90,
        "criteria": (
            make_criterion("contained-tests"),
            make_criterion("coverage-extracted", CriterionStatus.NOT_MEASURED),
        ),
    }
    return Verdict(**(defaults | values))


WAIVED = Waived(
    reason=Reason(key="audit", what="a finding"),
    person="Ada",
    why="it is only a stub",
    expires=date(2026, 2, 1),
)


@dataclass(frozen=True)
class Signed:
    """What a verifier is handed."""

    folder: Path
    envelopes: dict[str, bytes]
    keys: tuple[SSlibKey, ...]

    threshold: int = 1

    def checks(self, demands: Demands = NO_DEMANDS, now: datetime = NOW) -> tuple[Check, ...]:
        trust = KeyTrust(self.keys, self.threshold)
        return verify(self.envelopes, trust, self.folder, demands, now)

    def failed(self, demands: Demands = NO_DEMANDS, now: datetime = NOW) -> list[str]:
        return [one.name for one in self.checks(demands, now) if one.result == "failed"]


def make_signed(
    folder: Path,
    *signers: CryptoSigner,
    verdict: Verdict | None = None,
    results: tuple[TestResult, ...] = (TestResult("t.py::a", "passed", "c"),),
    commit: str = COMMIT,
    signed: datetime = NOW - timedelta(hours=20),
    **record: Any,
) -> Signed:
    """By default an approval of a trial that ended 24 hours before `NOW`, of one passed test."""
    signers = signers or (CryptoSigner.generate_ed25519(),)
    for name, data in FILES.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    image = Image(name="shop-test", id=IMAGE, built=True)
    defaults: dict[str, Any] = {
        "commit": Commit(id=commit, dirty=False),
        "services": (make_service("test", role="test", state="ran", image=image),),
        "status": Status.PASSED,
    }
    covered = Covered(
        make_record(**(defaults | record)),
        {name: hashlib.sha256(data).hexdigest() for name, data in FILES.items()},
    )
    return Signed(
        folder,
        {
            "verdict": seal(
                verdict_statement(
                    covered,
                    verdict or make_verdict(),
                    evidence=[RECORD],
                    policy_digest="0" * 64,
                    signed=signed,
                    version="0.1.0",
                ),
                signers,
            ),
            "test-result": seal(
                results_statement(covered, results, {"Dockerfile.test": {"sha256": "1" * 64}}),
                signers,
            ),
        },
        tuple(signer.public_key for signer in signers),
    )


def statement_of(envelope: bytes) -> Any:
    """What is in an envelope, read without any of Seatrial's code."""
    import base64

    return json.loads(base64.b64decode(json.loads(envelope)["payload"]))


def public_pem(key: SSlibKey) -> bytes:
    return key._crypto_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
