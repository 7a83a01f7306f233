"""Reads what the probe wrote inside the test container; every line of it is untrusted."""

import json
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, cast

from seatrial.evidence.collected import NameSink
from seatrial.evidence.coverage_events import CoverageReading, CoverageSightings
from seatrial.evidence.hostile import plain_text
from seatrial.evidence.record import (
    MAX_PLUGIN_NAME,
    MAX_PLUGINS,
    Failure,
    Plugin,
    Pytest,
    Reach,
    TestCounts,
)
from seatrial.evidence.tests import Outcome, TestResult, TestSink

__all__ = ["EVENTS_FILE", "ProbeReport", "each_event", "read_events"]

EVENTS_FILE = "events.jsonl"
"""Among what the probe wrote."""
MAX_FAILURES = 200
MAX_LINE = 1 << 20
"""Bytes: a failure's text of 10,000 characters, each escaped to six, and a long node id."""
MAX_LISTED = 200
MAX_NAMES = 1_000_000
"""Names of collected tests that are handed on."""
MAX_SHORT = 600
MAX_ROOTS = 5
"""A script may run pytest in several folders; beyond these nothing is looked into."""
_MAX_SECONDS = 1e7
_MAX_MOMENT = 1e11
"""Seconds since 1970; no calendar reaches much further."""
_MAX_PEERS = 100
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
    coverage: CoverageSightings | None
    junit_paths: tuple[str, ...]
    """JUnit files that the tests' command asked for, by their paths in the container."""
    sessions: int
    roots: tuple[str, ...]
    """Pytest's root folders in the container, from which node ids count."""
    started: datetime | None
    """When the first session began, by the container's wall clock."""


def read_events(
    path: Path,
    sink: TestSink | None = None,
    names: NameSink | None = None,
    *,
    known_by: Mapping[str, str] | None = None,
) -> ProbeReport | None:
    """Read the events file; None if there is none or no pytest session started.

    Every result is given to `sink`, every test that was collected to be run to `names`. Several
    sessions (a script that calls pytest twice) are added up: the exit status is the first that is
    not 0, or None if one of them did not end. `known_by` gives containers' ids by others that they
    know themselves by.
    """
    reading = _Reading(sink or (lambda _: None), names or (lambda _: None), known_by or {})
    for event in each_event(path):
        reading.take(event)
    return reading.report()


class _Reading:
    """What is known after the events so far."""

    def __init__(self, sink: TestSink, names: NameSink, known_by: Mapping[str, str]) -> None:
        self._sink = sink
        self._known_by = known_by
        self._name = names
        self._names = 0
        self._first: Mapping[str, Any] = {}
        """The start of the first session, which speaks for all."""
        self._sessions = 0
        self._ended = 0
        self._status = 0
        """The first exit status that is not 0."""
        self._container = ""
        """Of the newest session."""
        self._looks_only = False
        self._containers: dict[str, None] = {}
        self._junit: dict[str, None] = {}
        self._roots: dict[str, None] = {}
        self._collected = _Sum()
        self._deselected = _Sum()
        self._hooks: dict[str, None] = {}
        self._left_out_by: dict[str, None] = {}
        self._plugins: dict[Plugin, None] = {}
        self._counts: Counter[str] = Counter()
        self._seconds = 0.0
        self._running: dict[str, None] = {}
        self._shared: dict[str, float] = {}
        self._failures: list[Failure] = []
        self._reach: list[Reach] = []
        self._coverage = CoverageReading()

    def take(self, event: Mapping[str, Any]) -> None:
        self._coverage.take(event)
        match event.get("event"):
            case "start":
                self._start(event)
            case "deselected" if self._sessions:
                self._deselected.at_least(_integer(event.get("count")))
            case "hooks" if len(self._hooks) < MAX_LISTED:
                self._hooks |= dict.fromkeys(map(_hook, _several(event.get("found"))))
            case "selection" if len(self._left_out_by) < MAX_LISTED:
                self._left_out_by |= dict.fromkeys(map(_short, _several(event.get("by"))))
            case "collected" if self._sessions and not self._looks_only:
                # Under xdist every worker reports the same collection.
                self._collected.at_least(_integer(event.get("count")))
            case "names" if self._sessions and not self._looks_only:
                self._hand_on(event.get("tests"))
            case "peer" if len(self._reach) < _MAX_PEERS:
                self._reach.append(_reach(event))
            case "running" if len(self._running) < MAX_NAMES:
                self._running[_text(event.get("id"))] = None
            case "shared" if len(self._shared) < MAX_LISTED:
                test = _text(event.get("id"))
                seconds = self._shared.get(test, 0.0) + (_seconds(event.get("seconds")) or 0.0)
                self._shared[test] = seconds
            case "broken":
                self._result(event, "error")
            case "test" if str(event.get("outcome")) in _FIELDS:
                self._result(event, str(event["outcome"]))
            case "end":
                self._ended += 1
                self._status = self._status or _integer(event.get("status"))
                self._running.clear()

    def _start(self, event: Mapping[str, Any]) -> None:
        self._first = self._first or event
        self._sessions += 1
        told = _text(event.get("container"))
        self._container = self._known_by.get(told, told)
        self._looks_only = bool(event.get("collect_only"))
        self._collected.next()
        self._deselected.next()
        if len(self._plugins) < MAX_PLUGINS:
            self._plugins |= dict.fromkeys(_plugins(event.get("plugins")))
        if len(self._containers) < MAX_LISTED:
            self._containers[self._container] = None
        for found, limit, value in (
            (self._junit, MAX_LISTED, str(event.get("junit") or "")),
            (self._roots, MAX_ROOTS, _root(event.get("root"))),
        ):
            if value and len(found) < limit:
                found[value] = None

    def report(self) -> ProbeReport | None:
        if not self._sessions:
            return None
        for test in self._running:
            self._sink(TestResult(test, "unfinished", self._container))
        first = self._first
        arguments = first.get("arguments")
        return ProbeReport(
            pytest=Pytest(
                version=_text(first.get("pytest")),
                python=_text(first.get("python")),
                plugins=tuple(self._plugins)[:MAX_PLUGINS],
                arguments=tuple(map(_text, arguments if isinstance(arguments, list) else ())),
                exit_status=self._status if self._ended >= self._sessions else None,
                counts=TestCounts(
                    collected=self._collected.total,
                    deselected=self._deselected.total,
                    **self._counts,
                ),
                failures=tuple(self._failures),
                containers=tuple(self._containers),
                tests_seconds=self._seconds,
                reach=tuple(self._reach),
                hooks=tuple(self._hooks)[:MAX_LISTED],
                left_out_by=tuple(self._left_out_by)[:MAX_LISTED],
                running=next(iter(self._running), None),
            ),
            coverage=self._coverage.sightings(),
            junit_paths=tuple(self._junit),
            sessions=self._sessions,
            roots=tuple(self._roots),
            started=_moment(first.get("wall")),
        )

    def _hand_on(self, names: Any) -> None:
        for name in names if isinstance(names, list) else ():
            if self._names == MAX_NAMES:
                return
            self._names += 1
            self._name(_text(name))

    def _result(self, event: Mapping[str, Any], outcome: str) -> None:
        test = _text(event.get("id"))
        self._running.pop(test, None)
        self._counts[_FIELDS[outcome]] += 1
        message = _text(event.get("message")) if event.get("message") is not None else None
        if outcome in {"failed", "error"} and len(self._failures) < MAX_FAILURES:
            self._failures.append(Failure(test=test, message=message or ""))
        seconds = event.get("seconds")
        parts = seconds if isinstance(seconds, dict) else {}
        times = {part: _seconds(parts.get(part)) for part in ("setup", "call", "teardown")}
        self._seconds += sum(filter(None, times.values()))
        self._sink(
            TestResult(
                id=test,
                outcome=cast("Outcome", outcome),
                container=self._container,
                **times,
                shared=self._shared.pop(test, None),
                reruns=_integer(event.get("reruns")),
                message=message,
                text=_plain(event.get("text")),
                stdout=_plain(event.get("stdout")),
                stderr=_plain(event.get("stderr")),
                log=_plain(event.get("log")),
            )
        )


@dataclass
class _Sum:
    """Adds up what each session tells, of which the most counts."""

    total: int = 0
    _told: int = 0
    """By the newest session."""

    def next(self) -> None:
        """A session begins."""
        self._told = 0

    def at_least(self, told: int) -> None:
        """The newest session tells a number."""
        self.total += max(0, told - self._told)
        self._told = max(told, self._told)


def each_event(path: Path) -> Iterator[Mapping[str, Any]]:
    """The events of a file, as they are; none if there is no file.

    The probe's file has runs of zeros: what was set aside for events and not needed.
    """
    try:
        file = path.open("rb")
    except OSError:
        return
    with file:
        while line := file.readline(MAX_LINE):
            try:
                event = json.loads(line.rpartition(b"\0")[2])
            except (ValueError, RecursionError):
                continue  # cut off in the middle of a line, or not the probe's
            if isinstance(event, dict):
                yield event


def _reach(event: Mapping[str, Any]) -> Reach:
    return Reach(
        service=_short(event.get("host")),
        port=_integer(event.get("port")),
        resolve_seconds=_seconds(event.get("resolve")),
        connect_seconds=_seconds(event.get("connect")),
        fault=_short(event.get("fault")) or None,
    )


def _plugins(value: Any) -> Iterator[Plugin]:
    for pair in value[:MAX_PLUGINS] if isinstance(value, list) else ():
        if isinstance(pair, list) and len(pair) == 2:
            name, version = (_text(part)[:MAX_PLUGIN_NAME] for part in pair)
            yield Plugin(name=name, version=version)


def _several(value: Any) -> list[Any]:
    return value[:MAX_LISTED] if isinstance(value, list) else []


def _short(value: Any) -> str:
    return _text(value)[:MAX_SHORT]


def _hook(value: Any) -> str:
    told = value if isinstance(value, dict) else {}
    return f"{_short(told.get('file'))}: {_short(told.get('hook'))}"


def _root(value: Any) -> str:
    """An absolute path, as it is."""
    fits = isinstance(value, str) and value.startswith("/") and len(value) <= MAX_SHORT
    return value if fits and value.isprintable() else ""


def _integer(value: Any) -> int:
    return value if isinstance(value, int) and 0 <= value < 1 << 31 else 0


def _text(value: Any) -> str:
    return plain_text(str(value)).replace("\n", " ") if value is not None else ""


def _plain(value: Any) -> str | None:
    return plain_text(value) if isinstance(value, str) else None


def _moment(value: Any) -> datetime | None:
    fits = isinstance(value, int | float) and 0 <= value < _MAX_MOMENT
    return datetime.fromtimestamp(value, UTC) if fits else None


def _seconds(value: Any) -> float | None:
    return float(value) if isinstance(value, int | float) and 0 <= value < _MAX_SECONDS else None
