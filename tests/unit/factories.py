"""Makes records and their parts; a test names only what it is about."""

from datetime import UTC, datetime
from typing import Any

from seatrial.evidence.record import (
    CleanUp,
    Host,
    Phase,
    PhaseName,
    Pytest,
    Record,
    Resources,
    ServiceRecord,
    Status,
    TestCounts,
)
from seatrial.trial.test import TestRun


def make_run(exit_code: int = 0, **values: Any) -> TestRun:
    """A test container that ended by itself."""
    defaults: dict[str, Any] = {"timed_out": False, "out_of_memory": False, "lost_services": ()}
    return TestRun(exit_code=exit_code, **(defaults | values))


def make_pytest(exit_status: int | None = 0, **values: Any) -> Pytest:
    """What the probe saw; names of outcomes are counts, all else is a field."""
    counts = {name: values.pop(name) for name in list(values) if name in TestCounts.model_fields}
    counts.setdefault("collected", sum(counts.values()))
    defaults: dict[str, Any] = {"version": "9.0.0", "python": "3.13.0", "arguments": ()}
    return Pytest(exit_status=exit_status, counts=TestCounts(**counts), **(defaults | values))


def make_service(name: str = "db", **values: Any) -> ServiceRecord:
    """A needed service that was proven ready."""
    defaults: dict[str, Any] = {
        "role": "required",
        "state": "ready",
        "proof": "health check",
        "ready_seconds": 1.25,
        "ready_at": 2.5,
    }
    return ServiceRecord(name=name, **(defaults | values))


def make_resources(memory_peak_bytes: int, **values: Any) -> Resources:
    """What a service used that took so much memory."""
    defaults: dict[str, Any] = {
        "cpu_seconds": 1.0,
        "cpu_mean": 0.5,
        "memory_peak_source": "kernel",
        "received_bytes": 0,
        "sent_bytes": 0,
        "read_bytes": 0,
        "written_bytes": 0,
        "samples": 2,
    }
    return Resources(memory_peak_bytes=memory_peak_bytes, **(defaults | values))


def make_record(**values: Any) -> Record:
    """A trial that passed."""
    defaults: dict[str, Any] = {
        "id": "20260102-030405-a1b2c3",
        "project": "shop",
        "started": datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC),
        "seconds": 30.5,
        "status": Status.PASSED,
        "exit_code": 0,
        "reason": "3 tests passed",
        "host": Host(
            engine="Docker Engine 27.1.1",
            compose="2.30.1",
            kernel="6.1.0",
            architecture="x86_64",
            cores=2,
            memory_bytes=8 << 30,
            storage_driver="overlay2",
            seatrial="0.1.0",
            python="3.11.7",
        ),
        "compose_files": ("/srv/shop/compose.test.yml",),
        "test_service": "test",
        "phases": tuple(
            Phase(name=name, start=number, seconds=1.5, completed=True)
            for number, name in enumerate(PhaseName)
        ),
        "services": (make_service(), make_service("test", role="test", state="ran", proof="none")),
        "pytest": make_pytest(passed=3),
        "clean_up": CleanUp(removed_containers=("a", "b"), removed_networks=("n",)),
    }
    return Record(**(defaults | values))
