"""Every drill: what it breaks, and what a trial that meets it must come to."""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from seatrial.drill.dockerfile import BUILD_FAILS_WITH, break_build
from seatrial.drill.injected import FAILING_TESTS, function_of
from seatrial.drill.subject import Subject
from seatrial.errors import ExitCode
from seatrial.evidence.record import Record, Status

__all__ = ["CONTROL", "DRILLS", "SUMMARIES", "Breaking", "Drill", "Expected", "control"]

CONTROL = "passes"
"""The drill in which nothing is broken; without it the others mean nothing."""

Act = Literal["nothing", "kill the dependency", "kill the program", "cut the engine off"]
Outcomes = frozenset[str]
BAD: Outcomes = frozenset({"failed", "error"})
_MIB = 1 << 20
_MOST_PERCENT = 99


@dataclass(frozen=True)
class Expected:
    """What must come of it."""

    exit_codes: tuple[int, ...]
    status: Status | None
    """None: no record is expected."""
    cause: str
    """What the trial must name, in words."""
    names_cause: Callable[[Record], bool] = lambda _: True
    outcomes: Mapping[str, Outcomes] = field(default_factory=dict)
    """What `tests.jsonl` must have, by the test function's name."""
    diagnosed: bool = True
    """Whether a diagnosis must be in the record."""
    clean_up_known: bool = True
    """Whether the record must say that nothing is left; without the engine it cannot know."""


@dataclass(frozen=True)
class Breaking:
    """What is done to the copy before the trial, and to the trial while its test runs."""

    what: str
    expected: Expected
    selected: str = "waits"
    """Which of the tests that were put in is run."""
    files: Mapping[str, str] = field(default_factory=dict)
    """New contents of the copy's files, by their paths in it."""
    keeps_thresholds: bool = False
    """Whether the project's own coverage thresholds hold."""
    services: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    """Of a further compose file."""
    settings: Mapping[str, Any] = field(default_factory=dict)
    act: Act = "nothing"
    service: str = ""
    """Whom to kill."""


Drill = Callable[[Subject, Record], "Breaking | str"]
"""Given the copy and the control's record; a text says why it cannot be rehearsed."""


def control() -> Breaking:
    """Nothing is broken; one test that passes."""
    return Breaking(
        what="nothing was broken, and a test that passes was put in",
        expected=Expected(
            exit_codes=(ExitCode.OK,),
            status=Status.PASSED,
            cause="that the test passed",
            outcomes={function_of("passes"): frozenset({"passed"})},
            diagnosed=False,
        ),
        selected="passes",
    )


def _build_fails(subject: Subject, _: Record) -> Breaking | str:
    raw = subject.form["services"]
    built = [name for name, service in subject.services.items() if service.built]
    taking_part = [n for n in (subject.test, *subject.selection.required) if n in built]
    if not taking_part:
        return "the trial builds no image"
    name = taking_part[0]
    broken = break_build(raw[name], subject.copy)
    if isinstance(broken, str):
        return broken
    files, build = broken
    return Breaking(
        what=f"a step that fails was put at the end of what service {name} builds",
        expected=Expected(
            exit_codes=(ExitCode.ENVIRONMENT,),
            status=Status.ENVIRONMENT,
            cause="the step that fails",
            names_cause=lambda record: (
                "build failed" in record.reason and BUILD_FAILS_WITH in _told(record)
            ),
        ),
        selected="passes",
        files=files,
        services={name: {"build": build}} if build else {},
    )


def _dependency_dies(subject: Subject, _: Record) -> Breaking | str:
    name = subject.dependency
    if name is None:
        return _NO_DEPENDENCY
    return Breaking(
        what=f"service {name} was killed while a test ran",
        expected=Expected(
            exit_codes=(ExitCode.ENVIRONMENT,),
            status=Status.ENVIRONMENT,
            cause=f"that service {name} ended",
            names_cause=lambda record: f"service {name}" in record.reason,
            outcomes={function_of("waits"): BAD},
        ),
        act="kill the dependency",
        service=name,
    )


def _never_healthy(subject: Subject, ran: Record) -> Breaking | str:
    name = subject.dependency
    if name is None:
        return _NO_DEPENDENCY
    ready = [one.ready_seconds for one in ran.services if one.ready_seconds is not None]
    # The others must still get ready in that time; and it passes three times, see the restarts.
    seconds = math.ceil(2 * max(ready, default=1.0) + 1)
    check = {
        "test": ["CMD-SHELL", "exit 1"],
        "interval": "1s",
        "timeout": "1s",
        "start_period": "0s",
        "retries": 1,
        "disable": False,
    }
    return Breaking(
        what=f"the health check of service {name} always fails, and {seconds} s are allowed",
        expected=Expected(
            exit_codes=(ExitCode.ENVIRONMENT,),
            status=Status.ENVIRONMENT,
            cause=f"that service {name} did not become ready",
            names_cause=lambda record: (
                f"service {name} did not become ready" in record.reason
                and record.diagnosis is not None
                and any(s.service == name and s.failed for s in record.diagnosis.services)
            ),
        ),
        selected="passes",
        services={name: {"healthcheck": check}},
        settings={"timeouts.start": seconds},
    )


def _test_fails(subject: Subject, _: Record) -> Breaking | str:
    numbers = range(1, len(subject.sites) + 1)
    tests = [function_of("fails", way, number) for number in numbers for way in FAILING_TESTS]
    return Breaking(
        what=f"{len(tests)} tests that fail in {len(FAILING_TESTS)} ways were put into "
        f"{len(subject.sites)} folders with tests",
        expected=Expected(
            exit_codes=(ExitCode.TESTS_FAILED,),
            status=Status.FAILED,
            cause="each test that failed",
            names_cause=lambda record: (
                record.reason.startswith(f"{len(tests)} of ")
                and record.pytest is not None
                and record.pytest.counts.failed + record.pytest.counts.errors == len(tests)
            ),
            outcomes=dict.fromkeys(tests, BAD),
        ),
        selected="fails",
    )


def _test_hangs(subject: Subject, _: Record) -> Breaking | str:
    seconds = math.ceil(2 * subject.test_seconds) + 1
    test = function_of("hangs")
    return Breaking(
        what=f"a test that never ends was put in, and one test was allowed {seconds} s",
        expected=Expected(
            exit_codes=(ExitCode.TESTS_FAILED,),
            status=Status.FAILED,
            cause="the test that hangs, and that its time was up",
            names_cause=lambda record: any(
                test in failure.test and "did not end within" in failure.message
                for failure in (record.pytest.failures if record.pytest else ())
            ),
            outcomes={test: BAD},
        ),
        selected="hangs",
        settings={"timeouts.one_test": seconds},
    )


def _out_of_memory(subject: Subject, ran: Record) -> Breaking | str:
    peak = max(
        (
            one.resources.memory_peak_bytes
            for record in (ran, subject.record)
            for one in record.services
            if one.role == "test" and one.resources
        ),
        default=256 * _MIB,
    )
    limit = max(128 * _MIB, peak // _MIB * 2 * _MIB)
    return Breaking(
        what=f"the tests were allowed {limit // _MIB} MiB, and one that takes more was put in",
        expected=Expected(
            exit_codes=(ExitCode.TESTS_FAILED,),
            status=Status.FAILED,
            cause="that the memory ran out",
            names_cause=lambda record: "out of memory" in _told(record),
        ),
        selected="memory",
        services={subject.test: _limited(subject.form["services"][subject.test], limit)},
    )


def _coverage_falls(subject: Subject, ran: Record) -> Breaking | str:
    coverage = subject.record.coverage
    threshold = coverage.threshold if coverage else None
    if threshold is None:
        return "the project sets no coverage threshold"
    reached = ran.coverage.percent if ran.coverage else None
    if reached is None:
        return "coverage was not measured where nothing was broken"
    settings: dict[str, Any] = {}
    wanted = threshold.percent
    if subject.settings.coverage.fail_under is not None:
        settings = {"coverage.fail_under": wanted}
    if reached >= wanted:
        if reached >= _MOST_PERCENT:
            return f"a test that does nothing covers {reached:.1f} %, so coverage cannot fall"
        wanted = math.floor(reached) + 1
        settings = {"coverage.fail_under": wanted}
    return Breaking(
        what=f"only a test that does nothing was run, and {wanted:g} % were asked for",
        expected=Expected(
            exit_codes=(ExitCode.TESTS_FAILED,),
            status=Status.FAILED,
            cause="that coverage is below its threshold",
            names_cause=lambda record: (
                record.reason.startswith("coverage ") and f"below {wanted:g} %" in record.reason
            ),
            outcomes={function_of("passes"): frozenset({"passed"})},
        ),
        selected="passes",
        keeps_thresholds=True,
        settings=settings,
    )


def _engine_lost(_: Subject, __: Record) -> Breaking | str:
    return Breaking(
        what="the connection to the engine was cut while a test ran, and mended some seconds later",
        expected=Expected(
            exit_codes=(ExitCode.ENVIRONMENT,),
            status=Status.ENVIRONMENT,
            cause="that the engine cannot be reached",
            names_cause=lambda record: any(
                sign in record.reason.lower()
                for sign in ("connection to the engine", "cannot connect")
            ),
            diagnosed=False,
            clean_up_known=False,
        ),
        act="cut the engine off",
    )


def _killed(_: Subject, __: Record) -> Breaking | str:
    return Breaking(
        what="Seatrial itself was killed (SIGKILL) while a test ran",
        expected=Expected(exit_codes=(-9,), status=None, cause="nothing: nobody is left to"),
        act="kill the program",
    )


DRILLS: Mapping[str, Drill] = {
    CONTROL: lambda *_: control(),
    "build-fails": _build_fails,
    "dependency-dies": _dependency_dies,
    "never-healthy": _never_healthy,
    "test-fails": _test_fails,
    "test-hangs": _test_hangs,
    "out-of-memory": _out_of_memory,
    "coverage-falls": _coverage_falls,
    "engine-lost": _engine_lost,
    "killed": _killed,
}
"""By key, in the order in which they are made."""

SUMMARIES: Mapping[str, str] = {
    CONTROL: "the control: nothing is broken, and a test that passes is put in",
    "build-fails": "a step that fails is put at the end of the test image's stage",
    "dependency-dies": "a service that the tests need is killed while a test runs",
    "never-healthy": "the health check of such a service always fails",
    "test-fails": "tests that fail in several ways are put into each folder with tests",
    "test-hangs": "a test that never ends is put in",
    "out-of-memory": "a test that takes more memory than it is allowed is put in",
    "coverage-falls": "only a test that covers nothing is run",
    "engine-lost": "the connection to the engine is cut while a test runs",
    "killed": "Seatrial itself is killed while a test runs",
}
"""What each does, for people who choose."""

_NO_DEPENDENCY = "the tests depend on no service that keeps running"


def _told(record: Record) -> str:
    """All that the user is told in words."""
    fault = record.fault
    details: Sequence[str] = ()
    if fault:
        details = (fault.what, fault.where, *fault.details, *(c.what for c in fault.causes))
    return "\n".join([record.reason, *details])


def _limited(raw: Mapping[str, Any], limit: int) -> dict[str, Any]:
    """The memory limit where the service has its own, since Compose refuses two that differ."""
    limits = ((raw.get("deploy") or {}).get("resources") or {}).get("limits") or {}
    changed: dict[str, Any] = {"memswap_limit": limit}
    if "memory" in limits:
        changed["deploy"] = {"resources": {"limits": {"memory": str(limit)}}}
    else:
        changed["mem_limit"] = limit
    if raw.get("mem_reservation"):
        changed["mem_reservation"] = limit // 2
    return changed
