"""Seatrial's share: a pytest plugin that runs only this worker's tests, in the order wanted.

It is copied into test containers beside the probe, so it needs nothing but Python 3.8 and pytest 7.
What it was told stands in `share.json` beside it; what it saw and took it writes to `share.jsonl`,
and the host proves by it that every test was somebody's, and nobody's twice.
"""

from __future__ import annotations

import json
import os
import zlib
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

SHARE = os.environ.get(
    "SEATRIAL_SHARE", os.path.join(os.path.dirname(os.path.abspath(__file__)), "share.json")
)
REPORT = os.path.join(
    os.path.dirname(os.environ.get("SEATRIAL_EVENTS", "/seatrial/out/events.jsonl")), "share.jsonl"
)
MAX_NAMES = 100
"""Names in one line of the report, which its reader bounds."""


class Share:
    """One worker's part: a file that is not its own is not even imported."""

    def __init__(self, values: dict[str, Any], config: pytest.Config) -> None:
        self._config = config
        tests = values.get("tests")
        self._only = None if tests is None else frozenset(tests)
        left_out = values.get("left_out")
        self._left_out = None if left_out is None else frozenset(left_out)
        self._only_files = frozenset(map(file_of, tests or ()))
        self._workers: int = values.get("workers", 1)
        self._worker: int = values.get("worker", 0)
        self._owners: dict[str, int] = values.get("files", {})
        self._owners_of_tests: dict[str, int] = values.get("split", {})
        self._split: dict[str, set[int]] = {}
        for test, owner in self._owners_of_tests.items():
            self._split.setdefault(file_of(test), set()).add(owner)
        first = values.get("first", ())
        self._ranks = {test: rank for rank, test in enumerate(first)}
        self._named = named_files(config)
        self._shared: set[str] = set()
        self._taken: dict[str, None] = {}
        self._left: dict[str, None] = {}

    @pytest.hookimpl(hookwrapper=True)
    def pytest_collect_file(self, file_path: os.PathLike[str]) -> Iterator[None]:
        """Leave out a file of another worker, before anything in it is run."""
        outcome: Any = yield
        if not outcome.get_result():
            return
        path = os.fspath(file_path)
        file = os.path.relpath(path, str(self._config.rootpath)).replace(os.sep, "/")
        if self._only is not None and file not in self._only_files and path not in self._named:
            outcome.force_result([])  # nobody's, on purpose
        elif path in self._named or self._may_have(file):
            self._taken[file] = None
            if path in self._named or file in self._split:
                self._shared.add(file)
        else:
            self._left[file] = None
            outcome.force_result([])

    def _may_have(self, file: str) -> bool:
        return self._worker in self._split.get(file, ()) or self._owner(file) == self._worker

    @pytest.hookimpl(trylast=True)
    def pytest_collection_modifyitems(
        self, config: pytest.Config, items: list[pytest.Item]
    ) -> None:
        """Deselect others' tests in files that are shared, and bring the rest into order."""
        kept = [item for item in items if self.owns(item.nodeid)]
        self._tell_shared(items)
        if len(kept) < len(items):
            chosen = set(map(id, kept))
            config.hook.pytest_deselected(items=[i for i in items if id(i) not in chosen])
        items[:] = self._ordered(kept) if self._ranks else self._rotated(kept)
        if self._workers > 1 or self._only is not None:
            # What a share covers says nothing; the host holds the sum against the threshold.
            coverage = config.pluginmanager.getplugin("_cov")
            if getattr(getattr(coverage, "options", None), "cov_fail_under", None):
                coverage.options.cov_fail_under = 0

    def owns(self, test: str) -> bool:
        """Whether a test is this worker's: each is one worker's, wherever its file is imported."""
        file = file_of(test)
        named = self._only is None or test in self._only or file in self._only
        if not named and (self._left_out is None or test in self._left_out):
            return False
        owner = self._owners_of_tests.get(test)
        return (self._owner(file) if owner is None else owner) == self._worker

    def _owner(self, file: str) -> int:
        """Whose a file is, or what is new in a file that is split."""
        owner = self._owners.get(file)
        return zlib.crc32(file.encode(errors="replace")) % self._workers if owner is None else owner

    def _ordered(self, items: list[pytest.Item]) -> list[pytest.Item]:
        """Those of high rank first, as far as no fixture is set up twice for it.

        A test that shares a fixture with the rest of its file or class stays with its file, which
        then comes as early as that test would; in it, those of high rank are first.
        """
        places: dict[str, int] = {}
        file_ranks: dict[str, int] = {}
        alone: set[int] = set()
        last = len(self._ranks)
        for item in items:
            file = file_of(item.nodeid)
            places.setdefault(file, len(places))
            rank = self._ranks.get(item.nodeid, last)
            if rank < last and stands_alone(item):
                alone.add(id(item))
            else:
                file_ranks[file] = min(rank, file_ranks.get(file, last))

        def place(item: pytest.Item) -> tuple[int, int, int]:
            file = file_of(item.nodeid)
            rank = self._ranks.get(item.nodeid, last)
            if id(item) in alone:
                return -1, rank, 0
            return file_ranks[file], places[file], rank

        return sorted(items, key=place)

    def _rotated(self, items: list[pytest.Item]) -> list[pytest.Item]:
        """Begin with another file than the other workers, and go on from the first after the last.

        Tests of one folder do alike. Workers that run them at the same time all want the processor
        there, and leave it idle together where tests wait.
        """
        files = list(dict.fromkeys(file_of(item.nodeid) for item in items))
        begin = len(files) * self._worker // self._workers
        early = set(files[:begin])
        return sorted(items, key=lambda item: file_of(item.nodeid) in early)

    def _tell_shared(self, items: Iterable[pytest.Item]) -> None:
        """Say of every file that others import too which tests it has, and which are our own."""
        by_file: dict[str, list[str]] = {}
        for item in items:
            file = file_of(item.nodeid)
            if file in self._shared:
                by_file.setdefault(file, []).append(item.nodeid)
        for file, tests in by_file.items():
            self._tell("tests", tests, file=file, own=False)
            self._tell("tests", [t for t in tests if self.owns(t)], file=file, own=True)

    @pytest.hookimpl(trylast=True)
    def pytest_collection_finish(self) -> None:
        """Say which files were seen."""
        self._tell("files", list(self._taken), own=True)
        self._tell("files", list(self._left), own=False)

    def _tell(self, event: str, names: list[str], **values: Any) -> None:
        # Workers of xdist all collect the same; the first speaks for them.
        worker = getattr(self._config, "workerinput", {"workerid": "gw0"})
        if worker["workerid"] == "gw0":
            for start in range(0, len(names), MAX_NAMES):
                tell(event, names=names[start : start + MAX_NAMES], **values)


def file_of(test: str) -> str:
    """The file's part of a node id."""
    return test.split("::", 1)[0]


def stands_alone(item: pytest.Item) -> bool:
    """Whether a test can run apart from the others of its file, without a fixture's second set-up.

    `setup_module` and `setUpClass` are fixtures to pytest, too. Of a fixture with parameters one
    value is there at a time, however wide its scope is.
    """
    found = getattr(getattr(item, "_fixtureinfo", None), "name2fixturedefs", None)
    if found is None:
        return False  # a plugin's kind of test: nobody knows what it shares
    for definitions in found.values():
        for definition in definitions:
            scope = str(getattr(definition, "scope", "module"))
            if scope not in ("function", "session") or (
                scope == "session" and getattr(definition, "params", None)
            ):
                return False
    return True


def named_files(config: pytest.Config) -> frozenset[str]:
    """Files that the command line names: pytest takes it for a mistake if they give no tests."""
    folder = str(config.invocation_params.dir)
    paths = (os.path.join(folder, str(arg).split("::", 1)[0]) for arg in config.args)
    return frozenset(os.path.normpath(path) for path in paths if os.path.isfile(path))


def tell(event: str, **values: Any) -> None:
    """Append a line to the report; nobody is helped by a test run that fails on it."""
    try:
        with open(REPORT, "a", encoding="ascii") as file:
            file.write(json.dumps({"event": event, **values}) + "\n")
    except OSError:
        pass


def read_share() -> dict[str, Any]:
    """What the host wants of this worker; nothing if it does not say."""
    try:
        with open(SHARE, encoding="utf-8") as file:
            return dict(json.load(file))
    except OSError:
        return {}


def asks_for_xdist(options: Any) -> bool:
    """Whether the tests are to run in several processes."""
    return bool(getattr(options, "numprocesses", None)) or getattr(options, "dist", "no") != "no"


def without_xdist(options: Any) -> None:
    """Take back the wish for several processes."""
    if asks_for_xdist(options):
        options.numprocesses = 0
        options.dist = "no"
        options.tx = []


@pytest.hookimpl(hookwrapper=True)
def pytest_load_initial_conftests(early_config: pytest.Config) -> Iterator[None]:
    """Take over from xdist before pytest-cov asks whether there will be several processes."""
    values = read_share()
    options = early_config.known_args_namespace
    if values.get("workers", 1) > 1 and asks_for_xdist(options):
        tell("xdist", taken_over=values["take_over_xdist"])
        if values["take_over_xdist"]:
            without_xdist(options)
    yield


@pytest.hookimpl(hookwrapper=True)
def pytest_cmdline_main(config: pytest.Config) -> Iterator[None]:
    """The same for the options as they were parsed at last."""
    if read_share().get("take_over_xdist"):
        without_xdist(config.option)
    yield


@pytest.hookimpl(tryfirst=True)
def pytest_configure(config: pytest.Config) -> None:
    """Switch it on, in workers of xdist too."""
    values = read_share()
    if values and not config.pluginmanager.hasplugin("seatrial-share-session"):
        if values.get("fail_fast") and not config.option.maxfail:
            config.option.maxfail = 1
        config.pluginmanager.register(Share(values, config), "seatrial-share-session")
