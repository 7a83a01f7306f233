"""Finds the claims in a document: in its tables, its checklists and its sentences."""

import re
from collections.abc import Iterator, Sequence
from typing import Literal

from seatrial.judge.claims.document import Document, Row, Sentence, Table
from seatrial.judge.claims.metrics import metric_of
from seatrial.judge.claims.model import Claim
from seatrial.judge.claims.quantity import Quantity, find_quantities, is_hedged, unit_of

__all__ = ["MAX_CLAIMS", "claims_of", "is_total", "mark_of"]

MAX_CLAIMS = 5_000
_MAX_SAYS = 200
_NEAR = 25
"""Characters before a number in which the word that says what it is stands."""

_RESULT = re.compile(
    r"\b(?:result|actual|measured|value|achieved|current|observed|after|now|duration|time|took"
    r"|score|points?|ergebnis|gemessen|ist|résultat|mesuré|resultado|medido)\b",
    re.IGNORECASE,
)
_TARGET = re.compile(
    r"\b(?:targets?|goal|budget|limit|threshold|requirement|required|max(?:imum)?|sla|allowed"
    r"|passing|minimum|expected|against|ziel|soll|grenzwert|objectif|cible|objetivo|meta)\b",
    re.IGNORECASE,
)
_STATUS = re.compile(
    r"\b(?:status|met|pass(?:ed)?|ok|verdict|state|done|erfüllt|statut|estado)\b|✅|✓|✔",
    re.IGNORECASE,
)
_YES = re.compile(
    r"[✅✔✓☑🟢👍]|\b(?:met|pass(?:ed|es|ing)?|ok(?:ay)?|yes|achieved|done|green|success(?:ful)?"
    r"|within|satisfied|fulfilled|complete[d]?|erfüllt|ja|oui|sí)\b",
    re.IGNORECASE,
)
_NO = re.compile(
    r"[❌✗✘✖☒🔴⛔🚫]|\b(?:not|no|fail(?:ed|s|ing)?|miss(?:ed|es)?|unmet|pending|tbd|todo|open"
    r"|exceeded|over|nicht|nein|non)\b",
    re.IGNORECASE,
)
_TICKS = re.compile(r"[✅✔✓☑🟢👍❌✗✘✖☒🔴⛔🚫]")
_SCORE = re.compile(r"\b(?:scores?|rating|grade|points?|punkte)\b", re.IGNORECASE)
_BAR = re.compile(
    r"\b(?:passing|minimum|required|threshold|target|at least|needed)\b", re.IGNORECASE
)
_ALL = re.compile(
    r"\b(?:all|every|each|100\s?%\s+of(?:\s+the)?)\s(?:[\w-]+\s){0,4}?(?P<what>targets?|criteri(?:a|on)"
    r"|budgets?|requirements?|goals?|metrics?|kpis?|benchmarks?|slas?|limits?|thresholds?"
    r"|tests?|suites?)\b(?=(?P<rest>.{0,60}))",
    re.IGNORECASE,
)
_DONE = re.compile(
    r"[✅✔✓]|\b(?:met|pass(?:ed|es|ing)?|achieved|satisfied|fulfilled|exceeded|green|reached)\b",
    re.IGNORECASE,
)
_ACHIEVES = re.compile(
    r"\b(?:meet|met|meets|pass(?:es|ed)?|satisf(?:y|ies|ied)|achieves?d?|fulfil\w*|exceed(?:s|ed)?"
    r"|reach(?:es|ed)?)\s+$",
    re.IGNORECASE,
)
_APPROVED = re.compile(
    r"\bapproved\b|\bproduction[- ]ready\b"
    r"|\bready (?:for|to) (?:production|release|deploy\w*|ship)\b"
    r"|\bapproval granted\b|\bcleared for (?:production|release)\b",
    re.IGNORECASE,
)
_NEGATION = re.compile(
    r"\b(?:not|never|no|isn't|aren't|cannot|unless|if|until|once|when|should|must|will"
    r"|would|nicht)\b",
    re.IGNORECASE,
)
_TOTAL = re.compile(r"^\W*(?:total|sum|overall|gesamt|summe|somme)\b", re.IGNORECASE)
_CLAUSE = re.compile(r"[,;]\s+|\.\s+|\s+and\s+|\s+–\s+|\s+-\s+")  # noqa: RUF001 - a dash


def claims_of(document: Document) -> tuple[Claim, ...]:
    """All claims, in the order of their lines."""
    claims: list[Claim] = []
    for table in document.tables:
        claims += _of_table(table)
    for sentence in document.sentences:
        claims += _of_sentence(sentence)
        if len(claims) > MAX_CLAIMS:
            break
    return tuple(sorted(claims, key=lambda claim: claim.line))


def is_total(claim: Claim) -> bool:
    """Whether a score says that it is the sum of others."""
    return bool(_TOTAL.match(claim.says))


def mark_of(text: str) -> bool | None:
    """Whether a text is a tick or a cross, or a word for one; None: neither, or both."""
    yes, no = bool(_YES.search(text)), bool(_NO.search(text))
    if yes and no and not _TICKS.search(text):
        return False  # `not met`
    return None if yes == no else yes


def _of_table(table: Table) -> Iterator[Claim]:
    result, target, status = _columns(table)
    head = table.head[result] if result is not None else ""
    scores = bool(_SCORE.search(head)) and not _TARGET.search(head)
    for row in table.rows:
        says = _says(" | ".join(cell for cell in row.cells if cell))
        label = row.cells[0] if row.cells else ""
        yield from _conclusions(row.line, " | ".join(row.cells))
        measured, bound = _cells(table, row, result, target)
        marked = mark_of(row.cells[status]) if status is not None else None
        if measured and (scores or _SCORE.search(label)) and measured.kind in {"number", "share"}:
            kind: Literal["score", "part of a score"] = "score"
            if scores and not _TOTAL.match(label):
                kind = "part of a score"
            yield Claim(row.line, says, kind, result=measured, target=bound, marked=marked)
        elif quantity := measured or (bound if marked is not None else None):
            yield Claim(
                row.line,
                says,
                "metric",
                metric_of(label, quantity.kind),
                measured,
                bound,
                marked,
                hedged=result is not None and is_hedged(f"{label} {head} {row.cells[result]}"),
            )
        elif marked:
            yield Claim(row.line, says, "other", marked=marked)


def _columns(table: Table) -> tuple[int | None, int | None, int | None]:
    """Which columns hold results, targets and ticks: by their heads, else by what is in them."""
    width = len(table.head)
    columns = [[row.cells[i] for row in table.rows if row.cells[i]] for i in range(width)]
    numbers = [[find_quantities(cell) for cell in column] for column in columns]

    def most(i: int, found: Sequence[bool]) -> bool:
        return i > 0 and bool(found) and 2 * sum(found) >= len(found)

    status = next(
        (
            i
            for i in range(1, width)
            if most(
                i, [mark_of(cell) is not None and not find_quantities(cell) for cell in columns[i]]
            )
        ),
        None,
    )
    if status is None:
        status = next((i for i in range(1, width) if _STATUS.search(table.head[i])), None)
    others = [i for i in range(1, width) if i != status]
    target = next((i for i in others if _TARGET.search(table.head[i])), None)
    if target is None:
        bounded = [i for i in others if most(i, [any(q.bound for q in qs) for qs in numbers[i]])]
        target = bounded[0] if bounded and len(others) > 1 else None
    others = [i for i in others if i != target and any(numbers[i])]
    named = [i for i in others if _RESULT.search(table.head[i])]
    result = named[0] if named else (others[0] if others else None)
    return result, target, status


def _cells(
    table: Table, row: Row, result: int | None, target: int | None
) -> tuple[Quantity | None, Quantity | None]:
    """Result and target of a row; one without a unit has that of the other."""
    found: list[Quantity | None] = []
    for column in (result, target):
        cell = row.cells[column] if column is not None else ""
        unit = unit_of(table.head[column]) if column is not None else None
        quantities = find_quantities(cell, unit)
        found.append(quantities[0] if quantities else None)
    for this, other, column in ((0, 1, result), (1, 0, target)):
        mine, theirs = found[this], found[other]
        if column is not None and mine and theirs and mine.kind == "number" and theirs.unit:
            found[this] = find_quantities(row.cells[column], theirs.unit)[0]
    return found[0], found[1]


def _of_sentence(sentence: Sentence) -> Iterator[Claim]:
    text, says = sentence.text, _says(sentence.text)
    found = [*_conclusions(sentence.line, text), *_scores(sentence)]
    if not any(claim.kind == "score" for claim in found):
        found += _measurements(sentence)
    yield from found
    marked = sentence.ticked
    if marked is None and _TICKS.search(text):
        marked = mark_of("".join(_TICKS.findall(text)))
    if not found and marked:
        yield Claim(sentence.line, says, "other", marked=marked)


def _conclusions(line: int, text: str) -> Iterator[Claim]:
    found: set[Literal["tests", "targets", "decision"]] = set()
    for match in _ALL.finditer(text):
        before = text[max(0, match.start() - _NEAR) : match.start()]
        if _NEGATION.search(before[-20:]) or _NEGATION.search(re.split("[.,;]", match["rest"])[0]):
            continue
        if _DONE.search(match["rest"]) or _ACHIEVES.search(before) or _DONE.search(before[-4:]):
            tests = match["what"].lower().startswith(("test", "suite"))
            found.add("tests" if tests else "targets")
    approved = _APPROVED.search(text)
    if approved and not _NEGATION.search(text[max(0, approved.start() - 20) : approved.start()]):
        found.add("decision")
    for kind in sorted(found):
        yield Claim(line, _says(text), kind, marked=True)


def _scores(sentence: Sentence) -> Iterator[Claim]:
    text = sentence.text
    about = bool(_SCORE.search(text))
    hedged = is_hedged(text)
    for quantity in find_quantities(text):
        out_of = quantity.of == 100
        named = about and quantity.kind in {"number", "share"}
        if (out_of or (named and quantity.value <= 100)) and not _BAR.search(
            text[max(0, quantity.start - _NEAR) : quantity.start]
        ):
            yield Claim(sentence.line, _says(text), "score", result=quantity, hedged=hedged)


def _measurements(sentence: Sentence) -> Iterator[Claim]:
    for clause in _CLAUSE.split(sentence.text):
        results: list[Quantity] = []
        targets: list[Quantity] = []
        quantities = find_quantities(clause)
        hedged = is_hedged(clause)
        unbound = {one.kind for one in quantities if not one.bound}
        for quantity in quantities:
            before = clause[max(0, quantity.start - _NEAR) : quantity.start]
            aside = bool(quantity.bound) and quantity.kind in unbound
            (targets if aside or _TARGET.search(before) else results).append(quantity)
        for quantity in results:
            metric = metric_of(clause, quantity.kind)
            if metric is None:
                continue
            yield Claim(
                sentence.line,
                _says(sentence.text),
                "metric",
                metric,
                quantity,
                next((one for one in targets if one.kind == quantity.kind), None),
                sentence.ticked or (mark_of("".join(_TICKS.findall(sentence.text)))),
                hedged=hedged,
            )


def _says(text: str) -> str:
    return text if len(text) <= _MAX_SAYS else f"{text[: _MAX_SAYS - 1]}…"
