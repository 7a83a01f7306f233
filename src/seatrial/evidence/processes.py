"""What Pythons that tests started told of themselves, and whether more was started than told.

A process that tells nothing leaves its start without a report: a shell, another program, a Python
that was kept from it. Then nobody knows what the test used.
"""

import json
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from seatrial.evidence.trace_lines import (
    MAX_BYTES,
    MAX_FILES,
    TRACER_VERSION,
    NotWhole,
    as_number,
    as_text,
)

__all__ = ["Processes", "Report", "is_report", "read_report"]

_PREFIX = "dependencies-child-"
_MAX_PID = 1 << 30
_KINDS = ("ran", "read", "listed", "imported")


@dataclass
class Report:
    """What one process told, with its numbers; it may have been killed at any time."""

    pid: int
    by: int
    """The process that started it."""
    keys: tuple[str, ...]
    """How that may know it, the likeliest first."""
    places: dict[int, str] = field(default_factory=dict)
    used: dict[str, set[int]] = field(default_factory=lambda: {kind: set() for kind in _KINDS})
    process: bool = False
    """Whether it did something that it cannot tell of."""
    starts: dict[int, str] = field(default_factory=dict)
    """The processes that it started, and how each is known."""


def is_report(path: Path) -> bool:
    """Whether a file of the tracer's comes from a process that a test started."""
    return path.name.startswith(_PREFIX)


def read_report(path: Path) -> Report | None:
    """Read what one process wrote; None if it is not whole: then it told nothing."""
    try:
        if path.is_symlink() or path.stat().st_size > MAX_BYTES:
            return None
        with path.open("rb") as file:
            head = json.loads(file.readline())
            if head["version"] != TRACER_VERSION:
                return None
            keys = tuple(as_text(key) for key in head["keys"][:3])
            report = Report(pid_of(head["child"]), pid_of(head["by"]), keys)
            for line in file:
                if not line.endswith(b"\n"):
                    return None
                _take(report, json.loads(line))
    except (OSError, ValueError, TypeError, KeyError, AttributeError, RecursionError, NotWhole):
        return None
    used = {each for found in report.used.values() for each in found}
    return report if used <= report.places.keys() else None


def pid_of(value: Any) -> int:
    """A process id.

    Raises:
        NotWhole: it is none.
    """
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= _MAX_PID:
        raise NotWhole
    return value


def _take(report: Report, line: Mapping[str, Any]) -> None:
    if "file" in line:
        report.places[as_number(line["file"])] = as_text(line.get("path"))
    elif "start" in line:
        report.starts[as_number(line["start"])] = as_text(line.get("key"))
    elif "process" in line:
        report.process = True
    else:
        ((kind, value),) = line.items()
        report.used[kind].add(as_number(value))
    if len(report.places) > MAX_FILES:
        raise NotWhole


class Processes:
    """The processes of one container: which of them each start led to."""

    def __init__(
        self, tests: Mapping[int, Mapping[int, str]], reports: Mapping[str, Report]
    ) -> None:
        """`tests` are what pytest's own processes started: by their ids and their numbers."""
        self._reports = reports
        self._started = tests
        made: Counter[tuple[int, str]] = Counter()
        starts = [*tests.items(), *((each.pid, each.starts) for each in reports.values())]
        for pid, found in starts:
            made.update((pid, key) for key in found.values())
        told: dict[tuple[int, str], list[str]] = defaultdict(list)
        for name, report in reports.items():
            own = next((key for key in report.keys if (report.by, key) in made), None)
            if own is not None:
                told[report.by, own].append(name)
        self._proven = {key: told[key] for key, count in made.items() if len(told[key]) == count}

    def of_starts(self, pid: int, started: Iterable[int]) -> tuple[frozenset[str], bool]:
        """The reports of what a process started, and of what that started and so on.

        The second is whether there was more, of which nobody knows.
        """
        known = self._started.get(pid, {})
        return self._follow((pid, known.get(start, "")) for start in started)

    def of_reports(self, names: Collection[str]) -> tuple[frozenset[str], bool]:
        """The same for processes by the names of their reports."""
        own = [self._reports[name] for name in names if name in self._reports]
        found, more = self._follow((r.pid, key) for r in own for key in r.starts.values())
        unknown = len(own) < len(names) or any(report.process for report in own)
        return found | (self._reports.keys() & set(names)), more or unknown

    def _follow(self, starts: Iterable[tuple[int, str]]) -> tuple[frozenset[str], bool]:
        waiting, seen = list(starts), set[tuple[int, str]]()
        found: set[str] = set()
        unknown = False
        while waiting:
            start = waiting.pop()
            if start in seen:
                continue
            seen.add(start)
            names: Sequence[str] = self._proven.get(start, ())
            unknown = unknown or not names
            for name in names:
                report = self._reports[name]
                found.add(name)
                unknown = unknown or report.process
                waiting += [(report.pid, key) for key in report.starts.values()]
        return frozenset(found), unknown
