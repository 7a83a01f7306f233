"""Seatrial's probe: a pytest plugin that writes down what happens, one JSON line per event.

It is copied into test containers, so it needs nothing but Python 3.8 and pytest 7, must never
change a test's result, and keeps silent if it cannot write.
"""

from __future__ import annotations

import json
import os
import platform
import time
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

EVENTS = os.environ.get("SEATRIAL_EVENTS", "/seatrial/out/events.jsonl")
MAX_MESSAGE = 500
"""Characters of a failure's first line; the whole text stands in the JUnit file."""


class Recorder:
    """Appends events to the file; each is one write, so that a killed process loses none."""

    def __init__(self, path: str) -> None:
        self._file: int | None = None
        try:
            self._file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o666)
        except OSError:
            return

    def write(self, event: str, **values: Any) -> None:
        """Write one event with the time on the monotonic clock."""
        if self._file is None:
            return
        values["event"] = event
        values["at"] = time.monotonic()
        try:
            os.write(self._file, (json.dumps(values) + "\n").encode("ascii", "replace"))
        except OSError:
            self._file = None

    def close(self) -> None:
        """Close the file; later events are dropped."""
        if self._file is not None:
            os.close(self._file)
            self._file = None


class Probe:
    """Follows one pytest session."""

    def __init__(self, recorder: Recorder) -> None:
        self._recorder = recorder
        self._reports: dict[str, list[pytest.TestReport]] = {}

    @pytest.hookimpl(tryfirst=True)
    def pytest_sessionstart(self, session: pytest.Session) -> None:
        """Say where and how pytest runs."""
        config = session.config
        self._recorder.write(
            "start",
            container=platform.node(),
            user=os.getuid() if hasattr(os, "getuid") else None,
            python=platform.python_version(),
            pytest=pytest.__version__,
            arguments=list(config.invocation_params.args),
            folder=os.getcwd(),
            junit=junit_path(config),
        )

    @pytest.hookimpl(trylast=True)
    def pytest_collection_finish(self, session: pytest.Session) -> None:
        """Say how many tests there are."""
        if session.items:
            self._recorder.write("collected", count=len(session.items))

    @pytest.hookimpl(optionalhook=True)
    def pytest_xdist_node_collection_finished(self, ids: Sequence[str]) -> None:
        """The same under xdist, whose controller collects nothing itself."""
        self._recorder.write("collected", count=len(ids))

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        """A file that cannot be imported has no tests, but it is an error."""
        if report.failed:
            self._recorder.write("broken", id=report.nodeid, message=first_line(report))

    def pytest_runtest_logstart(self, nodeid: str) -> None:
        """Name the test that runs now: it may be the one that never ends."""
        self._recorder.write("running", id=nodeid)

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Keep set-up, call and teardown until the test is over."""
        self._reports.setdefault(report.nodeid, []).append(report)

    def pytest_runtest_logfinish(self, nodeid: str) -> None:
        """Write down the test's outcome and times."""
        reports = self._reports.pop(nodeid, [])
        outcome, decisive = judge(reports)
        if outcome is None:
            return
        values = {report.when: round(report.duration, 6) for report in reports}
        message = first_line(decisive) if decisive and outcome in ("failed", "error") else None
        self._recorder.write("test", id=nodeid, outcome=outcome, seconds=values, message=message)

    @pytest.hookimpl(trylast=True)
    def pytest_sessionfinish(self, exitstatus: int) -> None:
        """Write down pytest's own verdict."""
        self._recorder.write("end", status=int(exitstatus))


def judge(reports: Iterable[pytest.TestReport]) -> tuple[str | None, pytest.TestReport | None]:
    """Return a test's outcome and the report that decided it, as pytest's own summary counts."""
    outcome: str | None = None
    decisive: pytest.TestReport | None = None
    for report in reports:
        if str(report.outcome) == "rerun":  # pytest-rerunfailures: only the last attempt counts
            outcome, decisive = None, None
            continue
        found = outcome_of(report)
        if found is not None and outcome not in ("failed", "error"):
            outcome, decisive = found, report
    return outcome, decisive


def outcome_of(report: pytest.TestReport) -> str | None:
    """What one report says of its test; None if it leaves the outcome open."""
    expected_to_fail = hasattr(report, "wasxfail")
    if report.failed:
        return "failed" if report.when == "call" else "error"
    if report.skipped:
        return "xfailed" if expected_to_fail else "skipped"
    if report.when == "call":
        return "xpassed" if expected_to_fail else "passed"
    return None


def first_line(report: pytest.TestReport | pytest.CollectReport) -> str:
    """The message of the exception behind a failure, cut to MAX_MESSAGE characters."""
    crash = getattr(report.longrepr, "reprcrash", None)
    text = crash.message if crash else str(report.longrepr or "")
    lines = text.strip().splitlines()
    return (lines[0] if crash else lines[-1])[:MAX_MESSAGE] if lines else ""


def junit_path(config: pytest.Config) -> str | None:
    """Where the JUnit file will be."""
    path = getattr(config.option, "xmlpath", None)
    return os.path.abspath(os.path.expanduser(os.path.expandvars(path))) if path else None


@pytest.hookimpl(tryfirst=True)
def pytest_configure(config: pytest.Config) -> None:
    """Switch the probe on, but not in xdist's workers: their controller sees every report."""
    if hasattr(config, "workerinput") or config.pluginmanager.hasplugin("seatrial-probe-session"):
        return
    if getattr(config.option, "xmlpath", "") is None:
        # Nobody asked for a JUnit file, so ask for one; a path that was given is left alone.
        folder = os.path.dirname(os.path.abspath(EVENTS))
        config.option.xmlpath = os.path.join(folder, "junit-%d.xml" % os.getpid())
    recorder = Recorder(EVENTS)
    config.pluginmanager.register(Probe(recorder), "seatrial-probe-session")
    config.add_cleanup(recorder.close)
