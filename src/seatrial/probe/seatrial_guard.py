"""Seatrial's guard: tells by which of its own hooks a project can change its tests' results.

It is copied into test containers beside the probe, so it needs nothing but Python 3.8 and pytest 7.
It looks once a session. Only where such hooks are found are results compared, test by test, with
what was raised; a suite without them pays nothing. PYTEST_DONT_REWRITE: nothing in here is an
assertion.
"""

from __future__ import annotations

import functools
import inspect
import os
import site
import sys
import sysconfig
import types
from typing import TYPE_CHECKING, Any

import pytest
from _pytest import main, python, reports, runner, skipping

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    Tell = Callable[..., None]

COMPARED = (
    "pytest_runtest_makereport",
    "pytest_runtest_protocol",
    "pytest_runtest_logreport",
    "pytest_runtest_call",
    "pytest_pyfunc_call",
)
"""Hooks that can turn one result into another: if the project has any, results are compared."""
LISTED = (
    *COMPARED,
    "pytest_report_teststatus",
    "pytest_sessionfinish",
    "pytest_runtestloop",
    "pytest_collection_modifyitems",
)
LAWFUL = frozenset({"pytest_retry", "pytest_ignore_flaky", "pytest_quarantine"})
"""Installed plugins that change reports of failed tests, which is what they are there for: beside
one of them nobody can tell who did it."""
PROTOCOLS = ("pytest_runtest_protocol", "pytest_runtestloop")
"""Who answers these decides whether a test is called at all."""
RANK = {"passed": 0, "skipped": 1, "failed": 2}
"""What is worse for the project has the higher rank."""
MAX_TOLD = 200
"""Events of a kind."""
MAX_TEXT = 500
WATCHED: tuple[tuple[Any, str], ...] = (
    (runner, "call_runtest_hook"),
    (runner, "call_and_report"),
    (runner, "runtestprotocol"),
    (runner, "pytest_runtest_protocol"),
    (runner, "pytest_runtest_call"),
    (runner, "pytest_runtest_makereport"),
    (runner.CallInfo, "from_call"),
    (reports.TestReport, "from_item_and_call"),
    (reports.TestReport, "__init__"),
    (skipping, "pytest_runtest_makereport"),
    (python, "pytest_pyfunc_call"),
    (python.Function, "runtest"),
    (main, "pytest_runtestloop"),
    (main, "wrap_session"),
)
"""What pytest makes results with."""


class Kept:
    """Functions as they were before the project's code was loaded."""

    def __init__(self, classes: Iterable[type]) -> None:
        own: list[tuple[Any, str]] = [
            (one, name) for one in classes for name, value in vars(one).items() if code(value)
        ]
        self._kept = [
            (owner, name, vars(owner)[name], code(vars(owner)[name]))
            for owner, name in [*WATCHED, *own]
            if name in vars(owner)
        ]

    def changed(self) -> Iterator[tuple[str, str]]:
        """What is another function now, and the file that it is from."""
        for owner, name, object_, kept in self._kept:
            now = vars(owner).get(name)
            if now is not object_ or code(now) is not kept:
                file = file_of(now)
                if not is_installed(file):
                    yield "%s.%s" % (owner.__name__, name), file


class Guard:
    """Looks at a session before its first test and at its end."""

    def __init__(self, tell: Tell, kept: Kept) -> None:
        self._tell = tell
        self._kept = kept
        self._patched: set[str] = set()
        self._looked = False
        self._deselected: list[pytest.Item] = []

    @pytest.hookimpl(hookwrapper=True, tryfirst=True)
    def pytest_collection_modifyitems(
        self, config: pytest.Config, items: list[pytest.Item]
    ) -> Iterator[None]:
        """Count what is left out, with or without a word; what Seatrial leaves out is not."""
        before = list(items)
        yield
        gone = self._deselected
        if len(items) + len(gone) < len(before):
            known = {*map(id, items), *map(id, gone)}
            gone = [*gone, *(item for item in before if id(item) not in known)]
        share = config.pluginmanager.getplugin("seatrial-share-session")
        own = [item for item in gone if share is None or share.owns(item.nodeid)]
        # Workers of xdist all collect the same; the first speaks for them.
        worker = getattr(config, "workerinput", {"workerid": "gw0"})
        if own and worker["workerid"] == "gw0":
            self._tell("deselected", count=len(own))

    def pytest_deselected(self, items: Sequence[pytest.Item]) -> None:
        """Somebody leaves tests out."""
        self._deselected.extend(items)

    @pytest.hookimpl(hookwrapper=True, tryfirst=True)
    def pytest_runtestloop(self, session: pytest.Session) -> Iterator[None]:
        """Look for the project's hooks, once all its conftest.py files are loaded.

        Around all others: a loop of the project's own that runs first would keep it from looking.
        """
        self._look(session.config)
        yield

    @pytest.hookimpl(tryfirst=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        """Look whether pytest is still what it was."""
        self._look(session.config)
        self._tell_patched()

    def _look(self, config: pytest.Config) -> None:
        if self._looked:
            return
        self._looked = True
        self._tell_patched()
        found = [(name, impl) for name in LISTED for impl in own_hooks(config, name)]
        compared = [
            (name, impl)
            for name, impl in found
            if name in COMPARED or (name == "pytest_runtestloop" and not wraps(impl))
        ]
        if found:
            told = [{"hook": name, "file": own_file(impl)[:MAX_TEXT]} for name, impl in found]
            self._tell("hooks", found=told[:MAX_TOLD], compared=bool(compared))
        left_out = selection(config)
        if left_out:
            self._tell("selection", by=left_out[:MAX_TOLD])
        if compared:
            excused = any(config.pluginmanager.hasplugin(name) for name in LAWFUL)
            # A controller of xdist only hands on what its workers compare.
            runs = not config.pluginmanager.hasplugin("dsession")
            checker = Checker(self._tell, compared, excused=excused, runs=runs)
            config.pluginmanager.register(checker, "seatrial-checker")
            if any(name == "pytest_pyfunc_call" and not wraps(impl) for name, impl in compared):
                config.pluginmanager.register(CallChecker(checker), "seatrial-call-checker")

    def _tell_patched(self) -> None:
        for what, file in self._kept.changed():
            if what not in self._patched:
                self._patched.add(what)
                self._tell("patched", what=what, file=file[:MAX_TEXT])


class Checker:
    """Compares what a test raised with what is reported of it."""

    def __init__(
        self, tell: Tell, hooks: Sequence[tuple[str, Any]], *, excused: bool, runs: bool
    ) -> None:
        self._tell = tell
        self._told = 0
        self._excused = excused
        names = {name for name, _ in hooks}
        self._may_swallow = bool(names & {"pytest_runtest_call", "pytest_pyfunc_call"})
        self._own_protocol = runs and any(
            name in PROTOCOLS and not wraps(impl) for name, impl in hooks
        )
        self._called: set[str] = set()
        self._raised: dict[str, str] = {}
        self._deserved: dict[tuple[str, str], tuple[str, bool]] = {}
        self._reports: dict[str, list[tuple[pytest.TestReport, str]]] = {}

    @pytest.hookimpl(hookwrapper=True, trylast=True)
    def pytest_runtest_call(self, item: pytest.Item) -> Iterator[None]:
        """Closest to the test: see what it raises before anybody can swallow it."""
        self._called.add(item.nodeid)
        outcome: Any = yield
        if outcome.excinfo is not None:
            self.raised(item.nodeid, outcome.excinfo[1])

    def raised(self, test: str, error: BaseException | None) -> None:
        """A test raised an exception, or did not run at all."""
        if self._may_swallow:
            self._raised[test] = "failed" if error is None else kind_of(error)

    @pytest.hookimpl(hookwrapper=True, tryfirst=True)
    def pytest_runtest_makereport(
        self, item: pytest.Item, call: pytest.CallInfo[None]
    ) -> Iterator[None]:
        """Furthest from pytest's own: see what goes in before anybody can change it."""
        before = call.excinfo
        yield
        excinfo = before or call.excinfo  # pytest's unittest plugin puts it in here
        deserved = kind_of(excinfo.value) if excinfo else "passed"
        if call.when == "call":
            swallowed = self._raised.pop(item.nodeid, "passed")
            deserved = max(deserved, swallowed, key=RANK.__getitem__)
        key = getattr(skipping, "xfailed_key", None)
        expected = key is not None and item.stash.get(key, None) is not None
        self._deserved[item.nodeid, call.when] = deserved, expected

    @pytest.hookimpl(hookwrapper=True, tryfirst=True)
    def pytest_runtest_logreport(self, report: pytest.TestReport) -> Iterator[None]:
        """Keep each report and what it said when it came."""
        reports_ = self._reports.setdefault(report.nodeid, [])
        reports_.append((report, str(report.outcome)))
        yield

    @pytest.hookimpl(hookwrapper=True, tryfirst=True)
    def pytest_runtest_logfinish(self, nodeid: str) -> Iterator[None]:
        """Compare once everybody has had a hand in it."""
        yield
        logged = self._reports.pop(nodeid, [])
        for place in range(len(logged) - 1, -1, -1):
            if str(logged[place][0].outcome) not in RANK:  # an attempt that is given up
                logged = logged[place + 1 :]
                break
        for report, came in logged:
            if RANK[str(report.outcome)] < RANK.get(came, 0):
                self._changed(report, came)
        for when in ("setup", "call", "teardown"):
            told = [report for report, _ in logged if report.when == when]
            deserved, expected = self._deserved.pop((nodeid, when), (None, False))
            if not told or self._excused:
                continue
            last = told[-1]
            # Reports can be made by pytest's own means of something else than the test.
            uncalled = deserved is None or nodeid not in self._called
            if self._own_protocol and when == "call" and last.outcome == "passed" and uncalled:
                self._changed(last, "not run")
            elif (
                deserved is not None
                and RANK[str(last.outcome)] < RANK[deserved]
                and not (expected and last.outcome == "skipped" and hasattr(last, "wasxfail"))
            ):
                self._changed(last, deserved)
        self._called.discard(nodeid)

    def _changed(self, report: pytest.TestReport, deserved: str) -> None:
        if self._told < MAX_TOLD:
            self._told += 1
            values = {"id": report.nodeid, "when": report.when}
            self._tell("changed", **values, **{"from": deserved, "to": str(report.outcome)})


class CallChecker:
    """Sees whether a project that calls its test functions by itself does so."""

    def __init__(self, checker: Checker) -> None:
        self._checker = checker

    @pytest.hookimpl(hookwrapper=True, trylast=True)
    def pytest_pyfunc_call(self, pyfuncitem: pytest.Function) -> Iterator[None]:
        """Give the function in another that looks the same and notes what comes of it."""
        original = pyfuncitem.obj
        seen: list[BaseException | None] = []
        watched = noting(original, seen)
        if watched is None:
            yield
            return
        pyfuncitem.obj = watched
        outcome: Any = yield
        pyfuncitem.obj = original
        if outcome.excinfo is None and (not seen or seen[-1] is not None):
            self._checker.raised(pyfuncitem.nodeid, seen[-1] if seen else None)


def noting(function: Any, seen: list[BaseException | None]) -> Any:
    """A function that does the same and notes how it ended; None if that cannot be made."""
    if isinstance(function, types.MethodType):
        inner = noting(function.__func__, seen)
        return inner and types.MethodType(inner, function.__self__)
    if not isinstance(function, types.FunctionType) or inspect.isasyncgenfunction(function):
        return None
    if inspect.iscoroutinefunction(function):

        @functools.wraps(function)
        async def waits(*args: Any, **values: Any) -> Any:
            try:
                result = await function(*args, **values)
            except BaseException as error:
                seen.append(error)
                raise
            seen.append(None)
            return result

        return waits

    @functools.wraps(function)
    def calls(*args: Any, **values: Any) -> Any:
        try:
            result = function(*args, **values)
        except BaseException as error:
            seen.append(error)
            raise
        seen.append(None)
        return result

    return calls


def kind_of(error: BaseException) -> str:
    """The outcome that an exception stands for, but for a failure that is expected."""
    skips: tuple[type[BaseException], ...] = (pytest.skip.Exception, pytest.xfail.Exception)
    if "unittest" in sys.modules:
        skips = (*skips, sys.modules["unittest"].SkipTest)
    return "skipped" if isinstance(error, skips) else "failed"


def own_hooks(config: pytest.Config, name: str) -> Iterator[Any]:
    """The project's own implementations of a hook."""
    caller = getattr(config.hook, name, None)
    for impl in caller.get_hookimpls() if caller is not None else ():
        if own_file(impl):
            yield impl


def own_file(impl: Any) -> str:
    """The project's file that a hook's implementation is from; empty if it is not the project's.

    A decorator from an installed package does not make the decorated its own.
    """
    plugin = impl.plugin
    module = plugin if inspect.ismodule(plugin) else sys.modules.get(type(plugin).__module__)
    files = [file_of(impl.function), str(getattr(module, "__file__", None) or "")]
    known = [file for file in files if file] or ["?"]
    return next((file for file in known if not is_installed(file)), "")


def wraps(impl: Any) -> bool:
    """Whether an implementation is called around the others."""
    return bool(impl.hookwrapper or getattr(impl, "wrapper", False))


def selection(config: pytest.Config) -> list[str]:
    """What may keep tests from being collected or run, as far as pytest knows it."""
    option = config.option
    asked = [
        ("-k", getattr(option, "keyword", "")),
        ("-m", getattr(option, "markexpr", "")),
        ("--deselect", getattr(option, "deselect", None)),
        ("--ignore", getattr(option, "ignore", None)),
        ("--ignore-glob", getattr(option, "ignore_glob", None)),
    ]
    for plugin in config.pluginmanager.get_plugins():
        file = str(getattr(plugin, "__file__", ""))
        if os.path.basename(file) == "conftest.py":
            names = ("collect_ignore", "collect_ignore_glob")
            asked += [("%s in %s" % (name, file), getattr(plugin, name, None)) for name in names]
    told = []
    for name, value in asked:
        values = [value] if isinstance(value, str) else list(value or ())
        told += ["%s %s" % (name, one) for one in values if one]
    return [text[:MAX_TEXT] for text in told]


def code(value: Any) -> Any:
    """The code object of a function or of what stands for one; None if it has none."""
    return getattr(getattr(value, "__func__", value), "__code__", None)


def file_of(value: Any) -> str:
    """The file that a function is from; what is no function is from nowhere."""
    own = code(value)
    return str(own.co_filename) if own is not None else ""


@functools.lru_cache(maxsize=None)
def is_installed(file: str) -> bool:
    """Whether a file is Python's, an installed package's or Seatrial's: not the project's own."""
    path = os.path.realpath(file)
    if os.path.dirname(path) == HERE:
        return os.path.basename(path).startswith("seatrial_")
    return bool(file) and any(path.startswith(folder + os.sep) for folder in FOLDERS)


def installed_folders() -> tuple[str, ...]:
    """Where what is installed is, asked before the project's code can have a say."""
    paths = sysconfig.get_paths()
    folders = [paths[name] for name in ("stdlib", "platstdlib", "purelib", "platlib")]
    folders += getattr(site, "getsitepackages", list)()
    folders.append(getattr(site, "getusersitepackages", str)())
    folders += [os.path.dirname(str(module.__file__)) for module in (pytest, runner)]
    return tuple(os.path.realpath(folder) for folder in folders if folder)


HERE = os.path.dirname(os.path.realpath(__file__))
FOLDERS = installed_folders()


def sha256_of(file: str) -> str | None:
    """A file's SHA-256 in hex; None if it cannot be read."""
    import hashlib  # noqa: PLC0415 - it takes a few milliseconds, and workers of xdist need none

    try:
        with open(file, "rb") as opened:
            return hashlib.sha256(opened.read()).hexdigest()
    except OSError:
        return None


def loaded() -> list[tuple[str, str | None]]:
    """The files of Seatrial's that this process runs, with their SHA-256."""
    own = ("probe", "guard", "share", "trace", "uses")
    names = [f"seatrial_{name}" for name in own]
    files = [str(sys.modules[name].__file__) for name in names if name in sys.modules]
    return [(file, sha256_of(file)) for file in files]
