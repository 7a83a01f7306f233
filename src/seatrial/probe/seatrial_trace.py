"""Seatrial's tracer: a pytest plugin that writes down which files of the project each test used.

It is copied into test containers beside the probe, needs Python 3.12 for what it does and does
nothing below, must never change a test's result, and keeps silent if it cannot write.
"""

from __future__ import annotations

import fcntl
import functools
import json
import os
import sys
import sysconfig
import tempfile
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

    from seatrial.probe.seatrial_child import Forks
    from seatrial.probe.seatrial_contexts import Labels
    from seatrial.probe.seatrial_lasting import Search
    from seatrial.probe.seatrial_uses import (
        CHILDREN,
        PASSED_OVER,
        VERSION,
        Context,
        Files,
        Tracer,
        Writer,
        free_tool,
    )
else:
    from seatrial_child import Forks  # it lies beside this file, as do the next
    from seatrial_contexts import Labels
    from seatrial_lasting import Search
    from seatrial_uses import (
        CHILDREN,
        PASSED_OVER,
        VERSION,
        Context,
        Files,
        Tracer,
        Writer,
        free_tool,
    )

EVENTS = os.environ.get("SEATRIAL_EVENTS", "/seatrial/out/events.jsonl")


HERE = os.path.dirname(os.path.abspath(__file__))
MAX_HEAD = 4096
"""Bytes of a report's first line."""


class Children:
    """Has the Pythons that tests start report what they use, and knows which are still there."""

    def __init__(self, tracer: Tracer, folder: str) -> None:
        self._tracer = tracer
        self._folder = folder
        self._prefix = "dependencies-child-%d-" % os.getpid()
        self._heads: dict[str, dict[str, Any]] = {}
        self._alive: set[str] = set()
        self._loose: set[str] = set()
        """Those of them that do not belong to a shared fixture."""
        self._shared: dict[Any, set[str]] = {}
        self._before = {name: os.environ.get(name) for name in (CHILDREN, "PYTHONPATH")}

    def begin(self, writer: Writer, roots: list[str], foreign: list[str]) -> None:
        """Tell all processes that will be started, and follow forks."""
        told = {"top": os.getpid(), "out": self._folder, "roots": roots, "foreign": foreign}
        Forks(self._tracer, writer, told)
        os.environ[CHILDREN] = json.dumps(told)
        paths = [os.path.join(HERE, "children"), self._before["PYTHONPATH"]]
        os.environ["PYTHONPATH"] = os.pathsep.join(path for path in paths if path)

    def end(self) -> None:
        """Tell none any more."""
        for name, value in self._before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value

    def share(self, owner: Any, starts: set[int]) -> None:
        """These belong to a fixture, and by it to all its users, until it is taken down."""
        self._shared[owner] = {self._tracer.told[start] for start in starts}

    def unshare(self, owner: Any) -> None:
        """The fixture is down: what it has left running may serve anybody."""
        self._shared.pop(owner, None)

    def during(self) -> list[str]:
        """The reports of those that were there since this was last asked, but for the shared."""
        if not self._tracer.told:
            return []
        names = {name for name in os.listdir(self._folder) if name.startswith(self._prefix)}
        new = names - self._heads.keys()
        found = self._loose | {name for name in new if not self._is_shared(name)}
        there = self._alive | new
        self._alive = {name for name in there if is_held(os.path.join(self._folder, name))}
        self._loose = {name for name in self._alive if not self._is_shared(name)}
        return sorted(found)

    def _is_shared(self, name: str) -> bool:
        head = self._head(name)
        by_pid = {head.get("child"): head for head in self._heads.values()}
        seen = 0
        while head and head["by"] != os.getpid() and seen < len(by_pid):
            head = by_pid.get(head["by"], {})
            seen += 1
        return any(not keys.isdisjoint(head.get("keys", ())) for keys in self._shared.values())

    def _head(self, name: str) -> dict[str, Any]:
        """A report's first line; empty while there is none, or if it was spoilt."""
        if name not in self._heads:
            with open(os.path.join(self._folder, name), "rb") as file:
                line = file.readline(MAX_HEAD)
            if not line:
                return {}
            self._heads[name] = json.loads(line) if line.endswith(b"\n") else {}
        return self._heads[name]


class Session:
    """Follows one pytest session and names its contexts."""

    def __init__(self, tracer: Tracer, files: Files, writer: Writer, children: Children) -> None:
        self._children = children
        self._tracer = tracer
        self._files = files
        self._writer = writer
        self._fixtures: dict[Any, int] = {}
        self._going_down: dict[Any, int] = {}
        """Fixtures that are being taken down, with what `leave` wants."""
        self._last: tuple[Any, int | None] = (None, None)

    @pytest.hookimpl(hookwrapper=True, tryfirst=True)
    def pytest_make_collect_report(self, collector: pytest.Collector) -> Iterator[None]:
        """What runs to find a file's tests belongs to all tests in it."""
        path = str(getattr(collector, "path", "") or "")
        if not path or os.path.isdir(path):
            yield
            return
        context = Context()
        before = self._tracer.switch(context)
        depth = self._tracer.enter("collect:" + os.path.normpath(path))
        yield
        self._tracer.leave(depth)
        self._tracer.switch(before)
        for number in self._files.of_opened(path) or ():
            self._writer.add(**context.line(collect=collector.nodeid, of=number))

    @pytest.hookimpl(hookwrapper=True, tryfirst=True)
    def pytest_fixture_setup(
        self, fixturedef: pytest.FixtureDef[Any], request: pytest.FixtureRequest
    ) -> Iterator[None]:
        """What a fixture that several tests share does to come up belongs to all of them."""
        if fixturedef.scope == "function":
            yield
            return
        number = self._fixtures.setdefault(fixturedef, len(self._fixtures))
        context = Context()
        before = self._tracer.switch(context)
        label = label_of(fixturedef)
        depth = self._tracer.enter(label)
        yield
        self._tracer.leave(depth)
        self._tracer.note_lasting(getattr(fixturedef, "cached_result", None))
        self._tracer.switch(before)
        # Finalizers run last in, first out: this one before the fixture's own.
        fixturedef.addfinalizer(functools.partial(self._goes_down, fixturedef, label))
        before.uses.add(number)
        if "request" in fixturedef.argnames:
            # It may have asked for others by name, even for those that were up already.
            context.uses.update(self._asked(request))
        if context.starts:
            self._children.share(fixturedef, context.starts)
        self._writer.add(**context.line(fixture=number, name=fixturedef.argname, label=label))

    def pytest_fixture_post_finalizer(self, fixturedef: pytest.FixtureDef[Any]) -> None:
        """A fixture is down."""
        depth = self._going_down.pop(fixturedef, None)
        if depth is not None:
            self._tracer.leave(depth)
        self._children.unshare(fixturedef)

    def _goes_down(self, fixturedef: pytest.FixtureDef[Any], label: str) -> None:
        self._going_down[fixturedef] = self._tracer.enter(label)

    @pytest.hookimpl(hookwrapper=True, tryfirst=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> Iterator[None]:
        """One test."""
        context = Context()
        before = self._tracer.switch(context)
        request = getattr(item, "_request", None)
        depth = self._tracer.enter("test:" + item.nodeid)
        yield
        self._tracer.leave(depth)
        self._tracer.switch(before)
        if self._fixtures:
            context.uses.update(self._asked(request))
            info = getattr(item, "_fixtureinfo", None)
            for definitions in getattr(info, "name2fixturedefs", {}).values():
                context.uses.update(self._fixtures[d] for d in definitions if d in self._fixtures)
        path = getattr(item, "path", None) or item.fspath
        if path != self._last[0]:
            self._last = path, (self._files.of_opened(str(path)) or (None,))[0]
        line = context.line(test=item.nodeid, of=self._last[1])
        if during := self._children.during():
            line["during"] = during
        self._writer.add(**line)

    @pytest.hookimpl(hookwrapper=True, trylast=True)
    def pytest_sessionfinish(self) -> Iterator[None]:
        """All hooks of the project have been called but those that sum up."""
        yield
        self._tracer.tell_imports()
        labels = self._tracer.labels
        if labels is not None:
            self._writer.add(labels=labels.measured, fault=labels.fault)
        self._writer.add(**self._tracer.session.line(session=True))
        self._writer.add(end=True)
        self._writer.flush()

    def _asked(self, request: Any) -> set[int]:
        """The shared fixtures that this test has asked for until now."""
        definitions = getattr(request, "_fixture_defs", {}).values()
        return {self._fixtures[d] for d in definitions if d in self._fixtures}


def label_of(fixturedef: pytest.FixtureDef[Any]) -> str:
    """The name by which coverage's data know a fixture that several tests share."""
    function = fixturedef.func
    made_by = getattr(function, "__module__", ""), getattr(function, "__qualname__", "")
    return "fixture:%s::%s by %s.%s" % (fixturedef.baseid, fixturedef.argname, *made_by)


def roots_of(config: pytest.Config) -> list[str]:
    """Folders of the project: pytest's root, where it was called, and where modules are found."""
    foreign = tuple(sysconfig.get_paths().values())
    own = [
        os.path.abspath(path)
        for path in sys.path
        if path
        and os.path.isdir(path)
        and not os.path.abspath(path).startswith(foreign)
        and not any(part in os.path.join(path, "") for part in PASSED_OVER)
        and os.path.abspath(path) != HERE
    ]
    return [str(config.rootpath), os.getcwd(), *own]


def no_contexts(options: Any) -> str:
    """Why coverage.py must not be told what runs, as far as it is pytest's matter; empty: it may.

    Each worker of xdist has pytest-cov remove all data files when it begins, and with them what
    others have written that were told already.
    """
    if getattr(options, "cov_context", None):
        return "the command sets contexts of its own (--cov-context)"
    if (
        "PYTEST_XDIST_WORKER" in os.environ
        or getattr(options, "numprocesses", None)
        or getattr(options, "dist", "no") != "no"
    ):
        return "xdist runs the tests in several processes, for which --workers is the way here"
    return ""


def is_held(path: str) -> bool:
    """Whether the process that writes a report is still there, or cannot be told to have ended."""
    try:
        with open(path, "rb") as file:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
            return not file.read(1)  # it has yet to take the lock
    except OSError:
        return True


@pytest.hookimpl(hookwrapper=True, tryfirst=True)
def pytest_load_initial_conftests(early_config: pytest.Config) -> Iterator[None]:
    """Switch the tracer on, before anything of the project is imported."""
    tool = free_tool()
    if tool is None or Tracer.is_on:  # a test may call pytest within this process
        yield
        return
    folder = os.path.dirname(os.path.abspath(EVENTS))
    writer = Writer(os.path.join(folder, "dependencies-%d.jsonl" % os.getpid()))
    if not writer.works:
        yield
        return
    writer.add(
        version=VERSION,
        pid=os.getpid(),
        root=str(early_config.rootpath),
        python_files=[str(pattern) for pattern in early_config.getini("python_files")],
    )
    roots, foreign = roots_of(early_config), [os.path.realpath(tempfile.gettempdir())]
    files = Files(roots, foreign, writer)
    # What was imported before cannot be watched.
    for module in list(sys.modules.values()):
        path = getattr(module, "__file__", None)
        number = files.of_code(path) if isinstance(path, str) else None
        if number is not None:
            writer.add(untraced=number)
    tracer = Tracer(files, writer, tool)
    tracer.search = Search(files.of_code, tracer.note_keeper, tracer.note_cached)
    tracer.labels = Labels(functools.partial(no_contexts, early_config.known_args_namespace))
    tracer.start()
    tracer.tell_coverage()
    children = Children(tracer, folder)
    children.begin(writer, roots, foreign)
    session = Session(tracer, files, writer, children)
    early_config.pluginmanager.register(session, "seatrial-trace-session")
    early_config.add_cleanup(writer.close)
    early_config.add_cleanup(tracer.stop)
    early_config.add_cleanup(children.end)
    yield
    tracer.tell_coverage()
