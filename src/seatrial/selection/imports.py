"""Which files of a project a Python file imports, as far as its text tells."""

import ast
import re
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import PurePosixPath

__all__ = [
    "ImportGraph",
    "Imported",
    "certain_imports",
    "import_graph",
    "importers_of",
    "late_importers_of",
    "module_parts",
]

_DOTTED = re.compile(r"[A-Za-z_]\w*(?:[.:][A-Za-z_]\w*)+", re.ASCII)
_WORD = re.compile(r"[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)*", re.ASCII)
_IMPORTING = frozenset(
    {
        "__import__",
        "entry_points",
        "exec_module",
        "find_spec",
        "import_module",
        "import_string",
        "importorskip",
        "iter_entry_points",
        "iter_modules",
        "load_module",
        "resolve_name",
        "run_module",
        "run_path",
        "spec_from_file_location",
        "walk_packages",
    }
)
"""Functions that import what they are told to, by whatever object they are reached."""
_EVALUATING = frozenset({"eval", "exec"})

Parts = tuple[str, ...]


@dataclass(frozen=True)
class Imported:
    """What a file imports."""

    files: frozenset[str]
    anything: bool
    """It may import files that its text does not name, or the text cannot be read."""
    late: frozenset[str] = frozenset()
    """What its functions import when they run."""
    anything_late: bool = False
    """Its functions may import what its text does not name."""


@dataclass(frozen=True)
class ImportGraph:
    """What each Python file of a project imports."""

    imported: dict[str, Imported]


class _Modules:
    """The project's modules, by the ends of their dotted names.

    Where imports start from (`sys.path`) is not known, so a name fits every file whose path ends
    like it: a file too many costs a test that need not run, one too few a fault that nobody sees.
    """

    def __init__(self, files: Collection[str]) -> None:
        self._by_end: dict[Parts, list[Parts]] = defaultdict(list)
        self._files: dict[Parts, list[str]] = defaultdict(list)
        self._children: dict[Parts, set[Parts]] = defaultdict(set)
        for file in files:
            parts = module_parts(file)
            self._files[parts].append(file)
            self._children.setdefault(parts, set())
            for end in range(1, len(parts)):
                self._children[parts[:end]].add(parts[: end + 1])
        for parts in self._children:
            for start in range(len(parts)):
                self._by_end[parts[start:]].append(parts)

    def named(self, name: Parts) -> Iterator[Parts]:
        """All modules and packages with that name, whatever folder imports start from."""
        return iter(self._by_end.get(name, ()))

    def exists(self, parts: Parts) -> bool:
        """Whether it is a module or a package."""
        return parts in self._children

    def files(self, parts: Parts, depth: int) -> Iterator[str]:
        """The files that run when it is imported: its own and those of `depth` packages above."""
        for end in range(len(parts), max(0, len(parts) - depth - 1), -1):
            yield from self._files.get(parts[:end], ())

    def below(self, parts: Parts, *, deep: bool) -> Iterator[str]:
        """The files of a package's modules, or of all below it."""
        for child in self._children.get(parts, ()):
            yield from self._files.get(child, ())
            if deep:
                yield from self.below(child, deep=True)


@dataclass
class _Reading:
    """Collects what one file imports."""

    modules: _Modules
    file: str
    found: set[str] = field(default_factory=set)
    anything: bool = False

    def take(self, nodes: Iterable[ast.AST]) -> list[ast.AST]:
        """Look at nodes of the file's tree and all below; returns the bodies of functions."""
        bodies: list[ast.AST] = []
        waiting = [*nodes]
        while waiting:
            node = waiting.pop()
            self._take(node)
            body: list[ast.AST] = []
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                body = [*node.body]
            elif isinstance(node, ast.Lambda):
                body = [node.body]
            bodies += body
            inner = {id(part) for part in body}
            waiting += [c for c in ast.iter_child_nodes(node) if id(c) not in inner]
        return bodies

    def _take(self, node: ast.AST) -> None:
        if isinstance(node, ast.Import):
            for alias in node.names:
                name = tuple(alias.name.split("."))
                self._add(name, whole=True)
                if alias.asname is None:
                    # What is bound is the top package; whatever is loaded of it can be reached.
                    self._add(name[:1], whole=True)
        elif isinstance(node, ast.ImportFrom):
            self._take_from(node)
        elif isinstance(node, ast.Call):
            self._take_call(node)
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            # `mock.patch("shop.payments.time")`, settings of frameworks, plug-in lists.
            if _DOTTED.fullmatch(node.value):
                name = tuple(re.split(r"[.:]", node.value))
                for end in range(len(name), 1, -1):
                    self._add(name[:end], whole=False)
                self._add_top(name[0])
        elif isinstance(node, ast.Assign) and any(
            isinstance(target, ast.Name) and target.id == "pytest_plugins"
            for target in node.targets
        ):
            for value in ast.walk(node.value):
                if isinstance(value, ast.Constant) and isinstance(value.value, str):
                    self._add(tuple(value.value.split(".")), whole=False)

    def _take_from(self, node: ast.ImportFrom) -> None:
        name = tuple(node.module.split(".")) if node.module else ()
        if node.level:
            own = module_parts(self.file)
            package = own if PurePosixPath(self.file).stem == "__init__" else own[:-1]
            up = len(package) - node.level + 1
            bases = [(*package[:up], *name)] if up >= 0 else []
            depth = len(name)
        else:
            bases, depth = list(self.modules.named(name)), len(name) - 1
        for base in bases:
            self.found.update(self.modules.files(base, depth))
            for alias in node.names:
                if alias.name == "*":
                    self.found.update(self.modules.below(base, deep=False))
                elif self.modules.exists((*base, alias.name)):
                    self._add_module((*base, alias.name), depth + 1, whole=True)

    def _take_call(self, node: ast.Call) -> None:
        function = node.func
        name = function.id if isinstance(function, ast.Name) else getattr(function, "attr", "")
        if isinstance(function, ast.Name) and name in _EVALUATING:
            self.anything = self.anything or not _is_literal(node)
        elif name in _IMPORTING:
            first = node.args[0] if node.args else None
            if _is_literal(node) and isinstance(first, ast.Constant):
                text = str(first.value)
                if _WORD.fullmatch(text) and name in ("import_module", "importorskip"):
                    self._add(tuple(text.split(".")), whole=True)
                    return
            self.anything = True

    def _add(self, name: Parts, *, whole: bool) -> None:
        for parts in self.modules.named(name):
            self._add_module(parts, len(name) - 1, whole=whole)

    def _add_top(self, name: str) -> None:
        """A word before a dot: often no module at all, and never one that is in a package."""
        for parts in self.modules.named((name,)):
            if not any(self.modules.files(parts[:-1], 0)):
                self._add_module(parts, 0, whole=False)

    def _add_module(self, parts: Parts, depth: int, *, whole: bool) -> None:
        self.found.update(self.modules.files(parts, depth))
        if whole:
            # A package that is held as an object gives access to all that is loaded of it.
            self.found.update(self.modules.below(parts, deep=True))


def import_graph(
    files: Collection[str],
    read: Callable[[str], bytes | None],
    seen: Collection[tuple[str, str]] = (),
    seen_late: Collection[tuple[str, str]] = (),
) -> ImportGraph:
    """What each of the project's Python `files` imports; `read` gives a file's content.

    `seen` are imports (importer, imported) that were observed, `seen_late` those by functions.
    """
    python = [file for file in files if file.endswith(".py")]
    modules = _Modules(python)
    graph = {file: _imported(modules, file, read(file)) for file in python}
    for importer, imported in seen:
        if importer in graph:
            entry = graph[importer]
            graph[importer] = replace(entry, files=entry.files | {imported})
    for importer, imported in seen_late:
        if importer in graph:
            entry = graph[importer]
            graph[importer] = replace(entry, late=entry.late | {imported})
    return ImportGraph(graph)


def certain_imports(files: Collection[str], file: str, source: bytes | None) -> frozenset[str]:
    """The project's Python `files` that a file imports in any case: by a statement at its top level
    that can mean only one of them, with the packages above.
    """
    try:
        tree = ast.parse(source or b"")
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return frozenset()
    modules = _Modules(files)
    found: set[str] = set()

    def add(parts: Parts, depth: int) -> None:
        found.update(modules.files(parts, depth))

    for node in tree.body:
        if isinstance(node, ast.Import):
            for alias in node.names:
                name = tuple(alias.name.split("."))
                places = list(modules.named(name))
                if len(places) == 1:
                    add(places[0], len(name) - 1)
        elif isinstance(node, ast.ImportFrom):
            name = tuple(node.module.split(".")) if node.module else ()
            own = module_parts(file)
            package = own if PurePosixPath(file).stem == "__init__" else own[:-1]
            up = len(package) - node.level + 1
            places = list(modules.named(name)) if not node.level else [(*package[:up], *name)]
            if len(places) == 1 and up >= 0:
                depth = len(name) - (not node.level)
                add(places[0], depth)
                for alias in node.names:
                    if modules.exists((*places[0], alias.name)):
                        add((*places[0], alias.name), depth + 1)
    return frozenset(found - {file})


def importers_of(graph: ImportGraph, seeds: Collection[str]) -> frozenset[str]:
    """The `seeds` and all files whose import imports one of them, directly or through others.

    Files that may import anything count as importers of the seeds.
    """
    importers: dict[str, set[str]] = defaultdict(set)
    found = set(seeds)
    for file, entry in graph.imported.items():
        for imported in entry.files:
            importers[imported].add(file)
        if entry.anything and seeds:
            found.add(file)
    waiting = list(found)
    while waiting:
        for importer in importers.get(waiting.pop(), ()):
            if importer not in found:
                found.add(importer)
                waiting.append(importer)
    return frozenset(found)


def late_importers_of(graph: ImportGraph, reached: Collection[str]) -> frozenset[str]:
    """The files of which a function, when it runs, may import one of the files `reached`."""
    return frozenset(
        file
        for file, entry in graph.imported.items()
        if reached and (entry.anything_late or not entry.late.isdisjoint(reached))
    )


def module_parts(file: str) -> Parts:
    """A file's dotted name from the project's top, as parts; a package's is that of its folder."""
    path = PurePosixPath(file)
    return path.parent.parts if path.stem == "__init__" else (*path.parent.parts, path.stem)


def _imported(modules: _Modules, file: str, source: bytes | None) -> Imported:
    try:
        tree = ast.parse(source or b"")
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return Imported(frozenset(), anything=True)
    parts = module_parts(file)
    # The packages above a module run before it.
    reading = _Reading(modules, file, set(modules.files(parts, len(parts))))
    late = _Reading(modules, file)
    bodies = reading.take([tree])
    while bodies:
        bodies = late.take(bodies)
    return Imported(
        frozenset(reading.found - {file}),
        reading.anything,
        frozenset(late.found - {file}),
        late.anything,
    )


def _is_literal(call: ast.Call) -> bool:
    return bool(call.args) and isinstance(call.args[0], ast.Constant)
