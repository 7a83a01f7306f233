"""What a claim is about: its words are mapped to what the record of a trial measures."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

from seatrial.evidence.record import PhaseName, Record
from seatrial.judge.claims.quantity import Kind

__all__ = ["METRICS", "Measured", "Metric", "metric_of"]


@dataclass(frozen=True)
class Measured:
    """What a trial measured; where that is not exact, between what and what it lies."""

    low: float
    high: float
    where: str
    """Where in the record."""


@dataclass(frozen=True)
class Metric:
    """Something that documents make claims about."""

    key: str
    words: str
    """A pattern; names it in a claim."""
    kind: Kind
    better: int
    """-1: less is better; 1: more is; 0: neither."""
    measure: Callable[[Record], Measured | None]
    """None: not measured."""
    rank: int = 0
    """Of several that a claim names, those of the highest rank are meant: `build of the tests'
    image` is a build."""


def _phase(name: PhaseName) -> Callable[[Record], Measured | None]:
    def measure(record: Record) -> Measured | None:
        phase = record.phase(name)
        if phase is None or not phase.completed:
            return None
        return Measured(phase.seconds, phase.seconds, f"phase {name.value}")

    return measure


def _exactly(value: float | None, where: str) -> Measured | None:
    return None if value is None else Measured(value, value, where)


def _count(*names: str) -> Callable[[Record], Measured | None]:
    def measure(record: Record) -> Measured | None:
        if record.pytest is None:
            return None
        counts = record.pytest.counts
        return _exactly(sum(getattr(counts, name) for name in names), f"tests {' + '.join(names)}")

    return measure


def _total(record: Record) -> Measured | None:
    return _exactly(record.seconds, "the whole trial")


def _coverage(field: str) -> Callable[[Record], Measured | None]:
    def measure(record: Record) -> Measured | None:
        coverage = record.coverage
        value = getattr(coverage, field) if coverage and coverage.measured else None
        return _exactly(value, f"coverage {field}")

    return measure


def _memory(record: Record) -> Measured | None:
    """The peaks of single containers need not have been at the same time."""
    peaks = [one.resources.memory_peak_bytes for one in record.services if one.resources]
    return Measured(max(peaks), sum(peaks), "peaks of memory, largest and sum") if peaks else None


def _image_size(record: Record) -> Measured | None:
    images = record.build.images if record.build else ()
    tests = [one.size_bytes for one in images if record.test_service in one.services]
    return _exactly(tests[0] if tests else None, "the test image")


def _workers(record: Record) -> Measured | None:
    return _exactly(len(record.split.workers) if record.split else 1, "workers")


_BUILD = r"\bbuil[dt]"
_START = r"\bstart(?:s|ed|ing)?\b|\bstart[- ]?up|\bboot|\bread(?:y|iness)\b|\bhealth"
_CLEAN = r"\bclean(?:s|ed|ing)?[- ]?(?:up)?\b|\btear[- ]?down|\bremov(?:al|ed)\b"
_COLLECT = r"\bartifacts?\b|\bcollect(?:s|ed|ing|ion)?\b"
_TOTAL = r"\btotal\b|\boverall\b|\bend[- ]to[- ]end\b|\bpipeline\b|\bwhole\b"
_TESTS = r"\btests?\b|\bsuite\b|\btesting\b|\bpytest\b"

METRICS = (
    Metric("build", _BUILD, "time", -1, _phase(PhaseName.BUILD), 2),
    Metric("start", _START, "time", -1, _phase(PhaseName.START), 2),
    Metric("clean", _CLEAN, "time", -1, _phase(PhaseName.CLEAN), 2),
    Metric("collect", _COLLECT, "time", -1, _phase(PhaseName.COLLECT), 2),
    Metric("test", _TESTS, "time", -1, _phase(PhaseName.TEST), 1),
    Metric("total", _TOTAL, "time", -1, _total),
    Metric("branch coverage", r"\bbranch(?:es)?\b", "share", 1, _coverage("branch_percent"), 1),
    Metric("line coverage", r"\blines?\b", "share", 1, _coverage("line_percent"), 1),
    Metric("coverage", r"\bcover(?:age|ed|s)\b", "share", 1, _coverage("percent")),
    Metric(
        "failed tests", r"\bfail(?:s|ed|ures?|ing)?\b|\berrors?\b", "number", -1,
        _count("failed", "errors"), 2,
    ),
    Metric("skipped tests", r"\bskip(?:s|ped)?\b", "number", -1, _count("skipped"), 2),
    Metric("passed tests", r"\bpass(?:es|ed|ing)?\b", "number", 1, _count("passed"), 1),
    Metric("tests", _TESTS, "number", 1, _count("collected")),
    Metric("workers", r"\bworkers?\b|\bparallel", "number", 0, _workers, 3),
    Metric("image size", r"\bimage\b", "size", -1, _image_size, 1),
    Metric("memory", r"\bmemory\b|\bram\b|\brss\b", "size", -1, _memory),
)  # fmt: skip


@lru_cache(maxsize=64)  # a sentence may hold hundreds of numbers
def metric_of(text: str, kind: Kind) -> Metric | None:
    """The one metric that a text names with a quantity of that kind; None: none, or several."""
    named = [one for one in METRICS if re.search(one.words, text, re.IGNORECASE)]
    fitting = [one for one in named if one.kind == kind]
    if not fitting:
        return None
    highest = max(one.rank for one in fitting)
    best = [one for one in fitting if one.rank == highest]
    return best[0] if len(best) == 1 else None
