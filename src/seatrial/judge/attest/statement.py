"""Makes the two statements of a judged trial: how its tests went, and the verdict."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from google.protobuf.json_format import MessageToDict
from in_toto_attestation.predicates.test_result.v0.test_result_pb2 import TestResult as TestsProto
from in_toto_attestation.v1.resource_descriptor import ResourceDescriptor
from in_toto_attestation.v1.statement import Statement as InTotoStatement

from seatrial.evidence.record import Record, Status
from seatrial.evidence.tests import TestResult
from seatrial.judge.attest.predicate import (
    TEST_RESULT_TYPE,
    VERDICT_TYPE,
    AttestedCriterion,
    AttestedWaiver,
    VerdictPredicate,
)
from seatrial.judge.verdict import Verdict

__all__ = ["Covered", "results_statement", "verdict_statement"]

_PREFIX = "sha256:"


@dataclass(frozen=True)
class Covered:
    """What the statements are about."""

    record: Record
    """Of the trial that was judged."""
    files: Mapping[str, str]
    """Every file, by its path relative to the project, with its SHA-256."""


def verdict_statement(
    covered: Covered,
    verdict: Verdict,
    *,
    evidence: Iterable[str],
    policy_digest: str,
    signed: datetime,
    version: str,
) -> dict[str, Any]:
    """The statement with the verdict; `evidence` names those of the files that it rests on."""
    record = covered.record
    predicate = VerdictPredicate(
        decision="approved" if verdict.approved else "rejected",
        score=verdict.score,
        passing_score=verdict.passing_score,
        trial=record.id,
        criteria=tuple(
            AttestedCriterion(
                key=one.key,
                status=one.status,
                confidence=one.confidence,
                weight=one.weight,
                required=one.required,
            )
            for one in verdict.criteria
        ),
        reasons=tuple(one.key for one in verdict.reasons),
        waivers=tuple(
            AttestedWaiver(
                waives=one.reason.key, person=one.person, why=one.why, expires=one.expires
            )
            for one in verdict.waived
        ),
        evidence={file: covered.files[file] for file in sorted(evidence)},
        policy_digest=policy_digest,
        trial_started=record.started,
        trial_finished=record.finished,
        signed=signed,
        seatrial=version,
    )
    return _statement(covered, VERDICT_TYPE, predicate.model_dump(mode="json", by_alias=True))


def results_statement(
    covered: Covered, results: Iterable[TestResult], configuration: Mapping[str, Mapping[str, str]]
) -> dict[str, Any]:
    """The statement with each test's result; `configuration` is file → digests.

    What did not simply pass has a warning: tests that were skipped, expected to fail, passed
    although they were not, or passed only when they were run again.
    """
    flaky = set(covered.record.flaky)
    passed, warned, failed = [], [], []
    for result in results:
        if result.id in flaky:
            warned.append(result.id)
        elif result.outcome in {"failed", "error", "unfinished"}:
            failed.append(result.id)
        elif result.outcome == "passed" and not result.reruns:
            passed.append(result.id)
        else:
            warned.append(result.id)
    outcome: Literal["PASSED", "WARNED", "FAILED"] = "WARNED" if warned else "PASSED"
    if failed or not passed or covered.record.status is not Status.PASSED:
        outcome = "FAILED"
    message = TestsProto(
        result=outcome,
        configuration=[
            ResourceDescriptor(name=file, digest=dict(digests)).pb
            for file, digests in sorted(configuration.items())
        ],
        passed_tests=sorted(passed),
        warned_tests=sorted(warned),
        failed_tests=sorted(failed),
    )
    lists = ("configuration", "passedTests", "warnedTests", "failedTests")
    predicate = {**{name: [] for name in lists}, **MessageToDict(message)}
    return _statement(covered, TEST_RESULT_TYPE, predicate)


def _statement(covered: Covered, kind: str, predicate: Mapping[str, Any]) -> dict[str, Any]:
    statement = InTotoStatement(_subjects(covered), kind, dict(predicate))
    statement.validate()
    # The predicate goes around the library's own form, which knows no whole numbers.
    return {**MessageToDict(statement.pb), "predicate": dict(predicate)}


def _subjects(covered: Covered) -> Sequence[Any]:
    commit = covered.record.commit
    found = (
        [] if commit is None else [ResourceDescriptor("commit", digest={"gitCommit": commit.id})]
    )
    images = {}
    for service in covered.record.services:
        if service.image is not None:
            # The id is the digest of the image's configuration; a registry's is of its manifest.
            images[f"image-config:{service.image.name}"] = service.image.id
            digest = (service.image.digest or "").rpartition("@")[2]
            images[f"image:{service.image.name}"] = digest
    for uri, digest in sorted(images.items()):
        if digest.startswith(_PREFIX):
            sha256 = digest.removeprefix(_PREFIX)
            found.append(ResourceDescriptor(uri=uri, digest={"sha256": sha256}))
    for file, sha256 in sorted(covered.files.items()):
        found.append(ResourceDescriptor(file, digest={"sha256": sha256}))
    return [one.pb for one in found]
