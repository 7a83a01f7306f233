"""Holds the probe's events against each other, and against what was seen of them live.

Whoever runs the tests can write into the events file. What is looked for is what neither the probe
nor xdist, retries, crashes, several sessions or a process that was killed can have left there.
"""

import json
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Any

from seatrial.evidence.doubt import Doubt
from seatrial.evidence.events import MAX_LINE
from seatrial.evidence.hostile import plain_text

__all__ = ["LiveView", "event_doubts"]

MAX_TOLD = 20
"""Doubts of a kind."""
MAX_TESTS = 1_000_000
"""Tests looked at; what an events file of a gigabyte holds beyond them is not compared."""
_WINDOW = 1 << 16
"""Bytes that one process writes in a piece; see the probe's `Recorder`."""
_SLACK_S = 5.0
"""Between taking an event's time and writing it, on a machine that has no core to spare."""
_FAVOURABLE = frozenset({"passed", "skipped", "xfailed", "xpassed"})
_FAILING = frozenset({"failed", "error"})
_ZEROS = re.compile(rb"\0+")
_ID = re.compile(r"[0-9a-f]{64}")


@dataclass
class LiveView:
    """What the probe's progress said while the tests ran."""

    done: int = 0
    """The most."""
    failed: set[str] = field(default_factory=set)
    """Node ids, on one line each."""
    size: int = 0
    """Of the events file, in bytes, at its largest."""


def event_doubts(
    path: Path,
    *,
    live: LiveView,
    container: str,
    inserted: Mapping[str, str],
    known_by: Mapping[str, str] | None = None,
) -> tuple[Doubt, ...]:
    """What in an events file the probe cannot have written, and what is gone from it.

    `inserted` are Seatrial's files by their paths in the container, with their SHA-256; `known_by`
    gives containers' ids by others that they know themselves by.

    Raises:
        OSError: the file is there and cannot be read.
    """
    reading = _Reading(container, inserted, known_by or {})
    size = 0
    if path.is_file():
        size = path.stat().st_size
        for line in _lines(path):
            reading.take(line)
    return (*reading.doubts(), *_lost(live, reading, size))


@dataclass(frozen=True)
class _Line:
    content: bytes
    place: int
    """Bytes since the piece began that it is in."""
    last: bool
    """The piece ends after it, maybe because its writer was ended there."""


def _lines(path: Path) -> Iterator[_Line]:
    """What stands between zeros and line feeds, empty lines too."""
    piece = offset = 0
    """Where the piece begins, and what was read."""
    whole = True
    with path.open("rb") as file:
        while raw := file.readline(MAX_LINE):
            start = 0
            for zeros in _ZEROS.finditer(raw):
                if whole and start < zeros.start():
                    yield _Line(raw[start : zeros.start()], offset + start - piece, last=True)
                start, whole = zeros.end(), True
                piece = offset + start
            ended = raw.endswith(b"\n")
            if whole and start < len(raw):
                content = raw[start:-1] if ended else raw[start:]
                yield _Line(content, offset + start - piece, last=not ended)
            offset += len(raw)
            whole = ended or start == len(raw)  # else the rest of a line that is too long


class _Reading:
    def __init__(
        self, container: str, inserted: Mapping[str, str], known_by: Mapping[str, str]
    ) -> None:
        self._container = container
        self._known_by = known_by
        self._inserted = inserted
        self._found: list[Doubt] = []
        self._told: Counter[str] = Counter()
        self._starts = 0
        self._ends = 0
        self._collected: int | None = None
        self._at = 0.0
        self._running: Counter[str] = Counter()
        self._favourable: Counter[str] = Counter()
        self._failing: Counter[str] = Counter()
        self.failed: set[str] = set()
        self.results = 0

    @property
    def ended(self) -> bool:
        """Whether all sessions came to their end."""
        return 0 < self._starts <= self._ends

    def take(self, line: _Line) -> None:
        try:
            event = json.loads(line.content)
        except (ValueError, RecursionError):
            event = None
        if not isinstance(event, dict):
            if not (line.last and line.content.startswith(b"{")):
                self._tell("events-forged", "the probe's file has bytes that are no event")
            return
        kind = event.get("event")
        if kind == "start":
            self._start(event)
        elif kind == "end":
            self._ends += 1
            if self._ends > self._starts:
                self._tell("events-forged", "a session ended that never began")
        elif kind == "collected":
            count = event.get("count")
            self._collected = (self._collected or 0) + (count if isinstance(count, int) else 0)
        elif kind == "changed":
            self._changed(event)
        elif kind == "patched":
            self._patched(event)
        elif kind in {"running", "test", "broken"}:
            self._test(str(kind), event, line)

    def _start(self, event: Mapping[str, Any]) -> None:
        self._starts += 1
        told = _text(event.get("container"))
        if _ID.fullmatch(told) and self._known_by.get(told, told) != self._container:
            self._tell("events-forged", "a session says that it ran in another container", told)
        if event.get("optimized"):
            what = (
                "Python ran optimised (-O, PYTHONOPTIMIZE), so assert statements may check nothing"
            )
            self._tell("asserts-off", what)
        raw = event.get("loaded")
        if not isinstance(raw, list) or not raw:
            self._tell("events-forged", "a session began that the probe did not tell of")
            return
        for entry in raw[:MAX_TOLD]:
            file, digest = entry if isinstance(entry, list) and len(entry) == 2 else (entry, None)
            if not isinstance(file, str) or self._inserted.get(_normal(file)) != digest:
                what = "a session ran with another file than the one that Seatrial put there"
                self._tell("probe-changed", what, _text(file))

    def _changed(self, event: Mapping[str, Any]) -> None:
        before, after = _text(event.get("from")), _text(event.get("to"))
        what = f"a hook of the project changed a result from {before} to {after}"
        self._tell("outcome-changed-by-hook", what, _text(event.get("id")))

    def _patched(self, event: Mapping[str, Any]) -> None:
        what = f"{_text(event.get('what'))} was replaced while the tests ran"
        self._tell("pytest-changed", what, _text(event.get("file")))

    def _test(self, kind: str, event: Mapping[str, Any], line: _Line) -> None:
        test = _text(event.get("id"))
        if not self._starts:
            self._tell("events-forged", "a test ran before any session began", test)
        outcome = "error" if kind == "broken" else str(event.get("outcome"))
        if kind != "running" and outcome in _FAILING:
            self.failed.add(_one_line(test))
        self.results += kind == "test"
        if len(self._running) > MAX_TESTS or kind == "broken":
            return
        if kind == "running":
            self._running[test] += 1
        elif outcome in _FAVOURABLE:
            self._favourable[test] += 1
        elif outcome in _FAILING and event.get("seconds") and not event.get("hung"):
            # Others are told by xdist of a worker that died, or by the thread that ends a hung
            # test: beside the test's own events, and maybe in addition to them.
            self._failing[test] += 1
        at = event.get("at")
        if not isinstance(at, int | float):
            self._tell("events-forged", "an event has no time", test)
            return
        # A piece that is full to the last byte is followed by another process's without zeros.
        if 0 < line.place < _WINDOW and at < self._at - _SLACK_S:
            self._tell("events-forged", "an event is older than the one before it", test)
        self._at = at

    def doubts(self) -> Iterator[Doubt]:
        """What was found, once all lines were taken."""
        for test, count in self._favourable.items():
            if count + self._failing[test] > self._running[test]:
                self._tell("events-forged", "a test has more results than runs", test)
        if self._collected is not None and len(self._favourable) > self._collected:
            self._tell("events-forged", "more tests have results than were collected")
        yield from self._found

    def _tell(self, key: str, what: str, where: str = "") -> None:
        self._told[key] += 1
        if self._told[key] <= MAX_TOLD:
            self._found.append(Doubt(key=key, what=what, where=where))


def _lost(live: LiveView, reading: _Reading, size: int) -> Iterator[Doubt]:
    """What was there while the tests ran and is not now."""
    if size < live.size:
        what = f"the probe's file had {live.size} bytes while the tests ran, and {size} at the end"
        yield Doubt(key="events-lost", what=what)
    # The probe counts a result just before it writes it; an end may come between.
    spare = 0 if reading.ended else 1
    if live.done > reading.results + spare:
        what = f"{live.done} tests were done while they ran, but {reading.results} have results"
        yield Doubt(key="events-lost", what=what)
    gone = sorted(live.failed - reading.failed)
    if len(gone) > spare:
        for test in gone[:MAX_TOLD]:
            what = "a test had failed while the tests ran, and has not at the end"
            yield Doubt(key="events-lost", what=what, where=test)


def _text(value: Any) -> str:
    return plain_text(str(value)).replace("\n", " ")[:2000] if value is not None else ""


def _one_line(text: str) -> str:
    return " ".join(text.split())


def _normal(path: str) -> str:
    return str(PurePosixPath(path))
