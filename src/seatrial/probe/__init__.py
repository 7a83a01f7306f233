"""The files that go into the test container; nothing here imports pytest."""

from pathlib import Path

__all__ = [
    "coverage_reporter_source",
    "guard_source",
    "isolation_source",
    "probe_source",
    "reach_source",
    "share_source",
    "trace_sources",
]

_TRACER = (
    "seatrial_trace.py",
    "seatrial_contexts.py",
    "seatrial_keepers.py",
    "seatrial_lasting.py",
    "seatrial_uses.py",
    "seatrial_child.py",
    "children/sitecustomize.py",
)


def probe_source() -> bytes:
    """The probe's source code."""
    return _source("seatrial_probe.py")


def guard_source() -> bytes:
    """The source code of what looks after the results beside the probe."""
    return _source("seatrial_guard.py")


def share_source() -> bytes:
    """The source code of what keeps a worker to its share of the tests."""
    return _source("seatrial_share.py")


def trace_sources() -> dict[str, bytes]:
    """The source code of what watches which files each test uses, by its name in the container."""
    return {name: _source(name) for name in _TRACER}


def coverage_reporter_source() -> bytes:
    """The source code of what reports coverage in a copy of the test container."""
    return _source("seatrial_coverage.py")


def reach_source() -> bytes:
    """The source code of what asks from beside the tests which services can be reached."""
    return _source("seatrial_reach.py")


def isolation_source() -> bytes:
    """The source code of what tries to reach the stack from another network."""
    return _source("seatrial_isolation.py")


def _source(name: str) -> bytes:
    return (Path(__file__).parent / name).read_bytes()
