"""What an attestation says: the statement around it, and our own predicate, the verdict."""

from collections.abc import Mapping
from datetime import date
from typing import Annotated, Any, Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, NonNegativeFloat
from pydantic.alias_generators import to_camel

from seatrial.judge.model import Confidence, CriterionStatus

__all__ = [
    "STATEMENT_TYPE",
    "TEST_RESULT_TYPE",
    "VERDICT_TYPE",
    "AttestedCriterion",
    "AttestedWaiver",
    "Statement",
    "Subject",
    "TestResultPredicate",
    "VerdictPredicate",
    "verdict_schema",
]

STATEMENT_TYPE = "https://in-toto.io/Statement/v1"
TEST_RESULT_TYPE = "https://in-toto.io/attestation/test-result/v0.1"
VERDICT_TYPE = "urn:seatrial:verdict:v1"
"""A name, no address: nothing is fetched from it. A field that goes, or changes its meaning, makes
it v2; what is only new does not."""

Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]


class _Model(BaseModel):
    # in-toto writes names in camel case, and has readers pass over what they do not know.
    model_config = ConfigDict(
        frozen=True, extra="ignore", alias_generator=to_camel, populate_by_name=True
    )


class AttestedCriterion(_Model):
    """A criterion and what it came to."""

    key: str
    status: CriterionStatus
    confidence: Confidence
    weight: NonNegativeFloat
    """Points of the score if it is met."""
    required: bool


class AttestedWaiver(_Model):
    """A reason for a rejection that a person set aside."""

    waives: str
    """The key of the reason."""
    person: str
    why: str
    expires: date


class VerdictPredicate(_Model):
    """The verdict on a commit, as an in-toto predicate."""

    decision: Literal["approved", "rejected"]
    score: NonNegativeFloat
    """Of 100."""
    passing_score: NonNegativeFloat
    trial: str
    """The id of the trial that was judged."""
    criteria: tuple[AttestedCriterion, ...]
    reasons: tuple[str, ...] = ()
    """Keys of what it is rejected for; empty if it is approved."""
    waivers: tuple[AttestedWaiver, ...] = ()
    evidence: Mapping[str, Sha256]
    """Every file that the verdict rests on, relative to the project, with its SHA-256. All of them
    are subjects of the statement as well."""
    policy_digest: Sha256
    """SHA-256 of the rules that it was judged by: `rules` of `approval.json`."""
    trial_started: AwareDatetime
    trial_finished: AwareDatetime
    """The age of an attestation counts from here: signing again makes no evidence younger."""
    signed: AwareDatetime
    seatrial: str
    """The version that wrote this."""


class TestResultPredicate(_Model):
    """in-toto's own predicate for a run of tests, as far as it is looked at."""

    __test__ = False  # the name is right, but pytest must not collect it

    result: Literal["PASSED", "WARNED", "FAILED"]
    passed_tests: tuple[str, ...] = ()
    warned_tests: tuple[str, ...] = ()
    failed_tests: tuple[str, ...] = ()


class Subject(_Model):
    """What a statement is about. Files have a name, images a URI, the commit its own digest."""

    name: str = ""
    uri: str = ""
    digest: Annotated[Mapping[str, str], Field(min_length=1)]


class Statement(_Model):
    """An in-toto statement, version 1."""

    type: Annotated[Literal["https://in-toto.io/Statement/v1"], Field(alias="_type")]
    subject: Annotated[tuple[Subject, ...], Field(min_length=1)]
    predicate_type: str
    predicate: Mapping[str, Any]

    @property
    def commits(self) -> tuple[str, ...]:
        """The commits among its subjects."""
        return tuple(one.digest["gitCommit"] for one in self.subject if "gitCommit" in one.digest)

    @property
    def files(self) -> tuple[Subject, ...]:
        """The files among its subjects."""
        return tuple(one for one in self.subject if one.name and "gitCommit" not in one.digest)

    @property
    def images(self) -> tuple[Subject, ...]:
        """The images among its subjects."""
        return tuple(one for one in self.subject if one.uri)


def verdict_schema() -> dict[str, Any]:
    """The JSON Schema (draft 2020-12) of our predicate."""
    schema = VerdictPredicate.model_json_schema(mode="serialization")
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": VERDICT_TYPE,
        **schema,
    }
