"""Reads what the probe wrote inside the test container; every line of it is untrusted."""

import json
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from seatrial.evidence.hostile import plain_text
from seatrial.evidence.record import Failure, Pytest, TestCounts

__all__ = ["ProbeReport", "read_events"]

MAX_FAILURES = 200
MAX_LINE = 1 << 16
_FIELDS = {
    "passed": "passed",
    "failed": "failed",
    "error": "errors",
    "skipped": "skipped",
    "xfailed": "xfailed",
    "xpassed": "xpassed",
}


@dataclass(frozen=True)
class ProbeReport:
    """What the events tell."""

    pytest: Pytest
    containers: frozenset[str]
    """Host names that the sessions ran on."""
    junit_paths: tuple[str, ...]
    """JUnit files by their paths in the container."""


def read_events(path: Path) -> ProbeReport | None:
    """Read the events file; None if there is none or no pytest session started.

    Several sessions (a script that calls pytest twice) are added up: the exit status is the
    first that is not 0, or None if one of them did not end.
    """
    starts: list[Mapping[str, Any]] = []
    ends: list[int] = []
    counts: Counter[str] = Counter()
    collected: list[int] = []
    running: dict[str, None] = {}
    messages: dict[str, str] = {}
    for event in _events(path):
        match event.get("event"):
            case "start":
                starts.append(event)
                collected.append(0)
            case "collected":
                # Under xdist every worker reports the same collection.
                if collected:
                    collected[-1] = max(collected[-1], _integer(event.get("count")))
            case "broken":
                counts["errors"] += 1
                messages[_text(event.get("id"))] = _text(event.get("message"))
            case "running":
                running[_text(event.get("id"))] = None
            case "test":
                test = _text(event.get("id"))
                running.pop(test, None)
                field = _FIELDS.get(str(event.get("outcome")))
                if field:
                    counts[field] += 1
                if field in {"failed", "errors"}:
                    messages[test] = _text(event.get("message"))
            case "end":
                ends.append(_integer(event.get("status")))
                running.clear()
    if not starts:
        return None
    complete = len(ends) >= len(starts)
    first = starts[0]
    return ProbeReport(
        pytest=Pytest(
            version=_text(first.get("pytest")),
            python=_text(first.get("python")),
            arguments=tuple(_text(argument) for argument in first.get("arguments") or ()),
            exit_status=next((status for status in ends if status), 0) if complete else None,
            counts=TestCounts(collected=sum(collected), **counts),
            failures=tuple(
                Failure(test=test, message=message) for test, message in messages.items()
            )[:MAX_FAILURES],
            running=next(iter(running), None),
        ),
        containers=frozenset(_text(start.get("container")) for start in starts),
        junit_paths=tuple(
            dict.fromkeys(str(start["junit"]) for start in starts if start.get("junit"))
        ),
    )


def _events(path: Path) -> Iterator[Mapping[str, Any]]:
    try:
        file = path.open("rb")
    except OSError:
        return
    with file:
        while line := file.readline(MAX_LINE):
            try:
                event = json.loads(line)
            except ValueError:
                continue  # cut off in the middle of a line, or not the probe's
            if isinstance(event, dict):
                yield event


def _integer(value: Any) -> int:
    return value if isinstance(value, int) and 0 <= value < 1 << 31 else 0


def _text(value: Any) -> str:
    return plain_text(str(value)).replace("\n", " ") if value is not None else ""
