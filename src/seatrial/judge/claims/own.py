"""Holds a document against itself: no evidence is needed to see that it cannot be right."""

import re
from collections.abc import Iterator, Mapping, Sequence

from seatrial.judge.claims.document import Document
from seatrial.judge.claims.extract import is_total
from seatrial.judge.claims.model import Claim, Standing
from seatrial.judge.claims.quantity import Quantity
from seatrial.words import duration

__all__ = ["Doubts", "doubts_of", "misses", "worded"]

_WAIT = re.compile(r"\bsleep(?:s|ing)?\b[\s(:=`]*(?P<seconds>\d{1,6}(?:\.\d{1,6})?)", re.IGNORECASE)
_MAX_NAMED = 5

Doubts = Mapping[int, Sequence[tuple[Standing, str]]]
"""Of a claim, by its place in the list: what speaks against it."""


def doubts_of(document: Document, claims: Sequence[Claim]) -> Doubts:
    """What a document itself says against its claims."""
    found: dict[int, list[tuple[Standing, str]]] = {}
    for number, standing, reason in (
        *_rows(claims),
        *_conclusions(claims),
        *_scores(claims),
        *_sums(claims),
        *_estimates(claims),
        *_waits(document, claims),
    ):
        found.setdefault(number, []).append((standing, reason))
    return found


_Doubt = tuple[int, Standing, str]


def misses(value: Quantity, target: Quantity, better: int | None) -> bool | None:
    """Whether a result misses its target; None: it cannot be told.

    Where the target has no sign, less is better for times and sizes, more for shares, unless
    `better` says otherwise.
    """
    if value.kind != target.kind:
        return None
    usual = {"time": -1, "size": -1, "share": 1}.get(value.kind, 0)
    direction = {"<": -1, "<=": -1, ">": 1, ">=": 1}.get(target.bound) or better or usual
    if direction < 0:
        if value.bound in {"<", "<="} and value.value > target.value:
            return None  # below 200 may still be below 180
        strict = target.bound == "<" and not value.bound
        return value.value >= target.value if strict else value.value > target.value
    if direction > 0:
        low = value.value if value.low is None else value.low
        if value.bound in {">", ">="} and low < target.value:
            return None
        return (
            low <= target.value if target.bound == ">" and not value.bound else low < target.value
        )
    return None


def worded(value: float, kind: str) -> str:
    """A value in base units, as people write it."""
    if kind == "time":
        return duration(value)
    if kind == "size":
        return f"{value / 2**20:.0f} MiB"
    return f"{value:.4g} %" if kind == "share" else f"{value:g}"


def _missed(claim: Claim) -> str:
    """By how much its own result misses its own target; empty: it does not."""
    if claim.kind != "metric" or claim.result is None or claim.target is None:
        return ""
    better = claim.metric.better if claim.metric else None
    if not misses(claim.result, claim.target, better):
        return ""
    apart = abs(claim.result.value - claim.target.value)
    return (
        f"its own result, {claim.result.text}, misses its own target, {claim.target.text}, "
        f"by {worded(apart, claim.result.kind)}"
    )


def _rows(claims: Sequence[Claim]) -> Iterator[_Doubt]:
    for number, claim in enumerate(claims):
        if claim.marked and (missed := _missed(claim)):
            yield number, Standing.CONTRADICTS_ITSELF, f"marked as met, but {missed}"


def _conclusions(claims: Sequence[Claim]) -> Iterator[_Doubt]:
    failing = [
        one for one in claims if _missed(one) or (one.kind == "metric" and one.marked is False)
    ]
    failed = [
        one
        for one in claims
        if one.metric and one.metric.key == "failed tests" and one.result and one.result.value > 0
    ]
    for number, claim in enumerate(claims):
        against = {"targets": failing, "tests": failed, "decision": []}.get(claim.kind, [])
        if against:
            places = ", ".join(
                f"line {one.line} ({_missed(one) or one.says[:60]})" for one in against[:_MAX_NAMED]
            )
            yield number, Standing.CONTRADICTS_ITSELF, f"not so by {places}"


def _scores(claims: Sequence[Claim]) -> Iterator[_Doubt]:
    """One thing has one score. If it changed, the change is what would need evidence."""
    scores = [
        (number, claim, _of_hundred(claim.result))
        for number, claim in enumerate(claims)
        if claim.kind == "score" and claim.result
    ]
    values = sorted({value for _, _, value in scores})
    if len(values) < 2:
        return
    told = ", ".join(
        f"{value:g} (line {next(one.line for _, one, same in scores if same == value)})"
        for value in values[:_MAX_NAMED]
    )
    for number, _, _ in scores:
        yield (
            number,
            Standing.CONTRADICTS_ITSELF,
            f"{len(values)} scores for one thing: {told}; only a new measurement could change it",
        )


def _of_hundred(score: Quantity) -> float:
    return 100 * score.value / score.of if score.of else score.value


def _sums(claims: Sequence[Claim]) -> Iterator[_Doubt]:
    parts: list[Quantity] = []
    last = 0
    for number, claim in enumerate(claims):
        if claim.kind == "part of a score" and claim.result:
            if claim.line > last + 1:
                parts = []  # another table
            parts.append(claim.result)
            last = claim.line
        elif claim.kind == "score" and claim.result and is_total(claim) and len(parts) > 1:
            whole = sum(part.value for part in parts)
            mean = whole / len(parts)
            fits = abs(whole - claim.result.value) <= claim.result.step / 2
            averaged = all(part.of == claim.result.of for part in parts)
            if averaged and abs(mean - claim.result.value) <= claim.result.step / 2:
                fits = True
            if not fits:
                reason = f"the rows above add up to {whole:g}, not to {claim.result.value:g}"
                yield number, Standing.CONTRADICTS_ITSELF, reason
            parts = []


def _estimates(claims: Sequence[Claim]) -> Iterator[_Doubt]:
    for number, claim in enumerate(claims):
        if claim.hedged and claim.result:
            yield (
                number,
                Standing.ESTIMATE,
                f"{claim.result.text} was not measured by its own words",
            )


def _waits(document: Document, claims: Sequence[Claim]) -> Iterator[_Doubt]:
    """A figure of a start that holds a sleep says how long somebody chose to wait."""
    lines = [(one.line, one.text) for one in document.sentences]
    lines += [(row.line, " ".join(row.cells)) for one in document.tables for row in one.rows]
    for line, text in sorted(lines):
        match = _WAIT.search(text)
        if match is None:
            continue
        seconds = float(match["seconds"])
        timed = [
            (number, claim, claim.result)
            for number, claim in enumerate(claims)
            if claim.metric and claim.result and claim.result.kind == "time"
        ]
        beside = [one for one in timed if one[1].line == line]
        starts = [one for one in timed if one[1].metric and one[1].metric.key == "start"]
        for number, _, result in beside or starts:
            if seconds <= result.value:
                told = f"{duration(seconds)} of its {result.text} are a sleep (line {line})"
                yield number, Standing.FIXED_WAIT, told
