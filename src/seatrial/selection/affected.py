"""Which tests a change can affect, by what each of them used when it was recorded.

A test is left out only if nothing that changed is known to reach it; whenever that is in doubt,
the test runs, and where it is in doubt for all of them, everything runs.
"""

import fnmatch
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import PurePosixPath

from seatrial.evidence.dependencies import Dependencies, Use
from seatrial.selection.changes import Change, Kind
from seatrial.selection.imports import (
    ImportGraph,
    import_graph,
    importers_of,
    late_importers_of,
)

__all__ = ["Affected", "affected", "resting_on"]

_ENVIRONMENT = (
    "*.dockerfile",
    "*.dockerignore",
    "*.lock",
    "*.pth",
    "*requirements*.in",
    "*requirements*.txt",
    ".coveragerc",
    ".dockerignore",
    ".env",
    ".env.*",
    ".gitmodules",
    "Containerfile*",
    "Dockerfile*",
    "Pipfile",
    "alembic.ini",
    "compose*.y*ml",
    "constraints*.txt",
    "docker-compose*.y*ml",
    "environment*.y*ml",
    "package-lock.json",
    "package.json",
    "poetry.toml",
    "pyproject.toml",
    "pytest.ini",
    "pytest.toml",
    "seatrial.toml",
    "setup.cfg",
    "setup.py",
    "tox.ini",
    "usercustomize.py",
    "sitecustomize.py",
    ".pytest.ini",
    ".pytest.toml",
    "conda*.y*ml",
    "manage.py",
)
"""Names of files that shape the containers or the whole run, even if a test reads them too."""
_FOR_OTHERS = frozenset({"alembic", "migrations", "requirements"})
"""Folders of what other programs use, often before the tests begin: migrations change the
database that all tests see, although only some tests run them themselves."""


@dataclass(frozen=True)
class Affected:
    """What to run."""

    everything: bool
    reason: str
    """Why everything, naming the file; empty if it is not."""
    tests: frozenset[str] = frozenset()
    """Known tests that run."""
    files: frozenset[str] = frozenset()
    """Node ids of test files of which all tests run, also those that nobody knows yet."""
    left_out: frozenset[str] = frozenset()
    """Known tests that need not run."""
    because: Mapping[str, int] = field(default_factory=dict)
    """By changed file: how many known tests it affects."""


@dataclass
class _Effects:
    """What one changed file affects."""

    files: set[str] = field(default_factory=set)
    """Test files as a whole."""
    tests: set[str] = field(default_factory=set)
    seeds: set[str] = field(default_factory=set)
    """Python files whose state after import may differ."""
    everything: str = ""


def affected(
    known: Dependencies,
    changes: Mapping[str, Change],
    read: Callable[[str], bytes | None],
    *,
    failed: Collection[str] = (),
    shaping: Collection[str] = (),
    reaches: Callable[[str], bool] = lambda _: True,
    elsewhere: Callable[[str], bool] = lambda _: False,
    files: Collection[str] | None = None,
) -> Affected:
    """Which tests `changes` can affect.

    `read` gives the present content of a file of the project; `failed` are tests that did not pass
    when they last ran; `shaping` are files that shape the stack, beside those that do so by their
    names (the Compose files, the Dockerfiles); `reaches` says whether another file can get into a
    container at all, `elsewhere` whether it gets into one where no test runs, so that nobody saw
    its use. `files` are the project's present files (default: those of the recorded state and of
    the changes).
    """
    if not known.tests:
        return Affected(True, "no earlier run says what the tests use")
    present = set(files) if files is not None else {*known.states, *changes}
    gone = {name for name, change in changes.items() if change.kind is Kind.DELETED}
    seen, late = _pairs(known.importers), _pairs(known.late_importers)
    python = (present - gone) | {*known.modules}
    index = _Index(known, lambda: import_graph(python, read, seen, late))
    tests, whole = index.always()
    because: dict[str, int] = {}
    for name in sorted(changes):
        if name in shaping or _is_environment(name):
            return Affected(True, f"{name} shapes the containers or the whole run")
        if not reaches(name):
            continue
        if known.session.process:
            return Affected(True, "a process was started outside of all tests: who knows its files")
        if elsewhere(name):
            return Affected(True, f"{name} gets into a container where no test runs")
        effects = _effects(index, name, changes[name])
        if effects.everything:
            return Affected(True, f"{name} {effects.everything}")
        index.spread(effects)
        found = effects.tests | index.tests_in(effects.files)
        because[name] = len(found)
        tests |= found
        whole |= effects.files - gone
    node_files = {file: index.node_file(file) for file in whole}
    unclear = sorted(file for file, node in node_files.items() if node is None)
    if unclear:
        return Affected(True, f"nobody knows what pytest calls {unclear[0]}")
    tests |= index.tests_in(whole) | (known.tests.keys() & set(failed))
    return Affected(
        everything=False,
        reason="",
        tests=frozenset(tests),
        files=frozenset(node for node in node_files.values() if node is not None),
        left_out=frozenset(known.tests) - tests,
        because=because,
    )


def resting_on(known: Dependencies, modules: Collection[str], graph: ImportGraph) -> frozenset[str]:
    """The known tests that may import one of these Python files, directly or through others."""
    index = _Index(known, lambda: graph)
    effects = _Effects(seeds=set(modules))
    index.spread(effects)
    return frozenset(effects.tests | index.tests_in(effects.files))


class _Index:
    """The recorded dependencies, turned round."""

    def __init__(self, known: Dependencies, make_graph: Callable[[], ImportGraph]) -> None:
        self.known = known
        self._make_graph = make_graph
        self._graph: ImportGraph | None = None
        self.tests_of: dict[str, set[str]] = defaultdict(set)
        self.ran: dict[str, set[str]] = defaultdict(set)
        self.read: dict[str, set[str]] = defaultdict(set)
        self.imported: dict[str, set[str]] = defaultdict(set)
        """By a process that the test started."""
        self._listed: dict[str, set[str]] = defaultdict(set)
        self._offsets: set[tuple[str, str]] = set()
        for test, found in known.tests.items():
            self.tests_of[found.file].add(test)
            self._offsets.add(_offset(found.file, test.split("::", 1)[0]))
            for name in found.use.ran:
                self.ran[name].add(test)
            for name in found.use.read:
                self.read[name].add(test)
            for name in found.use.imported:
                self.imported[name].add(test)
            for name in found.use.listed:
                self._listed[name].add(test)
        self._folders = {str(f) for name in known.states for f in PurePosixPath(name).parents}
        self._roots = {file: self._find_roots(file) for file in self.tests_of}
        self._kept = self._find_kept()

    def always(self) -> tuple[set[str], set[str]]:
        """Tests, and test files, that run whatever changed: they used what nobody saw."""
        tests = {test for test, found in self.known.tests.items() if found.use.process}
        effects = _Effects(
            tests=tests,
            files={file for file, use in self.known.collected.items() if use.process},
            seeds={module for module, use in self.known.modules.items() if use.process},
        )
        self.spread(effects)
        return effects.tests, effects.files

    def tests_in(self, files: Iterable[str]) -> set[str]:
        """The known tests of test files."""
        return {test for file in files for test in self.tests_of.get(file, ())}

    def spread(self, effects: _Effects) -> None:
        """Add the tests that rest on a module whose state after import may differ."""
        seeds, reached, late = set(effects.seeds), frozenset[str](), set[str]()
        while not seeds <= reached:
            if self._graph is None:
                self._graph = self._make_graph()
            reached = importers_of(self._graph, seeds | reached)
            for name in late_importers_of(self._graph, reached) - late:
                # What the function makes of the import shows where the function runs.
                late.add(name)
                found = self.of_body(name)
                effects.tests |= found.tests
                effects.files |= found.files
                seeds |= found.seeds
        if not reached.isdisjoint(self.known.roots | self.known.session.ran):
            effects.files |= set(self.tests_of)
        effects.files |= {f for f, roots in self._roots.items() if not reached.isdisjoint(roots)}
        for name in reached:
            effects.tests |= self.ran.get(name, set()) | self.imported.get(name, set())

    def of_body(self, name: str) -> _Effects:
        """What other bodies of a Python file's functions affect."""
        known = self.known
        if name in known.session.ran:
            return _Effects(files=set(self.tests_of))
        return _Effects(
            tests=set(self.ran.get(name, ())),
            files=self.collecting(name),
            # An import that called the functions may leave another state behind.
            seeds=self.used_by_imports(name) | self.with_kept(name),
        )

    def used_by_imports(self, name: str) -> set[str]:
        """Modules of which the import ran functions of a file, or read it."""
        modules = self.known.modules.items()
        return {module for module, use in modules if name in use.ran | use.read}

    def collecting(self, name: str) -> set[str]:
        """Test files whose tests are found with the help of a file: which there are may change."""
        uses = self.known.collected.items()
        return {file for file, use in uses if name in use.ran | use.read}

    def listers(self, name: str) -> set[str] | None:
        """Tests that read the names in the folder where `name` is new or gone; None: an import did.

        A folder that is new is seen by who lists the one above.
        """
        folder = _folder(name)
        while folder not in self._folders and folder != ".":
            folder = _folder(folder)
        uses = (self.known.session, *self.known.modules.values(), *self.known.collected.values())
        if any(folder in use.listed for use in uses):
            return None
        return set(self._listed.get(folder, ()))

    def node_file(self, file: str) -> str | None:
        """What pytest calls a file of the project; None if that is not clear."""
        if not self._offsets or len(self._offsets) > 1:
            return None
        ours, theirs = next(iter(self._offsets))
        if not file.startswith(ours):
            return None
        return theirs + file[len(ours) :]

    def is_test_file(self, name: str) -> bool:
        """Whether pytest looks for tests in it."""
        path = PurePosixPath(name)
        return path.suffix == ".py" and any(
            fnmatch.fnmatch(path.name, pattern.rsplit("/", 1)[-1])
            for pattern in self.known.python_files
            if not fnmatch.fnmatch("__init__.py", pattern)  # a pattern for all says nothing
        )

    def below(self, folder: str) -> set[str]:
        """The test files in a folder."""
        return {file for file in self.tests_of if _is_below(file, folder)}

    def with_kept(self, name: str) -> set[str]:
        """Python files that may have kept for later tests what they made with the file `name`."""
        return {keeper for keeper, used in self._kept.items() if name in used}

    def _find_roots(self, file: str) -> frozenset[str]:
        folders = {str(folder) for folder in PurePosixPath(file).parents}
        above = {f for f in self.known.modules if _is_conftest(f) and _folder(f) in folders}
        return frozenset({file, *above, *self.known.collected.get(file, Use()).ran})

    def _find_kept(self) -> dict[str, set[str]]:
        kept: dict[str, set[str]] = defaultdict(set)
        uses = [(keeper, t.use) for t in self.known.tests.values() for keeper in t.use.keeps]
        for keeper, use in (*uses, *self.known.kept.items()):
            # Tests are taken to be independent of each other; what they share is not.
            kept[keeper] |= (use.ran | use.read | use.imported) - self.tests_of.keys()
        return kept


def _effects(index: _Index, name: str, change: Change) -> _Effects:
    if _FOR_OTHERS.intersection(PurePosixPath(name).parts[:-1]):
        return _Effects(everything="is of use to other programs, beside the tests")
    if change.kind is Kind.MODIFIED:
        return (_of_python if name.endswith(".py") else _of_data)(index, name, change)
    listers = index.listers(name)
    if listers is None:
        return _Effects(everything="comes or goes in a folder that is listed outside of the tests")
    if change.kind is Kind.DELETED:
        effects = _of_deleted(index, name, change, listed=bool(listers))
    else:
        effects = _of_added(index, name, listed=bool(listers))
    effects.tests |= listers
    return effects


def _of_deleted(index: _Index, name: str, change: Change, *, listed: bool) -> _Effects:
    if name in index.tests_of:
        return _Effects(seeds={name})
    if not name.endswith(".py"):
        if _was_read(index, name):
            return _of_data(index, name, change)
        if listed:
            return _Effects()
    return _Effects(everything="is gone")


def _of_added(index: _Index, name: str, *, listed: bool) -> _Effects:
    if _is_conftest(name):
        return _Effects(files=index.below(_folder(name)))
    if index.is_test_file(name):
        return _Effects(files={name})
    if name.endswith(".py"):
        return _Effects(everything="is a new module")
    if listed:
        return _Effects()
    return _Effects(everything="is new, and nobody was seen to look for it")


def _of_python(index: _Index, name: str, change: Change) -> _Effects:
    known = index.known
    if name in known.untraced:
        return _Effects(everything="was imported before anybody could watch")
    if name not in known.modules and name not in index.imported:
        return _Effects(everything="was never seen to be imported by the tests")
    if name in known.session.ran or name in known.session.read:
        return _Effects(everything="is used outside of the tests")
    effects = index.of_body(name)
    if _is_conftest(name):
        effects.files |= index.below(_folder(name))
    if name in index.tests_of:
        effects.files.add(name)
    effects.tests |= index.read.get(name, set())
    # What its functions leave in the module itself while tests run, they are known to keep.
    if index.used_by_imports(name) or not change.only_bodies:
        effects.seeds.add(name)
    return effects


def _of_data(index: _Index, name: str, _: Change) -> _Effects:
    known = index.known
    if not _was_read(index, name):
        return _Effects(everything="was never seen to be read by the tests")
    if name in known.session.read:
        return _Effects(everything="is read outside of the tests")
    effects = _Effects(tests=set(index.read.get(name, ())))
    # Who opened it for one test may remember it for another.
    for reader in known.readers.get(name, ()):
        effects.tests |= index.ran.get(reader, set())
        effects.files |= index.collecting(reader)
    effects.files |= index.collecting(name)
    if name in index.tests_of:  # tests that are not written in Python
        effects.files.add(name)
    effects.seeds |= index.used_by_imports(name) | index.with_kept(name)
    return effects


def _was_read(index: _Index, name: str) -> bool:
    known = index.known
    uses: Iterable[Use] = (known.session, *known.modules.values(), *known.collected.values())
    return name in index.read or name in index.tests_of or any(name in use.read for use in uses)


def _pairs(importers: Mapping[str, frozenset[str]]) -> list[tuple[str, str]]:
    return [(by, imported) for imported, found in importers.items() for by in found]


def _is_environment(name: str) -> bool:
    return any(fnmatch.fnmatchcase(PurePosixPath(name).name, each) for each in _ENVIRONMENT)


def _is_conftest(name: str) -> bool:
    return PurePosixPath(name).name == "conftest.py"


def _folder(name: str) -> str:
    return str(PurePosixPath(name).parent)


def _is_below(name: str, folder: str) -> bool:
    return folder == "." or name.startswith(f"{folder}/")


def _offset(ours: str, theirs: str) -> tuple[str, str]:
    """What stands before the common end of a file's two names."""
    a, b = PurePosixPath(ours).parts, PurePosixPath(theirs).parts
    count = 0
    while count < min(len(a), len(b)) and a[-1 - count] == b[-1 - count]:
        count += 1
    head = "/".join(a[: len(a) - count]), "/".join(b[: len(b) - count])
    return tuple(f"{part}/" if part else "" for part in head)  # type: ignore[return-value]
