"""Reads which files of the project each test used, as the tracer wrote it; nothing is trusted.

It is kept as one JSON file with a digest: one that was edited, cut off or written by another
version of Seatrial is as good as none.
"""

import hashlib
import json
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path, PurePosixPath
from typing import Any, Literal

from pydantic import ValidationError

from seatrial.evidence.model import Model
from seatrial.evidence.premises import Premises
from seatrial.evidence.processes import Processes, Report, is_report, pid_of, read_report
from seatrial.evidence.sources import ProjectFiles, compare_sources, shared_tail
from seatrial.evidence.trace_lines import (
    MAX_BYTES,
    MAX_FILES,
    TRACER_VERSION,
    NotWhole,
    as_number,
    as_numbers,
    as_text,
)

__all__ = [
    "Dependencies",
    "FileState",
    "Places",
    "TestUse",
    "Use",
    "load_dependencies",
    "merge_dependencies",
    "premises_of",
    "read_dependencies",
    "save_dependencies",
]

_MAX_PATTERNS = 100
_MAX_HEAD = 1 << 20
"""Bytes of one line of a kept file's beginning."""


class FileState(Model):
    """A file of the project as it was."""

    sha256: str
    executable: bool = False
    skeleton: str | None = None
    """Of a Python file: what stays the same while only bodies of functions change."""


@dataclass(frozen=True)
class Use:
    """Files of the project that something used."""

    ran: frozenset[str] = frozenset()
    """Files of which a function ran."""
    read: frozenset[str] = frozenset()
    """Files that were opened for reading."""
    listed: frozenset[str] = frozenset()
    """Folders of which the names were read."""
    keeps: frozenset[str] = frozenset()
    """Files of which a function ran that may keep its outcome for later tests."""
    imported: frozenset[str] = frozenset()
    """Files that a process which it started imported."""
    process: bool = False
    """Whether it started another process, whose files nobody sees."""

    def __or__(self, other: "Use") -> "Use":
        return Use(
            self.ran | other.ran,
            self.read | other.read,
            self.listed | other.listed,
            self.keeps | other.keeps,
            self.imported | other.imported,
            self.process or other.process,
        )


@dataclass(frozen=True)
class TestUse:
    """What a test used, with the fixtures that it shares with others."""

    __test__ = False

    file: str
    use: Use


@dataclass(frozen=True)
class Dependencies:
    """What a run of the tests used of the project; all names are relative to its folder."""

    tests: Mapping[str, TestUse]
    """By node id."""
    collected: Mapping[str, Use]
    """By test file: what finding its tests used."""
    modules: Mapping[str, Use]
    """By Python file that was imported: what its import used."""
    importers: Mapping[str, frozenset[str]]
    """By Python file: the modules that were seen to import it first."""
    late_importers: Mapping[str, frozenset[str]]
    """The same, where a function of theirs did so."""
    roots: frozenset[str]
    """Python files that nothing of the project imported, so every test may rest on them."""
    session: Use
    """What ran outside of all tests, such as hooks of pytest."""
    untraced: frozenset[str]
    """Python files that were imported before anybody watched."""
    readers: Mapping[str, frozenset[str]]
    """By file that was read: the Python files that it was opened from."""
    python_files: tuple[str, ...]
    """pytest's patterns for names of test files."""
    kept: Mapping[str, Use] = field(default_factory=dict)
    """By Python file: what was used while its cached functions made the outcomes that they keep,
    and while fixtures had its functions keep something."""
    states: Mapping[str, FileState] = field(default_factory=dict)
    """All files of the project at that time."""
    premises: Premises = field(default_factory=dict)
    """What the run rested on beside them."""

    def used_files(self) -> frozenset[str]:
        """All files of the project that anything was seen to use."""
        tests = (found.use for found in self.tests.values())
        parts = (self.collected, self.modules, self.kept)
        whole = _all([*tests, *(use for part in parts for use in part.values()), self.session])
        return whole.ran | whole.read | whole.imported | self.modules.keys() | self.readers.keys()


def read_dependencies(
    paths: Sequence[Path],
    project: Path,
    states: Mapping[str, FileState],
    mounts: Sequence[tuple[str, Path]] = (),
) -> Dependencies | None:
    """Read the tracer's files of one run: one for each process that ran tests, beside each the
    reports of processes that its tests started.

    `mounts` are folders of the project that the container saw, by where it saw them; `states` are
    the project's files at that time. None if there is no file, or one is not whole: what is known
    in part is not known.
    """
    traces = {path: _read(path) for path in paths if not is_report(path)}
    reports = {path: report for path in paths if is_report(path) if (report := read_report(path))}
    whole = {path: trace for path, trace in traces.items() if trace is not None}
    told = [*(t.places for t in whole.values()), *(r.places for r in reports.values())]
    if not whole or len(whole) < len(traces) or sum(map(len, told)) > MAX_FILES:
        return None
    places = Places({p for each in told for p in each.values()}, project, mounts)
    found: Dependencies | None = None
    try:
        for path, trace in whole.items():
            # Each container has process ids of its own.
            beside = {p.name: r for p, r in reports.items() if p.parent == path.parent}
            tests = {t.pid: t.starts for p, t in whole.items() if p.parent == path.parent}
            children = _Children(Processes(tests, beside), beside, places)
            own = trace.told(places, states, children)
            found = own if found is None else _union(found, own)
    except NotWhole:
        return None
    return found


def merge_dependencies(old: Dependencies, new: Dependencies) -> Dependencies:
    """What is known after a run of some of the tests: theirs is replaced, the others' is kept.

    What importing and collecting used is kept and added to, since a run of some tests imports
    less. Tests of files that are gone are forgotten.
    """
    rerun = _union(old, new)
    tests = {
        test: use
        for test, use in {**old.tests, **new.tests}.items()
        if test in new.tests or use.file in new.states
    }
    return replace(
        rerun,
        tests=tests,
        python_files=new.python_files,
        states=new.states,
        premises=new.premises,
    )


def save_dependencies(path: Path, dependencies: Dependencies) -> None:
    """Write them whole or not at all.

    Raises:
        OSError: the disk is full or not writable.
    """
    # The premises come first: whoever looks for their equal need not read the rest.
    head = json.dumps(dict(dependencies.premises))
    body = _stored(dependencies).model_dump_json()
    draft = path.with_suffix(path.suffix + ".part")
    whole = f"{head}\n{body}\n"
    draft.write_text(f"{_digest(whole)}\n{whole}", encoding="utf-8")
    draft.replace(path)


def premises_of(path: Path) -> Premises | None:
    """What the run of saved dependencies rested on; None if there are none.

    Only `load_dependencies` says whether they are whole.
    """
    try:
        with path.open("rb") as file:
            file.readline(_MAX_HEAD)
            return _as_premises(json.loads(file.readline(_MAX_HEAD)))
    except (OSError, ValueError, RecursionError):
        return None


def load_dependencies(path: Path) -> Dependencies | None:
    """Read what was saved; None if it is not there, edited or of another version."""
    try:
        if path.stat().st_size > MAX_BYTES:
            return None
        digest, whole = path.read_text(encoding="utf-8").split("\n", 1)
        if digest != _digest(whole):
            return None
        head, body = whole.removesuffix("\n").split("\n", 1)
        restored = _restored(_Stored.model_validate_json(body))
        return replace(restored, premises=_as_premises(json.loads(head)))
    except (OSError, ValueError, ValidationError, IndexError, RecursionError):
        return None


def _as_premises(value: Any) -> Premises:
    if not isinstance(value, dict):
        raise ValueError("the premises are no table")
    return {name: str(each) for name, each in value.items()}


# What the tracer wrote.


@dataclass
class _Trace:
    """The lines of one process, with its numbers."""

    pid: int = 0
    python_files: tuple[str, ...] = ()
    starts: dict[int, str] = field(default_factory=dict)
    """Processes that were started, and how each is known."""
    places: dict[int, str] = field(default_factory=dict)
    tests: list[tuple[str, int | None, Mapping[str, Any]]] = field(default_factory=list)
    collected: list[tuple[int, Mapping[str, Any]]] = field(default_factory=list)
    modules: list[tuple[int, Mapping[str, Any]]] = field(default_factory=list)
    fixtures: dict[int, list[Mapping[str, Any]]] = field(default_factory=lambda: defaultdict(list))
    session: list[Mapping[str, Any]] = field(default_factory=list)
    untraced: set[int] = field(default_factory=set)
    readers: list[tuple[int, int]] = field(default_factory=list)
    kept: list[tuple[int, Mapping[str, Any]]] = field(default_factory=list)

    def take(self, line: Mapping[str, Any]) -> None:
        """Take one line, of whatever kind."""
        if "file" in line:
            self.places[as_number(line["file"])] = as_text(line.get("path"))
        elif "test" in line:
            of = line.get("of")
            self.tests.append((as_text(line["test"]), None if of is None else as_number(of), line))
        elif "fixture" in line:
            self.fixtures[as_number(line["fixture"])].append(line)
        elif "collect" in line:
            self.collected.append((as_number(line["of"]), line))
        elif "module" in line:
            self.modules.append((as_number(line["module"]), line))
        elif "start" in line:
            self.starts[as_number(line["start"])] = as_text(line.get("key"))
        elif "session" in line:
            self.session.append(line)
        elif "untraced" in line:
            self.untraced.add(as_number(line["untraced"]))
        elif "reader" in line:
            read, by = as_numbers(line["reader"], least=-1)
            self.readers.append((read, by))
        elif "kept" in line:
            self.kept.append((as_number(line["kept"]), line))

    def told(
        self, places: "Places", states: Mapping[str, FileState], children: "_Children"
    ) -> Dependencies:
        """The same in the project's names."""
        names = {number: places.names(path) for number, path in self.places.items()}

        def of(numbers: Iterable[int]) -> frozenset[str]:
            return frozenset(name for number in numbers for name in names.get(number, ()))

        def use(line: Mapping[str, Any]) -> Use:
            ran, read, listed, keeps = (
                of(as_numbers(line.get(key, []))) for key in ("ran", "read", "listed", "keeps")
            )
            return Use(ran, read, listed, keeps, process=line.get("process") is True)

        def followed(line: Mapping[str, Any]) -> Use:
            started = children.started(self.pid, as_numbers(line.get("starts", [])))
            during = line.get("during", [])
            return use(line) | started | children.told([as_text(name) for name in during])

        def unfollowed(line: Mapping[str, Any]) -> Use:
            return replace(use(line), process=line.get("process") is True or "starts" in line)

        fixtures = {n: _all(followed(line) for line in lines) for n, lines in self.fixtures.items()}
        uses = {
            number: {used for line in ls for used in as_numbers(line.get("uses", []))}
            for number, ls in self.fixtures.items()
        }
        kept: dict[str, Use] = {}
        for keeper, line in self.kept:
            for name in of([keeper]):
                kept[name] = kept.get(name, Use()) | use(line)
        for fixture, found in fixtures.items():
            # What it kept for others comes from what it used itself, not from what its users do.
            made = _all(fixtures.get(f, Use()) for f in _reachable([fixture], uses))
            for name in found.keeps:
                kept[name] = kept.get(name, Use()) | replace(made, keeps=frozenset())
        tests: dict[str, TestUse] = {}
        for test, number, line in self.tests:
            own = sorted(of([number])) if number is not None else []
            if len(own) != 1:
                continue  # a test whose file is not the project's is never left out
            shared = (
                replace(fixtures.get(f, Use()), keeps=frozenset())
                for f in _reachable(as_numbers(line.get("uses", [])), uses)
            )
            whole = _all([followed(line), *shared])
            before = tests.get(test)
            tests[test] = TestUse(own[0], whole | before.use if before else whole)
        collected: dict[str, Use] = {}
        for number, line in self.collected:
            for file in of([number]):
                collected[file] = collected.get(file, Use()) | unfollowed(line)
        modules: dict[str, Use] = {}
        importers: dict[str, frozenset[str]] = {}
        late: dict[str, frozenset[str]] = {}
        roots: set[str] = set()
        for number, line in self.modules:
            by = as_numbers(line.get("by", []), least=-MAX_FILES)
            for name in of([number]):
                modules[name] = modules.get(name, Use()) | unfollowed(line)
                importers[name] = importers.get(name, frozenset()) | of(by)
                # The tracer writes a function's file as -2 less its number.
                late[name] = late.get(name, frozenset()) | of(-2 - n for n in by if n < -1)
                if -1 in by and name not in collected and not name.endswith("conftest.py"):
                    roots.add(name)
        readers: dict[str, frozenset[str]] = {}
        for read, reader in self.readers:
            for name in of([read]):
                readers[name] = readers.get(name, frozenset()) | of([reader])
        return Dependencies(
            tests=tests,
            collected=collected,
            modules=modules,
            importers=importers,
            late_importers=late,
            roots=frozenset(roots),
            session=_all(unfollowed(line) for line in self.session),
            untraced=of(self.untraced),
            readers=readers,
            python_files=self.python_files,
            kept=kept,
            states=states,
        )


def _read(path: Path) -> _Trace | None:
    trace = _Trace()
    ended = False
    try:
        if path.is_symlink() or path.stat().st_size > MAX_BYTES:
            return None
        with path.open("rb") as file:
            head = json.loads(file.readline())
            if head["version"] != TRACER_VERSION:
                return None
            patterns = [as_text(pattern) for pattern in head["python_files"]]
            trace.python_files = tuple(patterns[:_MAX_PATTERNS])
            trace.pid = pid_of(head["pid"])
            for text in file:
                line = json.loads(text)
                trace.take(line)
                ended = line.get("end") is True
    except (OSError, ValueError, TypeError, KeyError, AttributeError, RecursionError, NotWhole):
        return None
    return trace if ended else None


def _reachable(start: Iterable[int], edges: Mapping[int, Collection[int]]) -> set[int]:
    found: set[int] = set()
    waiting = list(start)
    while waiting:
        number = waiting.pop()
        if number not in found:
            found.add(number)
            waiting.extend(edges.get(number, ()))
    return found


def _all(uses: Iterable[Use]) -> Use:
    uses = list(uses)
    return Use(
        frozenset().union(*(use.ran for use in uses)),
        frozenset().union(*(use.read for use in uses)),
        frozenset().union(*(use.listed for use in uses)),
        frozenset().union(*(use.keeps for use in uses)),
        frozenset().union(*(use.imported for use in uses)),
        any(use.process for use in uses),
    )


class Places:
    """The project's names for the container's files and folders."""

    def __init__(
        self, places: Collection[str], project: Path, mounts: Sequence[tuple[str, Path]]
    ) -> None:
        self._names: dict[str, tuple[str, ...]] = {}
        absolute = [place for place in places if PurePosixPath(place).is_absolute()]
        compared = compare_sources(project, {}, absolute, mounts)
        files = ProjectFiles(project, {PurePosixPath(place).name for place in absolute})
        pairs: set[tuple[str, str]] = {
            (target, _below(source, project)) for target, source in mounts
        }
        for place in absolute:
            own = compared[place].project_file
            found = (own,) if own else tuple(str(path) for path in files.find(place))
            if found:
                self._names[place] = found
            for name in found:
                shared = shared_tail(place, name)
                pairs.add((_without(place, shared), _without(name, shared)))
        # Folders have no content to be known by; they lie where the files beside them lie.
        for place in absolute:
            if place not in self._names:
                self._names[place] = tuple(
                    sorted(
                        {
                            name
                            for base, own in pairs
                            if PurePosixPath(place).is_relative_to(base)
                            and (
                                name := str(
                                    PurePosixPath(own, PurePosixPath(place).relative_to(base))
                                )
                            )
                            and (project / name).is_dir()
                        }
                    )
                )

    def names(self, place: str) -> tuple[str, ...]:
        """None, one, or several where it is not clear which; all of them count."""
        return self._names.get(place, ())


class _Children:
    """What the processes that tests started used, in the project's names."""

    def __init__(self, processes: Processes, reports: Mapping[str, Report], places: Places) -> None:
        self._processes = processes
        self._reports = reports
        self._places = places
        self._uses: dict[str, Use] = {}

    def started(self, pid: int, starts: Iterable[int]) -> Use:
        """What all that a process started used."""
        return self._use(*self._processes.of_starts(pid, starts))

    def told(self, names: Collection[str]) -> Use:
        """What processes used, by the names of their reports."""
        return self._use(*self._processes.of_reports(names))

    def _use(self, names: Collection[str], unknown: bool) -> Use:
        return _all([Use(process=unknown), *(self._of(name) for name in names)])

    def _of(self, name: str) -> Use:
        if name not in self._uses:
            report = self._reports[name]
            ran, read, listed, imported = (
                frozenset(
                    own for number in found for own in self._places.names(report.places[number])
                )
                for found in (report.used[k] for k in ("ran", "read", "listed", "imported"))
            )
            self._uses[name] = Use(ran, read, listed, imported=imported)
        return self._uses[name]


def _below(source: Path, project: Path) -> str:
    return source.relative_to(project).as_posix() if source.is_relative_to(project) else "."


def _without(path: str, tail: int) -> str:
    parts = PurePosixPath(path).parts
    return str(PurePosixPath(*parts[: len(parts) - tail]))


def _union(one: Dependencies, other: Dependencies) -> Dependencies:
    tests = dict(one.tests)
    for test, found in other.tests.items():
        before = tests.get(test)
        same = before is not None and before.file == found.file
        tests[test] = TestUse(found.file, found.use | before.use) if before and same else found
    return Dependencies(
        tests=tests,
        collected=_united(one.collected, other.collected),
        modules=_united(one.modules, other.modules),
        importers=_joined(one.importers, other.importers),
        late_importers=_joined(one.late_importers, other.late_importers),
        roots=one.roots | other.roots,
        session=one.session | other.session,
        untraced=one.untraced | other.untraced,
        readers=_joined(one.readers, other.readers),
        python_files=tuple(dict.fromkeys((*one.python_files, *other.python_files))),
        kept=_united(one.kept, other.kept),
        states=other.states,
    )


def _united(one: Mapping[str, Use], other: Mapping[str, Use]) -> dict[str, Use]:
    return {key: one.get(key, Use()) | other.get(key, Use()) for key in {**one, **other}}


def _joined(
    one: Mapping[str, frozenset[str]], other: Mapping[str, frozenset[str]]
) -> dict[str, frozenset[str]]:
    nothing: frozenset[str] = frozenset()
    return {key: one.get(key, nothing) | other.get(key, nothing) for key in {**one, **other}}


# How it is kept: names once, and their numbers everywhere else.


class _StoredUse(Model):
    ran: tuple[int, ...] = ()
    read: tuple[int, ...] = ()
    listed: tuple[int, ...] = ()
    keeps: tuple[int, ...] = ()
    imported: tuple[int, ...] = ()
    process: bool = False


class _StoredTest(Model):
    file: int
    use: _StoredUse


class _Stored(Model):
    version: Literal[4] = 4
    names: tuple[str, ...]
    tests: dict[str, _StoredTest]
    collected: dict[int, _StoredUse]
    modules: dict[int, _StoredUse]
    importers: dict[int, tuple[int, ...]]
    late_importers: dict[int, tuple[int, ...]]
    roots: tuple[int, ...]
    session: _StoredUse
    untraced: tuple[int, ...]
    readers: dict[int, tuple[int, ...]]
    python_files: tuple[str, ...]
    kept: dict[int, _StoredUse]
    states: dict[str, FileState]


def _stored(known: Dependencies) -> _Stored:
    numbers: dict[str, int] = {}

    def number(name: str) -> int:
        return numbers.setdefault(name, len(numbers))

    def several(names: Collection[str]) -> tuple[int, ...]:
        return tuple(sorted(number(name) for name in names))

    def use(found: Use) -> _StoredUse:
        return _StoredUse(
            ran=several(found.ran),
            read=several(found.read),
            listed=several(found.listed),
            keeps=several(found.keeps),
            imported=several(found.imported),
            process=found.process,
        )

    def sets(found: Mapping[str, frozenset[str]]) -> dict[int, tuple[int, ...]]:
        return {number(name): several(names) for name, names in found.items()}

    def uses(found: Mapping[str, Use]) -> dict[int, _StoredUse]:
        return {number(name): use(each) for name, each in found.items()}

    parts: dict[str, Any] = {
        "tests": {
            test: _StoredTest(file=number(found.file), use=use(found.use))
            for test, found in known.tests.items()
        },
        "collected": uses(known.collected),
        "modules": uses(known.modules),
        "importers": sets(known.importers),
        "late_importers": sets(known.late_importers),
        "roots": several(known.roots),
        "session": use(known.session),
        "untraced": several(known.untraced),
        "readers": sets(known.readers),
        "python_files": known.python_files,
        "kept": uses(known.kept),
        "states": dict(known.states),
    }
    return _Stored(names=tuple(numbers), **parts)


def _restored(stored: _Stored) -> Dependencies:
    names = stored.names

    def several(numbers: Iterable[int]) -> frozenset[str]:
        return frozenset(names[number] for number in numbers)

    def use(found: _StoredUse) -> Use:
        return Use(
            several(found.ran),
            several(found.read),
            several(found.listed),
            several(found.keeps),
            several(found.imported),
            found.process,
        )

    def sets(found: Mapping[int, tuple[int, ...]]) -> dict[str, frozenset[str]]:
        return {names[number]: several(each) for number, each in found.items()}

    def uses(found: Mapping[int, _StoredUse]) -> dict[str, Use]:
        return {names[number]: use(each) for number, each in found.items()}

    return Dependencies(
        tests={
            test: TestUse(names[found.file], use(found.use)) for test, found in stored.tests.items()
        },
        collected=uses(stored.collected),
        modules=uses(stored.modules),
        importers=sets(stored.importers),
        late_importers=sets(stored.late_importers),
        roots=several(stored.roots),
        session=use(stored.session),
        untraced=several(stored.untraced),
        readers=sets(stored.readers),
        python_files=stored.python_files,
        kept=uses(stored.kept),
        states=stored.states,
    )


def _digest(body: str) -> str:
    return hashlib.sha256(body.encode()).hexdigest()
