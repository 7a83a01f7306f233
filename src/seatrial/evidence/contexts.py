"""What the contexts in coverage's data stand for, as the tracer told it; nothing is trusted.

A context is a test, a fixture that several tests share, what finding a file's tests runs, or the
import of a module. Their names are those that `probe/seatrial_contexts.py` gives to coverage.py.
"""

import json
from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from seatrial.evidence.dependencies import Places
from seatrial.evidence.model import Model
from seatrial.evidence.processes import is_report
from seatrial.evidence.trace_lines import MAX_BYTES, NotWhole, as_number, as_numbers, as_text

__all__ = [
    "SESSION",
    "Contexts",
    "ModuleContext",
    "TestContext",
    "collect_label",
    "load_contexts",
    "module_label",
    "read_contexts",
    "save_contexts",
    "test_label",
    "union_of_contexts",
]

SESSION = "session"
"""Outside of all others: hooks of pytest."""


class TestContext(Model):
    """A test."""

    __test__ = False

    file: str
    """The project's."""
    fixtures: tuple[str, ...] = ()
    """Contexts of the fixtures that it shares with others."""


class ModuleContext(Model):
    """The import of a module, and what it was seen to begin in."""

    file: str | None = None
    """The project's; None: it is not clear which."""
    by: tuple[str, ...] = ()
    """Paths of modules whose import was under way."""
    within: tuple[str, ...] = ()
    """Other contexts."""


class Contexts(Model):
    """All contexts of some data."""

    tests: dict[str, TestContext]
    """By node id."""
    files: dict[str, str]
    """Files in which tests were looked for, by the container's path: the project's."""
    modules: dict[str, ModuleContext]
    """By the container's path."""


def test_label(test: str) -> str:
    """The context of a test."""
    return f"test:{test}"


def collect_label(path: str) -> str:
    """The context of finding the tests in a file, by its path in the container."""
    return f"collect:{path}"


def module_label(path: str) -> str:
    """The context of importing a file, by its path in the container."""
    return f"module:{path}"


def read_contexts(
    traces: Sequence[Path], project: Path, mounts: Sequence[tuple[str, Path]] = ()
) -> Contexts | str:
    """Read the tracer's files of one run; a string says why nobody knows what covered what.

    `mounts` are folders of the project that the container saw, by where it saw them.
    """
    try:
        read = [_read(path) for path in traces if not is_report(path)]
        if not read:
            return "the tests' Python is older than 3.12, or was not watched"
        if fault := next((one.fault for one in read if one.fault), ""):
            return fault
        if not any(one.told for one in read):
            return "coverage.py did not measure the process that ran the tests"
        places = Places({path for one in read for path in one.needed()}, project, mounts)
        found = [one.contexts(places) for one in read]
    except (NotWhole, OSError, ValueError, TypeError, AttributeError, RecursionError):
        return "what was seen of the tests did not come out whole"
    whole = found[0]
    for other in found[1:]:
        whole = union_of_contexts(whole, other)
    return whole


def union_of_contexts(one: Contexts, other: Contexts) -> Contexts:
    """The contexts of both."""
    tests = dict(one.tests)
    for test, found in other.tests.items():
        before = tests.get(test)
        fixtures = {*found.fixtures, *(before.fixtures if before else ())}
        tests[test] = TestContext(file=found.file, fixtures=tuple(sorted(fixtures)))
    modules = dict(one.modules)
    for path, module in other.modules.items():
        own = modules.get(path)
        by = {*module.by, *(own.by if own else ())}
        within = {*module.within, *(own.within if own else ())}
        modules[path] = ModuleContext(
            file=module.file, by=tuple(sorted(by)), within=tuple(sorted(within))
        )
    return Contexts(tests=tests, files={**one.files, **other.files}, modules=modules)


def save_contexts(path: Path, contexts: Contexts) -> None:
    """Write them.

    Raises:
        OSError: the disk is full or not writable.
    """
    path.write_text(contexts.model_dump_json() + "\n", encoding="utf-8")


def load_contexts(path: Path) -> Contexts | None:
    """Read what was saved; None if it is not there or not readable."""
    try:
        if path.stat().st_size > MAX_BYTES:
            return None
        return Contexts.model_validate_json(path.read_bytes())
    except (OSError, ValidationError):
        return None


@dataclass
class _Trace:
    """The lines of one process, with its numbers."""

    told: bool = False
    fault: str = ""
    ended: bool = False
    paths: dict[int, str] = field(default_factory=dict)
    tests: list[tuple[str, int, list[int]]] = field(default_factory=list)
    collected: set[int] = field(default_factory=set)
    fixtures: dict[int, str] = field(default_factory=dict)
    uses: dict[int, set[int]] = field(default_factory=lambda: defaultdict(set))
    modules: list[tuple[int, list[int], list[str]]] = field(default_factory=list)

    def take(self, line: Mapping[str, Any]) -> None:
        """Take one line, of whatever kind."""
        if "file" in line:
            self.paths[as_number(line["file"])] = as_text(line.get("path"))
        elif "test" in line:
            uses = as_numbers(line.get("uses", []))
            self.tests.append((as_text(line["test"]), as_number(line.get("of")), uses))
        elif "fixture" in line:
            number = as_number(line["fixture"])
            self.fixtures[number] = as_text(line.get("label"))
            self.uses[number].update(as_numbers(line.get("uses", [])))
        elif "collect" in line:
            self.collected.add(as_number(line.get("of")))
        elif "module" in line:
            by = as_numbers(line.get("by", []), least=-len(self.paths) - 2)
            within = [as_text(label) for label in line.get("within", [])]
            self.modules.append((as_number(line["module"]), by, within))
        elif "labels" in line:
            self.told, self.fault = line["labels"] is True, as_text(line.get("fault"))
        self.ended = line.get("end") is True

    def needed(self) -> set[str]:
        """Paths whose names in the project are asked for."""
        tests = {number for _, number, _ in self.tests}
        modules = {number for number, _, _ in self.modules}
        return {self.paths[n] for n in tests | modules | self.collected if n in self.paths}

    def contexts(self, places: Places) -> Contexts:
        """The same by their names."""
        names = {number: places.names(path) for number, path in self.paths.items()}
        files = {number: own[0] for number, own in names.items() if len(own) == 1}
        return Contexts(
            tests={
                test: TestContext(file=self._known(files, number), fixtures=self._shared(uses))
                for test, number, uses in self.tests
            },
            files={self.paths[n]: self._known(files, n) for n in sorted(self.collected)},
            modules={
                self.paths[number]: ModuleContext(
                    file=files.get(number),
                    by=tuple(self.paths[n] for n in by if n in self.paths),
                    within=tuple(within),
                )
                for number, by, within in self.modules
            },
        )

    def _known(self, files: Mapping[int, str], number: int) -> str:
        if number not in files:
            raise NotWhole
        return files[number]

    def _shared(self, numbers: Collection[int]) -> tuple[str, ...]:
        """The contexts of fixtures, and of those that they use."""
        found: set[int] = set()
        waiting = [*numbers]
        while waiting:
            number = waiting.pop()
            if number not in found:
                found.add(number)
                waiting += self.uses.get(number, ())
        return tuple(sorted({self.fixtures[n] for n in found if n in self.fixtures}))


def _read(path: Path) -> _Trace:
    trace = _Trace()
    if path.is_symlink() or path.stat().st_size > MAX_BYTES:
        raise NotWhole
    with path.open("rb") as file:
        for text in file:
            trace.take(json.loads(text))
    if not trace.ended:
        raise NotWhole
    return trace
