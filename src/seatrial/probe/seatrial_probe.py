"""Seatrial's probe: a pytest plugin that writes down what happens, one JSON line per event.

It is copied into test containers, so it needs nothing but Python 3.8 and pytest 7, must never
change a test's result, and keeps silent if it cannot write. PYTEST_DONT_REWRITE: nothing in here
is an assertion.
"""

from __future__ import annotations

import contextlib
import json
import mmap
import os
import platform
import re
import signal
import socket
import sys
import threading
import time
import traceback
import types
import weakref
from json.encoder import encode_basestring_ascii as quoted
from time import monotonic_ns
from typing import TYPE_CHECKING, Any

import pytest
import seatrial_guard  # type: ignore[import-not-found]  # it lies beside this file

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

EVENTS = os.environ.get("SEATRIAL_EVENTS", "/seatrial/out/events.jsonl")
TEST_TIMEOUT = float(os.environ.get("SEATRIAL_TEST_TIMEOUT", "300"))
"""Seconds that one test may take, set-up and teardown included; 0: as long as it likes."""
COVERAGE = os.environ.get("SEATRIAL_COVERAGE") == "1"
"""Measure coverage with pytest-cov where the command does not."""
PEERS = os.environ.get("SEATRIAL_PEERS", "").split()
"""`host:port` of the services that the tests may use."""
PEER_TIMEOUT = 1.0
MAX_MESSAGE = 500
"""Characters of a failure's first line."""
MAX_TEXT = 10000
MAX_CAPTURED = 5000
"""Characters of each of a failed test's output, error output and log: the last ones, since what
went wrong is at the end."""
MAX_TEXTS = 200
"""Failures whose text is kept, each cut to MAX_TEXT characters: a suite in which everything fails
must not fill the disk."""
MAX_PLUGINS = 200
MAX_NAMES = 200
"""Tests that one line names, which is at most MAX_LINE bytes long."""
MAX_LINE = 1 << 20
WINDOW = 1 << 16
"""Bytes of the events file that are mapped at a time: some 300 tests."""
SHARED_SCOPES = ("module", "package")
"""Of fixtures that tests of one file share: whoever splits the file has them set up once more. A
class is seldom split, and what a session shares is set up by every worker anyway."""
LEAST_SHARED = 0.001
"""Seconds of such a set-up that are worth a line."""
SNAPSHOT_PAUSE = 0.5
"""Seconds between two snapshots of the progress, which somebody watches."""
LOOKS_ONLY = ("collectonly", "setuponly", "show_fixtures_per_test")
"""Options of pytest with which it collects tests and runs none."""
RUNNING = b'{"event": "running", "at": %de-9, "id": %b}\n'
PASSED = (
    b'{"event": "test", "outcome": "passed", "at": %de-9, "seconds": '
    b'{"setup": %de-6, "call": %de-6, "teardown": %de-6}, "reruns": 0, "id": %b}\n'
)
NAMES = b'{"event": "names", "at": %de-9, "tests": [%b]}\n'
ENGINES_FILES = ("/etc/hostname", "/etc/hosts", "/etc/resolv.conf")
GRACE = float(os.environ.get("SEATRIAL_GRACE", "10"))
"""Seconds that a hung run has to end in order; after that the process is ended."""


class Recorder:
    """Appends events to the file in a way that a killed process loses none.

    A write of the kernel's for every event would be a tenth of the probe's cost or more, so a
    piece of the file, a window, is mapped into memory: what is copied there is in the kernel's
    hands at once. A window is added by appending its length in zeros, which no two processes can
    do at the same place, and which fails in order if the disk is full. Readers pass over zeros.
    """

    def __init__(self, path: str) -> None:
        self._file: int | None = None
        self._maps = True
        self._quoted: dict[str, bytes] = {}
        """The tests' names in JSON."""
        self._put: Callable[[bytes], object] = self._begin_window
        """Writes a line into the window; ValueError: it has no room for that."""
        try:
            self._file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o666)
        except OSError:
            return
        # A test's child must neither write into the parent's window nor tell of it as a session.
        if hasattr(os, "register_at_fork"):
            os.register_at_fork(after_in_child=weakly(self._forget))

    @property
    def works(self) -> bool:
        """Whether the file could be opened."""
        return self._file is not None

    def write(self, event: str, **values: Any) -> None:
        """Write one event with the time on the monotonic clock."""
        self._write(line_of(event, values))

    def names(self, tests: Sequence[str]) -> None:
        """Write which tests there are, in lines that their reader takes."""
        self._quoted = {test: quoted(test).encode() for test in tests}
        names = list(self._quoted.values())
        for begin in range(0, len(names), MAX_NAMES):
            part = names[begin : begin + MAX_NAMES]
            joined = b", ".join(part)
            for told in [joined] if len(joined) < MAX_LINE // 2 else part:
                self._write(NAMES % (monotonic_ns(), told))

    def append(self, event: str, **values: Any) -> None:
        """Write one event from another thread than the one that runs the tests."""
        self._append(line_of(event, values))

    def running(self, test: str) -> int:
        """Write that a test begins, and return when: nanoseconds on the monotonic clock.

        This and `passed` are called for every test, so they fill in a line that is JSON already;
        to write a float takes Python ten times as long as an integer and an exponent.
        """
        at = monotonic_ns()
        line = RUNNING % (at, self._quoted.get(test) or quoted(test).encode())
        try:
            self._put(line)
        except ValueError:
            self._begin_window(line)
        return at

    def passed(self, test: str, setup: float, call: float, teardown: float) -> None:
        """Write that a test passed at its first attempt, with the seconds of its parts."""
        name = self._quoted.pop(test, None) or quoted(test).encode()
        try:
            line = PASSED % (monotonic_ns(), setup * 1e6, call * 1e6, teardown * 1e6, name)
        except (ValueError, OverflowError):  # a plugin made up a duration that is no number
            self.write("test", id=test, outcome="passed", seconds={}, reruns=0)
            return
        try:
            self._put(line)
        except ValueError:
            self._begin_window(line)

    def _write(self, line: bytes) -> None:
        try:
            self._put(line)
        except ValueError:
            self._begin_window(line)

    def _begin_window(self, line: bytes) -> None:
        """Write a line into a new window, or into the file if there can be none."""
        self._put = self._window_for(len(line)) or self._append
        self._put(line)

    def _window_for(self, least: int) -> Callable[[bytes], object] | None:
        """Map a new window of at least so many bytes; None if that is not possible, now or ever."""
        if self._file is None or not self._maps:
            return None
        page = mmap.ALLOCATIONGRANULARITY
        size = max(WINDOW, least)
        try:
            self._maps = os.write(self._file, b"\0" * size) == size
            if not self._maps:
                return None
            end = os.lseek(self._file, 0, os.SEEK_CUR)
            begin = end - size
            window = mmap.mmap(self._file, end - begin // page * page, offset=begin // page * page)
        except (OSError, ValueError):
            self._maps = False
            return None
        window.seek(begin % page)
        return window.write

    def _append(self, line: bytes) -> None:
        if self._file is not None:
            try:
                os.write(self._file, line)
            except OSError:
                self._file = None

    def _forget(self) -> None:
        self._file = None
        self._put = self._append  # which drops it

    def close(self) -> None:
        """Close the file; later events are dropped."""
        if self._file is not None:
            os.close(self._file)
        self._forget()


def weakly(method: Callable[[], None]) -> Callable[[], None]:
    """The method, without keeping what it belongs to.

    What is registered for forks stays until the process ends, and what that holds makes each of
    pytest's last garbage collections look at all tests once more: a tenth of the probe's cost.
    """
    reference = weakref.WeakMethod(method)

    def call() -> None:
        found = reference()
        if found is not None:
            found()

    # Without this module's names too, from which all of pytest can be reached.
    return types.FunctionType(call.__code__, {}, None, None, call.__closure__)


def line_of(event: str, values: dict[str, Any]) -> bytes:
    """One event as a line, with the time on the monotonic clock."""
    values["event"] = event
    values["at"] = time.monotonic()
    return (json.dumps(values, default=str) + "\n").encode()


class Progress:
    """Keeps a small file with how far the run is, replaced whole, for whoever watches."""

    def __init__(self, path: str) -> None:
        self._path = path
        self._lock = threading.Lock()
        self._written = ""
        self.total = 0
        self.done = 0
        self.failed = 0
        self.running = ""
        self.failures: list[tuple[str, str]] = []
        self.ended = False
        """The session is over, its reports and summary too: what still runs is no test."""

    def snapshot(self) -> None:
        """Write the file if anything has changed."""
        values = {name: value for name, value in vars(self).items() if name[0] != "_"}
        text = json.dumps(values)
        draft = self._path + ".part"
        with self._lock:
            if text == self._written:
                return
            self._written = text
            try:
                with open(draft, "w", encoding="ascii") as file:
                    file.write(text)
                os.replace(draft, self._path)
            except OSError:
                pass


class Watchdog:
    """Looks after the tests from a thread: tells how far they are, and ends a run that hangs.

    The thread is not there while the process forks: Python warns of a fork beside other threads,
    and a suite that makes errors of warnings would fail on it.
    """

    running: tuple[str, int] | None = None
    """The test, and since when: nanoseconds on the monotonic clock."""
    look_due = False
    """Whoever runs the tests shall call `on_look` when the next one ends.

    To write a file from a thread that takes turns with quick tests costs both of them dearly: at
    every call into the kernel the interpreter changes hands. So the thread looks by itself only
    where no test has ended for a whole pause."""

    def __init__(
        self, limit: float, on_hang: Callable[[str], None], on_look: Callable[[], None]
    ) -> None:
        self._limit = limit
        self._on_hang = on_hang
        self._on_look = on_look
        self._over = threading.Event()
        self._stopped = False
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """The session begins."""
        self._begin()
        if hasattr(os, "register_at_fork"):
            os.register_at_fork(before=weakly(self._end), after_in_parent=weakly(self._begin))

    def stop(self) -> None:
        """The session is over."""
        self._stopped = True
        self._over.set()

    def _begin(self) -> None:
        if not self._stopped and (self._thread is None or not self._thread.is_alive()):
            self._over = threading.Event()
            self._thread = threading.Thread(
                target=self._watch, args=(self._over,), name="seatrial-watchdog", daemon=True
            )
            self._thread.start()

    def _end(self) -> None:
        thread = self._thread
        if thread is not None and thread is not threading.current_thread():
            self._over.set()
            thread.join(SNAPSHOT_PAUSE)

    def _watch(self, over: threading.Event) -> None:
        """Look now and then whether the test that runs is late."""
        pause = min(SNAPSHOT_PAUSE, self._limit / 4 or SNAPSHOT_PAUSE)
        while not over.wait(pause):
            if self.look_due:
                self._on_look()
            else:
                self.look_due = True
            running = self.running
            if not running or not self._limit:
                continue
            test, began = running
            if monotonic_ns() - began > self._limit * 1e9:
                self._on_hang(test)
                os.kill(os.getpid(), signal.SIGINT)
                if not self._over.wait(GRACE):
                    os._exit(2)
                return


class SharedFixtures:
    """Times what is set up for several tests at once.

    A plugin of its own: pytest calls it for each fixture of each test, which costs a trivial test
    a hundredth of its time, so it is there only where some test has such a fixture.
    """

    def __init__(self, recorder: Recorder, watchdog: Watchdog) -> None:
        self._recorder = recorder
        self._watchdog = watchdog
        self._sharing = False
        """One is being set up; what it asks for is part of it."""

    @pytest.hookimpl(hookwrapper=True, tryfirst=True)
    def pytest_fixture_setup(self, fixturedef: Any) -> Iterator[None]:
        """Write down what is worth a line, for the test that runs."""
        if self._sharing or fixturedef.scope not in SHARED_SCOPES:
            yield
            return
        self._sharing = True
        began = time.perf_counter()
        yield
        seconds = time.perf_counter() - began
        self._sharing = False
        running = self._watchdog.running
        if running and seconds >= LEAST_SHARED:
            self._recorder.write("shared", id=running[0], seconds=round(seconds, 6))


class Probe:
    """Follows one pytest session."""

    def __init__(self, recorder: Recorder, progress: Progress, limit: float) -> None:
        self._recorder = recorder
        self._progress = progress
        self._new: list[pytest.TestReport] = []
        """Reports since a test was last finished."""
        self._reports: dict[str, list[pytest.TestReport]] = {}
        self._texts = 0
        self._watchdog = Watchdog(limit, self._hangs, self._tell_progress)
        self._hung: str | None = None

    @pytest.hookimpl(tryfirst=True)
    def pytest_sessionstart(self, session: pytest.Session) -> None:
        """Say where and how pytest runs."""
        config = session.config
        self._recorder.write(
            "start",
            # What places every event's `at` beside log lines, whose times are the wall clock's;
            # containers have no clocks of their own, so the two agree.
            wall=time.time(),
            container=container_id(),
            user=os.getuid() if hasattr(os, "getuid") else None,
            python=platform.python_version(),
            pytest=pytest.__version__,
            arguments=list(config.invocation_params.args),
            folder=os.getcwd(),
            root=str(config.rootpath),
            optimized=sys.flags.optimize,
            junit=junit_path(config),
            executable=sys.executable,
            pytest_cov=config.pluginmanager.hasplugin("pytest_cov"),
            plugins=plugins_of(config),
            collect_only=any(getattr(config.option, name, False) for name in LOOKS_ONLY),
            loaded=seatrial_guard.loaded(),
        )
        for peer in PEERS:
            self._recorder.write("peer", **reach(peer))
        self._progress.snapshot()
        self._watchdog.start()

    @pytest.hookimpl(tryfirst=True)
    def pytest_collection(self, session: pytest.Session) -> None:
        """Say where coverage's data will be, if coverage is being measured."""
        state = coverage_state()
        if state is not None:
            limit = getattr(session.config.option, "cov_fail_under", None)
            switched_on = getattr(session.config, "seatrial_coverage", False)
            self._recorder.write(
                "coverage", fail_under_option=limit, switched_on=switched_on, **state
            )

    @pytest.hookimpl(trylast=True)
    def pytest_collection_finish(self, session: pytest.Session) -> None:
        """Say how many tests there are."""
        if session.items:
            self._collected([item.nodeid for item in session.items])
        if any(map(shares_fixtures, session.items)):
            timer = SharedFixtures(self._recorder, self._watchdog)
            session.config.pluginmanager.register(timer, "seatrial-shared-fixtures")

    @pytest.hookimpl(optionalhook=True)
    def pytest_xdist_node_collection_finished(self, ids: Sequence[str]) -> None:
        """The same under xdist, whose controller collects nothing itself."""
        self._collected(ids)

    def _collected(self, tests: Sequence[str]) -> None:
        self._recorder.write("collected", count=len(tests))
        if not self._progress.total:  # every worker of xdist collects the same
            self._recorder.names(tests)
        self._progress.total = len(tests)

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        """A file that cannot be imported has no tests, but it is an error."""
        if report.failed:
            self._failed("broken", report.nodeid, report, {})

    def pytest_runtest_logstart(self, nodeid: str) -> None:
        """Name the test that runs now: it may be the one that never ends."""
        self._watchdog.running = nodeid, self._recorder.running(nodeid)

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Keep set-up, call and teardown until the test is over."""
        self._new.append(report)

    def keep_reports_cheaply(self, hooks: Any) -> None:
        """Have reports kept by the list's own method: three calls of Python's less per test."""
        for implementation in hooks.pytest_runtest_logreport.get_hookimpls():
            if implementation.plugin is self:
                implementation.function = self._new.append

    def pytest_runtest_logfinish(self, nodeid: str) -> None:
        """Write down the test's outcome and times."""
        watchdog = self._watchdog
        if watchdog.look_due:
            watchdog.look_due = False
            self._tell_progress()
        watchdog.running = None
        new = self._new
        if len(new) == 3 and not self._reports and self._hung is None:
            setup, call, teardown = new
            if passed_at_once(nodeid, setup, call, teardown):
                new.clear()
                self._progress.done += 1
                self._recorder.passed(nodeid, setup.duration, call.duration, teardown.duration)
                return
        self._sort_reports()
        reports = self._reports.pop(nodeid, [])
        if reports and attempts_follow(reports):
            self._reports[nodeid] = reports
            return
        outcome, decisive = judge(reports)
        if outcome is None or nodeid == self._hung:
            return
        values: dict[str, Any] = {
            "outcome": outcome,
            "seconds": {report.when: round(report.duration, 6) for report in reports},
            "reruns": reruns(reports),
        }
        self._progress.done += 1
        if decisive is not None and outcome in ("failed", "error"):
            self._failed("test", nodeid, decisive, values)
        else:
            self._recorder.write("test", id=nodeid, **values)

    def _sort_reports(self) -> None:
        """Put new reports to those of their tests; xdist's come mixed."""
        new, self._new[:] = self._new[:], []
        for report in new:
            if report.when in ("setup", "call", "teardown"):
                self._reports.setdefault(report.nodeid, []).append(report)
            else:
                # xdist reports a test whose worker died in one piece, and never as finished.
                self._progress.done += 1
                values: dict[str, Any] = {"outcome": "failed", "seconds": {}}
                self._failed("test", report.nodeid, report, values)

    @pytest.hookimpl(trylast=True)
    def pytest_sessionfinish(self, exitstatus: int) -> None:
        """Write down pytest's own verdict."""
        self._watchdog.stop()
        self._sort_reports()
        self._recorder.write("end", status=int(exitstatus))
        self._progress.snapshot()

    def close(self) -> None:
        """Pytest has nothing left to do, not even to print."""
        self._recorder.close()
        self._progress.ended = True
        self._progress.snapshot()

    def _tell_progress(self) -> None:
        running = self._watchdog.running
        if running:
            self._progress.running = running[0]
        self._progress.snapshot()

    def _failed(
        self,
        event: str,
        test: str,
        report: pytest.TestReport | pytest.CollectReport,
        values: dict[str, Any],
    ) -> None:
        message = first_line(report)
        text = str(report.longrepr or "")
        told = self._failure(test, message, text)
        if told["text"] is not None:
            told.update(captured(report))
        self._recorder.write(event, **values, **told)

    def _failure(self, test: str, message: str, text: str) -> dict[str, Any]:
        self._texts += 1
        kept = text[:MAX_TEXT] if self._texts <= MAX_TEXTS else None
        self._progress.failed += 1
        if len(self._progress.failures) < MAX_TEXTS:
            self._progress.failures.append((test, message))
        return {"id": test, "message": message, "text": kept}

    def _hangs(self, test: str) -> None:
        """Called from the watchdog's thread, while the test's own is stuck."""
        self._hung = test
        # pytest's own word: a plug-in that repeats tests may hold its reports back until the end.
        current = os.environ.get("PYTEST_CURRENT_TEST", "")
        stage = current.rpartition(" (")[2].rstrip(")").replace("setup", "set-up") or "set-up"
        values: dict[str, Any] = {
            "outcome": "failed" if stage == "call" else "error",
            "seconds": {},
            "reruns": reruns([*self._reports.get(test, ()), *self._new]),
            "hung": True,
        }
        message = "did not end within %g s (in its %s)" % (TEST_TIMEOUT, stage)
        self._progress.done += 1
        self._recorder.append("test", **values, **self._failure(test, message, all_stacks()))
        self._progress.snapshot()


class WorkerWatch:
    """In a worker of xdist: a hung test ends the worker, which its controller reports as failed."""

    def __init__(self, recorder: Recorder) -> None:
        self._recorder = recorder
        self._watchdog = Watchdog(TEST_TIMEOUT, self._hangs, lambda: None)
        self._watchdog.start()

    def pytest_runtest_logstart(self, nodeid: str) -> None:
        """Watch it."""
        self._watchdog.running = nodeid, monotonic_ns()

    def pytest_runtest_logfinish(self) -> None:
        """It is over."""
        self._watchdog.running = None

    def pytest_sessionfinish(self) -> None:
        """Watch no more."""
        self._watchdog.stop()

    def _hangs(self, test: str) -> None:
        self._recorder.append("stacks", id=test, text=all_stacks())
        os._exit(1)


def all_stacks() -> str:
    """Where every thread is."""
    names = {thread.ident: thread.name for thread in threading.enumerate()}
    stacks = []
    for ident, frame in sys._current_frames().items():  # noqa: SLF001 - documented by Python
        if names.get(ident) != "seatrial-watchdog":
            stack = "".join(traceback.format_stack(frame)[-30:])
            stacks.append("thread %s:\n%s" % (names.get(ident, ident), stack))
    return "\n".join(stacks)


def reach(peer: str) -> dict[str, Any]:
    """Resolve a peer's name and connect to it, and say how long both took."""
    host, _, port = peer.rpartition(":")
    found: dict[str, Any] = {"host": host, "port": int(port)}
    began = time.perf_counter()
    try:
        address = socket.gethostbyname(host)
        found["resolve"] = round(time.perf_counter() - began, 6)
        began = time.perf_counter()
        socket.create_connection((address, int(port)), PEER_TIMEOUT).close()
        found["connect"] = round(time.perf_counter() - began, 6)
    except OSError as error:
        found["fault"] = str(error)
    return found


def container_id() -> str:
    """The id of the container that this runs in, or the host name if it cannot be told.

    Engines mount files of theirs into every container, from a folder that is named after it: the
    fourth field says from where, the fifth to where. While an engine packs an archive, both name
    others on its own machine, below the folders in which it puts those containers together.
    """
    try:
        with open("/proc/self/mountinfo", encoding="utf-8", errors="replace") as mounts:
            lines = [line.split(" ", 5) for line in mounts if line.count(" ") > 4]
    except OSError:
        lines = []
    sources = "\n".join(line[3] for line in lines if line[4] in ENGINES_FILES)
    found = re.search(r"/(?:containers|overlay-containers)/([0-9a-f]{64})/", sources)
    return found.group(1) if found else platform.node()


def shares_fixtures(item: pytest.Item) -> bool:
    """Whether a test is known to use a fixture that tests of its file share."""
    known = getattr(getattr(item, "_fixtureinfo", None), "name2fixturedefs", {})
    return any(one.scope in SHARED_SCOPES for found in known.values() for one in found)


def coverage_state() -> dict[str, Any] | None:
    """What coverage.py is configured to do, if it is measuring this process."""
    measuring = getattr(getattr(sys.modules.get("coverage"), "Coverage", None), "current", None)
    current = measuring() if measuring is not None else None
    config = getattr(current, "config", None)
    if config is None:
        return None
    return {
        "data_file": os.path.abspath(str(config.data_file)),
        "config_file": getattr(config, "config_file", None),
        "parallel": bool(config.parallel),
        "branch": bool(config.branch),
        "fail_under": config.fail_under,
        "version": str(getattr(sys.modules["coverage"], "__version__", "")),
    }


def attempts_follow(reports: Sequence[pytest.TestReport]) -> bool:
    """Whether pytest-rerunfailures, which may finish each attempt by itself, will make another."""
    for report in reversed(reports):
        if str(report.outcome) == "rerun":
            return True
        if report.when == "setup":
            break
    return False


def reruns(reports: Iterable[pytest.TestReport]) -> int:
    """How many attempts pytest-rerunfailures has given up."""
    return sum(str(report.outcome) == "rerun" for report in reports)


def passed_at_once(
    test: str,
    setup: pytest.TestReport,
    call: pytest.TestReport,
    teardown: pytest.TestReport,
) -> bool:
    """Whether these are the three reports of one test and all is well: true of most tests.

    Pytest makes reports with the same few strings, so identity tells at a third of the cost; where
    they came over a wire, as xdist's do, `judge` finds the same in its own way.
    """
    return (
        call.outcome is _PASSED
        and setup.outcome is _PASSED
        and teardown.outcome is _PASSED
        and call.when is _CALL
        and setup.when is _SETUP
        and teardown.when is _TEARDOWN
        and call.nodeid is test
        and setup.nodeid is test
        and teardown.nodeid is test
        and not hasattr(call, "wasxfail")
    )


_PASSED, _SETUP, _CALL, _TEARDOWN = "passed", "setup", "call", "teardown"


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


def captured(report: pytest.TestReport | pytest.CollectReport) -> dict[str, str]:
    """What pytest captured until the failure; with `-s` it captures nothing."""
    found = {"stdout": report.capstdout, "stderr": report.capstderr, "log": report.caplog}
    return {name: text[-MAX_CAPTURED:] for name, text in found.items() if text}


def first_line(report: pytest.TestReport | pytest.CollectReport) -> str:
    """The message of the exception behind a failure, cut to MAX_MESSAGE characters."""
    crash = getattr(report.longrepr, "reprcrash", None)
    text = crash.message if crash else str(report.longrepr or "")
    lines = text.strip().splitlines()
    return (lines[0] if crash else lines[-1])[:MAX_MESSAGE] if lines else ""


def plugins_of(config: pytest.Config) -> list[tuple[str, str]]:
    """Name and version of the installed packages that this session's plugins are from."""
    found: dict[str, str] = {}
    for _, package in config.pluginmanager.list_plugin_distinfo():
        with contextlib.suppress(Exception):  # a broken installation is not ours to report
            metadata = package.metadata  # it is read anew each time
            found[str(metadata["Name"])] = str(metadata["Version"])
    return sorted(found.items())[:MAX_PLUGINS]


def junit_path(config: pytest.Config) -> str | None:
    """Where the JUnit file will be."""
    path = getattr(config.option, "xmlpath", None)
    return os.path.abspath(os.path.expanduser(os.path.expandvars(path))) if path else None


@pytest.hookimpl(hookwrapper=True)
def pytest_load_initial_conftests(
    early_config: pytest.Config, parser: pytest.Parser, args: list[str]
) -> Iterator[None]:
    """Ask pytest-cov to measure, if that is wanted and nobody else does."""
    options = early_config.known_args_namespace
    if (
        COVERAGE
        and early_config.pluginmanager.hasplugin("pytest_cov")
        and not getattr(options, "cov_source", None)
        and not getattr(options, "no_cov", False)
        and coverage_state() is None
    ):
        # pytest parses `args` once more later on; what pytest-cov reads now is parsed already.
        added = ["--cov", "--cov-report="]
        parsed = parser.parse_known_args(added)
        for name in ("cov_source", "cov_report"):
            setattr(options, name, getattr(parsed, name))
        args[:] = added + args
        early_config.seatrial_coverage = True  # type: ignore[attr-defined]
    yield


@pytest.hookimpl(tryfirst=True)
def pytest_configure(config: pytest.Config) -> None:
    """Switch the probe on; workers of xdist are only watched: their controller sees all reports."""
    if hasattr(config, "workerinput"):
        recorder = Recorder(EVENTS)
        if TEST_TIMEOUT > 0:
            config.pluginmanager.register(WorkerWatch(recorder), "seatrial-worker-watch")
        guard = seatrial_guard.Guard(recorder.append, KEPT)
        config.pluginmanager.register(guard, "seatrial-guard")
        return
    if config.pluginmanager.hasplugin("seatrial-probe-session"):
        return
    recorder = Recorder(EVENTS)
    progress = Progress(os.path.join(os.path.dirname(EVENTS), "progress.json"))
    # Under xdist the tests run in its workers, each with a watchdog of its own.
    limit = TEST_TIMEOUT if getattr(config.option, "dist", "no") == "no" else 0.0
    probe = Probe(recorder, progress, limit)
    config.pluginmanager.register(probe, "seatrial-probe-session")
    probe.keep_reports_cheaply(config.hook)
    config.pluginmanager.register(seatrial_guard.Guard(recorder.write, KEPT), "seatrial-guard")
    config.add_cleanup(probe.close)


KEPT = seatrial_guard.Kept(
    (Recorder, Progress, Probe, SharedFixtures, seatrial_guard.Guard, seatrial_guard.Checker)
)
