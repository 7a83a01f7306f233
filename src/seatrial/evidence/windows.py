"""When each failed test began and ended by the wall clock, and what it failed with."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

from seatrial.evidence.events import each_event
from seatrial.evidence.hostile import plain_text

__all__ = ["FailedWindow", "python_executable", "read_windows"]

_MAX_TEXT = 10_000
_MAX_RUNNING = 10_000
_LIMIT_S = 1e12
"""No clock shows more; what does is not the probe's."""


@dataclass(frozen=True)
class FailedWindow:
    """A failed test; times are seconds since 1970, or None if the probe did not tell."""

    test: str
    started: float | None
    ended: float | None
    """None as well if it never ended: the process was killed, or the time was up."""
    message: str
    text: str


def read_windows(path: Path, *, count: int) -> tuple[FailedWindow, ...]:
    """The first `count` failed tests of an events file; every line of it is untrusted.

    The probe writes the time on the monotonic clock with each event, and once per session the
    wall clock's beside it; both are the engine machine's, as the timestamps in logs are.
    """
    return tuple(islice(_windows(path), count))


def python_executable(path: Path) -> str | None:
    """The path of the Python that ran pytest in the container, as the probe tells."""
    for event in each_event(path):
        if event.get("event") == "start":
            name = event.get("executable")
            fits = isinstance(name, str) and name.startswith("/") and name.isprintable()
            return name if fits else None
    return None


def _windows(path: Path) -> Iterator[FailedWindow]:
    offset: float | None = None
    began: dict[str, float] = {}
    session = 0.0
    for event in each_event(path):
        at = _time(event.get("at"))
        test = plain_text(str(event.get("id", ""))).replace("\n", " ")
        match event.get("event"):
            case "start":
                wall = _time(event.get("wall"))
                offset = wall - at if wall is not None and at is not None else None
                began.clear()
                session = at or 0.0
            case "running" if at is not None and len(began) < _MAX_RUNNING:
                began[test] = at
            case "test" | "broken" as kind:
                start = began.pop(test, session if kind == "broken" else None)
                if kind == "broken" or event.get("outcome") in {"failed", "error"}:
                    yield _window(event, test, start, at, offset)
    for test, start in began.items():
        yield _window({}, test, start, None, offset)


def _window(
    event: Mapping[str, Any],
    test: str,
    start: float | None,
    end: float | None,
    offset: float | None,
) -> FailedWindow:
    def wall(moment: float | None) -> float | None:
        return None if moment is None or offset is None else moment + offset

    return FailedWindow(
        test=test,
        started=wall(start),
        ended=wall(end),
        message=plain_text(str(event.get("message") or "")),
        text=plain_text(str(event.get("text") or ""))[:_MAX_TEXT],
    )


def _time(value: Any) -> float | None:
    fits = isinstance(value, int | float) and 0 <= value < _LIMIT_S
    return float(value) if fits else None
