"""Holds a JUnit file that pytest wrote in the container against the results that the probe told."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn
from xml.parsers.expat import ExpatError, ParserCreate

from seatrial.evidence.doubt import Doubt
from seatrial.evidence.record import Pytest

__all__ = ["JUnitCounts", "count_junit", "junit_doubts"]

MAX_DEPTH = 20
_RAN_TO_ITS_END = (0, 1)
"""pytest's exit status: passed, or tests failed."""


@dataclass(frozen=True)
class JUnitCounts:
    """Test cases by what stands in them."""

    passed: int = 0
    bad: int = 0
    """Failures and errors."""
    skipped: int = 0
    """Expected failures too."""


class _Refused(ValueError):
    """It is no file of pytest's."""


def count_junit(path: Path) -> JUnitCounts | None:
    """Count a file's test cases as it is read; None if it is no JUnit file of pytest's.

    A document type is refused, and with it all entities that a file could define: what pytest
    writes has none.
    """
    counter = _Counter()
    try:
        with path.open("rb") as file:
            counter.parser.ParseFile(file)
    except (OSError, ExpatError, _Refused, ValueError):
        return None
    return JUnitCounts(counter.passed, counter.bad, counter.skipped) if counter.suites else None


def junit_doubts(files: list[JUnitCounts], pytest: Pytest, sessions: int) -> tuple[Doubt, ...]:
    """Where the files contradict the probe.

    Compared if each of the `sessions` wrote a file of its own and came to its end: a session that
    hangs or is broken off has its result told by the probe alone. A test that fails and cannot be
    torn down is two test cases, and a file that is skipped as a whole is one, so only passes, and
    whether anything failed, are the same in both.
    """
    if len(files) != sessions or pytest.exit_status not in _RAN_TO_ITS_END:
        return ()
    counts = pytest.counts
    passed, bad = counts.passed + counts.xpassed, counts.failed + counts.errors
    told_passed, told_bad = sum(f.passed for f in files), sum(f.bad for f in files)
    found = []
    if told_passed > passed:
        found.append(f"the JUnit file has {told_passed} passed tests, the probe saw {passed}")
    if bool(told_bad) != bool(bad):
        found.append(f"the JUnit file has {told_bad} failed tests, the probe saw {bad}")
    return tuple(Doubt(key="junit-contradicts", what=what) for what in found)


class _Counter:
    def __init__(self) -> None:
        self.passed = self.bad = self.skipped = self.suites = 0
        self._open: list[str] = []
        self._inside: set[str] = set()
        self.parser = ParserCreate()
        self.parser.StartElementHandler = self._start
        self.parser.EndElementHandler = self._end
        self.parser.StartDoctypeDeclHandler = _refuse

    def _start(self, name: str, _attributes: Any) -> None:
        if not self._open and name not in {"testsuites", "testsuite"}:
            raise _Refused
        self._open.append(name)
        if len(self._open) > MAX_DEPTH:
            raise _Refused
        self.suites += name == "testsuite"
        if name == "testcase":
            self._inside = set()
        elif name in {"failure", "error", "skipped"}:
            self._inside.add(name)

    def _end(self, name: str) -> None:
        self._open.pop()
        if name != "testcase":
            return
        if self._inside & {"failure", "error"}:
            self.bad += 1
        elif self._inside:
            self.skipped += 1
        else:
            self.passed += 1


def _refuse(*_: Any) -> NoReturn:
    raise _Refused
