"""Holds envelopes against signers, files and a policy, and says of each check what it came to."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Literal

from pydantic import ValidationError

from seatrial.evidence.hostile import plain_text
from seatrial.judge.attest.covered import covered_fault
from seatrial.judge.attest.interface import Trust
from seatrial.judge.attest.predicate import (
    TEST_RESULT_TYPE,
    VERDICT_TYPE,
    Statement,
    TestResultPredicate,
    VerdictPredicate,
)
from seatrial.judge.attest.strict_json import parse
from seatrial.judge.model import CriterionStatus
from seatrial.words import counted

__all__ = ["Check", "Demands", "verified", "verify"]

_CLOCK_SKEW = timedelta(minutes=5)
"""By which two machines' clocks may differ; what lies further ahead is from no honest clock."""


@dataclass(frozen=True)
class Check:
    """One thing that was looked at."""

    name: str
    result: Literal["passed", "failed", "not asked for"]
    said: str
    """What was found."""


@dataclass(frozen=True)
class Demands:
    """What is asked of the envelopes, beside a signature and an approval."""

    commit: str | None = None
    """The full id."""
    image: str | None = None
    """A digest, `sha256:…`."""
    max_age: timedelta | None = None
    """Since the trial ended."""
    min_score: float | None = None
    """None: what the verdict itself was judged by."""
    criteria: tuple[str, ...] = ()
    """Keys of those that must be met."""
    no_waivers: bool = False
    policy: str | None = None
    """The SHA-256 of the rules that it must have been judged by."""


@dataclass(frozen=True)
class _Opened:
    """An envelope whose signature held."""

    name: str
    statement: Statement
    verdict: VerdictPredicate | None = None
    tests: TestResultPredicate | None = None


def verified(checks: Sequence[Check]) -> bool:
    """Whether something was checked and nothing failed."""
    return bool(checks) and all(check.result != "failed" for check in checks)


def verify(
    envelopes: Mapping[str, bytes],
    trust: Trust,
    files: Path,
    demands: Demands,
    now: datetime,
) -> tuple[Check, ...]:
    """Every check, in the order in which they were made.

    `envelopes`: name → bytes; `files`: the folder that the covered files' paths are relative to.
    What an envelope says is not looked at before its signature held.
    """
    checks: list[Check] = []
    opened: list[_Opened] = []
    for name, data in envelopes.items():
        made, one = _open(plain_text(name), data, trust)
        checks += made
        if one is not None:
            opened.append(one)
    if len(opened) == len(envelopes) and opened:
        checks += _subjects(opened, demands)
        checks += _files(opened, files)
        checks += _policy(opened, demands, now)
    return tuple(checks)


def _check(name: str, passed: bool, said: str) -> Check:
    return Check(name, "passed" if passed else "failed", plain_text(said))


def _open(name: str, data: bytes, trust: Trust) -> tuple[list[Check], _Opened | None]:
    try:
        held = trust.held(data)
    except ValueError as error:
        return [_check(f"form of {name}", False, str(error))], None
    checks = [_check(f"form of {name}", True, trust.form)]
    checks.append(_check(f"signature of {name}", held.payload is not None, held.said))
    if held.payload is None:
        return checks, None
    try:
        one = _read_statement(name, held.payload)
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"])
        said = f"{place}: {first['msg']}"
    except ValueError as error:
        said = str(error)
    else:
        checks.append(_check(f"statement of {name}", True, one.statement.predicate_type))
        return checks, one
    checks.append(_check(f"statement of {name}", False, said))
    return checks, None


def _read_statement(name: str, payload: bytes) -> _Opened:
    statement = Statement.model_validate(parse(payload))
    if statement.predicate_type == VERDICT_TYPE:
        verdict = VerdictPredicate.model_validate(statement.predicate)
        subjects = {one.name: one.digest.get("sha256") for one in statement.files}
        if any(subjects.get(file) != sha256 for file, sha256 in verdict.evidence.items()):
            raise ValueError("its evidence is not among its subjects")
        return _Opened(name, statement, verdict=verdict)
    if statement.predicate_type == TEST_RESULT_TYPE:
        tests = TestResultPredicate.model_validate(statement.predicate)
        return _Opened(name, statement, tests=tests)
    raise ValueError(f"nothing is known of predicates of the type {statement.predicate_type!r}")


def _subjects(opened: Sequence[_Opened], demands: Demands) -> Iterator[Check]:
    commits = sorted({commit for one in opened for commit in one.statement.commits})
    each_has_one = all(len(one.statement.commits) == 1 for one in opened)
    same = len(commits) == 1 and each_has_one
    told = commits[0] if same else f"not all about one commit: {', '.join(commits) or 'none'}"
    about = {
        tuple(sorted((s.name, s.uri, *sorted(s.digest.items())) for s in one.statement.subject))
        for one in opened
    }
    if len(opened) > 1:
        told_same = "all envelopes are about the same" if len(about) == 1 else "they differ"
        yield _check("subjects", len(about) == 1, told_same)
    if demands.commit is None:
        yield Check("commit", "not asked for" if same else "failed", told)
    else:
        asked = commits == [demands.commit] and same
        yield _check("commit", asked, told if asked else f"{told}; asked for {demands.commit}")
    if demands.image is not None:
        digest = demands.image.removeprefix("sha256:")
        found = all(
            any(image.digest.get("sha256") == digest for image in one.statement.images)
            for one in opened
        )
        yield _check("image", found, f"{demands.image} is {'' if found else 'not '}a subject")


def _files(opened: Sequence[_Opened], folder: Path) -> Iterator[Check]:
    # A file is looked at once for each digest that an envelope names: two that differ cannot hold.
    asked = sorted(
        {
            (file.name, file.digest.get("sha256", ""))
            for one in opened
            for file in one.statement.files
        }
    )
    if not asked:
        yield _check("files", False, "no file is covered")
    for name, sha256 in asked:
        fault = covered_fault(folder, name, sha256)
        yield _check(f"file {plain_text(name)}", not fault, fault or f"sha256 {sha256[:12]}…")


def _policy(opened: Sequence[_Opened], demands: Demands, now: datetime) -> Iterator[Check]:
    for one in opened:
        if one.tests is not None:
            failed = len(one.tests.failed_tests)
            passed = one.tests.result != "FAILED" and not failed
            said = f"{one.tests.result}: {len(one.tests.passed_tests)} passed, "
            said += f"{len(one.tests.warned_tests)} with warnings, {failed} failed"
            yield _check(f"tests of {one.name}", passed, said)
    verdicts = [one.verdict for one in opened if one.verdict is not None]
    if len(verdicts) != 1:
        yield _check("decision", False, f"{counted(len(verdicts), 'verdict')} among the envelopes")
        return
    verdict = verdicts[0]
    yield from _age(verdict, demands, now)
    yield _rules(verdict, demands)
    why = f": {', '.join(verdict.reasons)}" if verdict.reasons else ""
    yield _check("decision", verdict.decision == "approved", f"{verdict.decision}{why}")
    least = verdict.passing_score if demands.min_score is None else demands.min_score
    yield _check("score", verdict.score >= least, f"{verdict.score:g}, at least {least:g} is asked")
    met = {one.key for one in verdict.criteria if one.status is CriterionStatus.MET}
    listed = {one.key: one.status.value for one in verdict.criteria}
    for key in demands.criteria:
        yield _check(f"criterion {key}", key in met, listed.get(key, "it was not judged"))
    expired = [one for one in verdict.waivers if one.expires < now.date()]
    told = ", ".join(f"{one.waives} by {one.person} until {one.expires}" for one in verdict.waivers)
    if expired:
        yield _check("waivers", False, f"{counted(len(expired), 'waiver')} expired: {told}")
    elif demands.no_waivers:
        yield _check("waivers", not verdict.waivers, told or "none")
    else:
        yield Check("waivers", "not asked for", plain_text(told or "none"))


def _rules(verdict: VerdictPredicate, demands: Demands) -> Check:
    told = f"judged by the rules with the digest {verdict.policy_digest}"
    if demands.policy is None:
        return Check("policy", "not asked for", told)
    same = verdict.policy_digest == demands.policy
    return _check("policy", same, told if same else f"{told}; asked for {demands.policy}")


def _age(verdict: VerdictPredicate, demands: Demands, now: datetime) -> Iterator[Check]:
    age = now - verdict.trial_finished
    ended = f"the trial ended {verdict.trial_finished.astimezone(UTC):%Y-%m-%d %H:%M} UTC"
    if max(verdict.trial_finished, verdict.signed) > now + _CLOCK_SKEW:
        yield _check(
            "age",
            False,
            f"{ended}, signed {verdict.signed.astimezone(UTC):%Y-%m-%d %H:%M}: after today",
        )
    elif demands.max_age is None:
        yield Check("age", "not asked for", f"{ended}, {age.days} days ago")
    else:
        said = f"{ended}, {age.days} days ago; {demands.max_age.days} are allowed"
        yield _check("age", age <= demands.max_age, said)
