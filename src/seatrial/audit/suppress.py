"""Sets findings aside that a comment in the file ignores with a reason."""

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping

from seatrial.audit.rules import found
from seatrial.audit.sources import Source
from seatrial.evidence.audit import AuditFinding, Ignored

__all__ = ["ignored_rules", "suppress"]

_COMMENT = re.compile(r"#\s*seatrial:\s*ignore\[([^\]\n]{0,200})\](.*)")
_MIN_REASON = 3


def suppress(
    findings: Iterable[AuditFinding], sources: Mapping[str, Source]
) -> tuple[list[AuditFinding], list[Ignored]]:
    """Split into what counts and what is ignored; `sources` by the name in the findings.

    A comment holds for its own line and, if it has that for itself, for the first one after it that
    is no comment. One without a reason ignores nothing, and is a finding itself.
    """
    counting: list[AuditFinding] = []
    ignored: list[Ignored] = []
    reasons = {name: _comments(source) for name, source in sources.items()}
    for finding in findings:
        known = reasons.get(finding.file, {})
        reason = known.get((finding.line or 0, finding.rule), "")
        if reason:
            ignored.append(Ignored(finding=finding, reason=reason))
        else:
            counting.append(finding)
    for name, known in reasons.items():
        bare = sorted({line for (line, rule), reason in known.items() if not rule and not reason})
        counting += [
            found("ignore-without-reason", name, line, "the comment gives no reason")
            for line in bare
        ]
    return counting, ignored


def ignored_rules(text: str) -> Counter[str]:
    """How many comments of a file with a reason ignore each rule."""
    found = (_COMMENT.search(line) for line in text.splitlines())
    return Counter(rule for match in found if match and _reason(match) for rule in _rules(match))


def _reason(match: re.Match[str]) -> str:
    """Empty if there is none to speak of."""
    reason = match[2].strip()
    return reason if len(reason) >= _MIN_REASON else ""


def _rules(match: re.Match[str]) -> Iterator[str]:
    return filter(None, (name.strip() for name in match[1].split(",")))


def _comments(source: Source) -> dict[tuple[int, str], str]:
    """Reasons by line and rule; an entry without a rule is a comment without a reason."""
    reasons: dict[tuple[int, str], str] = {}
    for number, line in enumerate(source.lines, 1):
        match = _COMMENT.search(line)
        if not match:
            continue
        reason = _reason(match)
        if not reason:
            reasons[number, ""] = ""
            continue
        held = [number] if line[: match.start()].strip() else [number, _next(source, number)]
        for rule in _rules(match):
            reasons |= {(one, rule): reason for one in held}
    return reasons


def _next(source: Source, number: int) -> int:
    """The first line after it that is no comment."""
    number += 1
    while source.line(number).lstrip().startswith("#"):
        number += 1
    return number
