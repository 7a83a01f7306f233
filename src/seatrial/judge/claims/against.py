"""Holds a claim against what a trial measured and what its verdict was."""

import math
from dataclasses import dataclass

from seatrial.evidence.budgets import in_words
from seatrial.evidence.record import BudgetResult, Record, Status
from seatrial.judge.approval import Approval
from seatrial.judge.claims.metrics import Measured, Metric
from seatrial.judge.claims.model import Claim, Standing
from seatrial.judge.claims.own import misses, worded
from seatrial.judge.claims.quantity import Quantity
from seatrial.words import counted

__all__ = ["Evidence", "hold"]

Held = tuple[Standing, str]


@dataclass(frozen=True)
class Evidence:
    """A trial, and the verdict on it."""

    record: Record
    approval: Approval | None = None
    """None: it was not judged."""
    faults: tuple[str, ...] = ()
    """What shows that the trial's files are not as it left them."""


def hold(claim: Claim, claims: tuple[Claim, ...], evidence: Evidence) -> Held:
    """What the evidence says of a claim; `claims` are all of its document."""
    if evidence.faults:
        told = f"the trial's files are not as it left them: {evidence.faults[0]}"
        return Standing.UNSUPPORTED, told
    if claim.kind == "metric":
        standing, told = _metric(claim, evidence.record)
        if standing is Standing.CONFIRMED and (why := _not_whole(evidence.record)):
            return Standing.UNSUPPORTED, f"{told}, but {why}"
        return standing, told
    if claim.kind in {"score", "part of a score"}:
        return _score(claim, evidence.approval)
    if claim.kind == "tests":
        return _tests(evidence.record)
    if claim.kind == "targets":
        return _targets(claims, evidence.record)
    if claim.kind == "decision":
        return _decision(evidence)
    return Standing.UNSUPPORTED, "nothing that a trial measures says anything on it"


def _not_whole(record: Record) -> str:
    """Why good figures of a trial say nothing: a suite that dies early is quick."""
    if record.status not in {Status.PASSED, Status.OVER_BUDGET}:
        return f"the trial did not pass: {record.reason}"
    if record.partial is not None or record.arguments:
        return "the trial ran only a part of the tests, or with arguments of its own"
    return ""


def _metric(claim: Claim, record: Record) -> Held:
    metric = claim.metric
    if metric is None:
        return Standing.UNSUPPORTED, "nothing that a trial measures has this name"
    measured = metric.measure(record)
    if measured is None:
        return Standing.UNSUPPORTED, f"the trial did not measure: {metric.key}"
    if claim.marked and claim.target and (apart := _misses(claim.target, measured, metric)):
        return Standing.CONTRADICTED, apart
    if claim.result is None:
        told = f"measured {_told(measured, metric)}"
        return (Standing.CONFIRMED if claim.target else Standing.UNSUPPORTED), told
    return _compare(claim.result, measured, metric)


def _compare(stated: Quantity, measured: Measured, metric: Metric) -> Held:
    """Confirmed if the measured value, rounded as the claim is, is no worse."""
    verdicts = {_no_worse(value, stated, metric) for value in (measured.low, measured.high)}
    told = f"measured {_told(measured, metric)}"
    if verdicts == {True}:
        return Standing.CONFIRMED, told
    if verdicts == {False}:
        value = measured.low if metric.better < 0 else measured.high
        said = stated.value if stated.low is None or metric.better < 0 else stated.low
        return Standing.CONTRADICTED, f"{told}, {_apart(value, said, metric)}"
    return Standing.UNSUPPORTED, f"{told}: which of them is not known"


def _no_worse(value: float, stated: Quantity, metric: Metric) -> bool:
    if stated.bound:
        return {
            "<": value < stated.value,
            "<=": value <= stated.value,
            ">": value > stated.value,
            ">=": value >= stated.value,
        }[stated.bound]
    whole = metric.kind == "share" and stated.value >= 100
    # All is all: 99.6 % is not what `100 %` says.
    rounded = value if whole else math.floor(value / stated.step + 0.5) * stated.step
    slack = stated.step * 1e-9  # of binary fractions
    if metric.better < 0:
        return rounded <= stated.value + slack
    low = stated.value if stated.low is None else stated.low
    if metric.better > 0:
        return rounded >= low - slack
    return low - slack <= rounded <= stated.value + slack


def _misses(target: Quantity, measured: Measured, metric: Metric) -> str:
    value = measured.low if metric.better < 0 else measured.high
    held = Quantity(value, metric.kind, 0.0, "")
    if not misses(held, target, metric.better):
        return ""
    apart = worded(abs(value - target.value), metric.kind)
    return f"measured {_told(measured, metric)}, which misses its target, {target.text}, by {apart}"


def _told(measured: Measured, metric: Metric) -> str:
    low, high = (worded(one, metric.kind) for one in (measured.low, measured.high))
    value = low if low == high else f"{low} to {high}"
    return f"{value} ({measured.where})"


def _apart(value: float, stated: float, metric: Metric) -> str:
    more = "more" if value > stated else "less"
    share = f" ({100 * abs(value - stated) / stated:.0f} %)" if stated else ""
    return f"{worded(abs(value - stated), metric.kind)} {more} than it says{share}"


def _score(claim: Claim, approval: Approval | None) -> Held:
    if claim.kind == "part of a score" or claim.result is None:
        return Standing.UNSUPPORTED, "points that were given, not measured"
    if approval is None:
        return Standing.UNSUPPORTED, "there is no verdict on the trial that gives a score"
    score = approval.verdict.score
    stated = 100 * claim.result.value / claim.result.of if claim.result.of else claim.result.value
    told = f"the verdict's score is {score:g}"
    rounded = math.floor(score / claim.result.step + 0.5) * claim.result.step
    if (score if stated >= 100 else rounded) >= stated - 1e-9:
        return Standing.CONFIRMED, told
    return Standing.CONTRADICTED, f"{told}, {stated - score:g} less than it says"


def _tests(record: Record) -> Held:
    if record.pytest is None:
        return Standing.UNSUPPORTED, "no probe reported, so nothing is known of single tests"
    counts = record.pytest.counts
    bad = counts.failed + counts.errors
    if bad or record.status is Status.FAILED:
        told = f"{counted(bad, 'test')} failed" if bad else record.reason
        return Standing.CONTRADICTED, told
    if why := _not_whole(record) or ("" if counts.passed else record.reason):
        return Standing.UNSUPPORTED, why
    return Standing.CONFIRMED, f"{counted(counts.passed, 'test')} passed and none failed"


def _targets(claims: tuple[Claim, ...], record: Record) -> Held:
    """All targets are those of the document, and the project's own budgets."""
    missed = [
        f"{one.metric} took {_used(one)}, its budget is {in_words(one.metric, one.limit)}"
        for one in record.budgets
        if not one.met
    ]
    held = len(record.budgets)
    unknown = 0
    for claim in claims:
        if claim.kind != "metric" or claim.target is None:
            continue
        measured = claim.metric.measure(record) if claim.metric else None
        if claim.metric is None or measured is None:
            unknown += 1
        elif apart := _misses(claim.target, measured, claim.metric):
            missed.append(f"line {claim.line}: {apart}")
        else:
            held += 1
    if missed:
        return Standing.CONTRADICTED, "; ".join(missed[:5])
    if unknown:
        return Standing.UNSUPPORTED, f"{counted(unknown, 'target')} that no trial measured"
    if not held:
        return Standing.UNSUPPORTED, "there is no target that a trial measures"
    if why := _not_whole(record):
        return Standing.UNSUPPORTED, why
    return Standing.CONFIRMED, f"{counted(held, 'target')} held against the trial are met"


def _used(budget: BudgetResult) -> str:
    if budget.measured is None:
        return "what nobody measured"
    return in_words(budget.metric, budget.measured)


def _decision(evidence: Evidence) -> Held:
    record, approval = evidence.record, evidence.approval
    if approval is not None:
        reasons = ", ".join(one.key for one in approval.verdict.reasons)
        if approval.decision == "approved":
            return Standing.CONFIRMED, f"the verdict on trial {record.id} is: approved"
        return Standing.CONTRADICTED, f"the verdict on trial {record.id} is: rejected ({reasons})"
    if record.status is not Status.PASSED:
        return Standing.CONTRADICTED, f"the trial {record.status.value}: {record.reason}"
    return Standing.UNSUPPORTED, "there is no verdict on the trial: seatrial approve makes one"
