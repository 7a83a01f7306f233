"""Which of the contexts of stored coverage still hold, once the tests that changed have run again.

What a run of all tests would have covered is what this run covered, and what the stored contexts
did that such a run would have had again. A context that nobody can tell of puts an end to that.
"""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, replace
from pathlib import PurePosixPath

from seatrial.evidence.contexts import (
    Contexts,
    ModuleContext,
    collect_label,
    module_label,
    test_label,
    union_of_contexts,
)
from seatrial.evidence.dependencies import Dependencies, FileState
from seatrial.selection.affected import resting_on
from seatrial.selection.imports import (
    Imported,
    ImportGraph,
    certain_imports,
    import_graph,
)

__all__ = ["Holding", "still_holding"]


@dataclass(frozen=True)
class Holding:
    """What counts of the stored part."""

    labels: frozenset[str]
    """Contexts to keep; the session's is decided by what it ran."""
    keepers: frozenset[str]
    """Contexts that do not count any more, and may have left something behind for others."""
    same_tests: bool
    """Whether the tests are the same, in files that are the same."""
    tests: int
    """Tests whose stored contexts count."""
    contexts: Contexts
    """Of both parts together."""


def still_holding(
    stored: Contexts,
    new: Contexts,
    known: Dependencies,
    *,
    ran: Collection[str],
    states: Mapping[str, FileState],
    read: Callable[[str], bytes | None],
) -> Holding | str:
    """Which stored contexts count beside the `new` ones; a string says why nobody can tell.

    `known` is what the stored tests were seen to use, `ran` the node ids and files that were
    selected, `states` the project's present files and `read` their contents.
    """
    # A known test that is not stored was gone when its file was last run, and is not forgotten yet.
    left_out = {
        test: found.file
        for test, found in known.tests.items()
        if test in stored.tests
        and found.file in states
        and test not in new.tests
        and test not in ran
        and test.partition("::")[0] not in ran
    }
    changed = {
        name for name, state in known.states.items() if _digest(states, name) != state.sha256
    }
    if stale := sorted(file for file in left_out.values() if file in changed):
        return f"{stale[0]} changed, and not all of its tests were run again"
    labels = {test_label(test) for test in left_out}
    labels |= {fixture for test in left_out for fixture in stored.tests[test].fixtures}
    files = {
        path: file
        for path, file in stored.files.items()
        if path not in new.files and file in states
    }
    labels |= {collect_label(path) for path in files}
    modules = _modules(stored, new, known, left_out, labels, files, states, read)
    if isinstance(modules, str):
        return modules
    labels |= {module_label(path) for path in modules}
    return Holding(
        labels=frozenset(labels),
        keepers=_keepers(stored, known, labels),
        same_tests=left_out.keys() | new.tests.keys() == stored.tests.keys()
        and changed.isdisjoint(found.file for found in stored.tests.values()),
        tests=len(left_out),
        contexts=union_of_contexts(
            Contexts(
                tests={test: stored.tests[test] for test in left_out},
                files=files,
                modules=_still_begun(stored, modules, labels),
            ),
            new,
        ),
    )


def _modules(
    stored: Contexts,
    new: Contexts,
    known: Dependencies,
    left_out: Mapping[str, str],
    labels: Collection[str],
    files: Mapping[str, str],
    states: Mapping[str, FileState],
    read: Callable[[str], bytes | None],
) -> set[str] | str:
    """Paths of modules that were not imported now, and would be in a run of all tests."""
    absent = {path: m for path, m in stored.modules.items() if path not in new.modules}
    python = {name for name in states if name.endswith(".py")}
    # Files that git is told to ignore may have been imported, too.
    own = {module.file for module in absent.values() if module.file} - python
    python |= {file for file in own if read(file) is not None}
    sure = _sure(absent, known, left_out, labels, files, python, read)
    rest = {path: module for path, module in absent.items() if path not in sure}
    unknown = sorted(path for path, module in rest.items() if module.file is None)
    if unknown:
        return f"nobody knows whether a run of all tests would still import {unknown[0]}"
    seeds = sorted({module.file for module in rest.values() if module.file in python} - {None})
    if seeds:
        graph = _graph(new, known, python, read)
        if not resting_on(known, seeds, graph).isdisjoint(left_out):
            for seed in seeds:
                if not resting_on(known, [seed], graph).isdisjoint(left_out):
                    return f"nobody knows whether a run of all tests would still import {seed}"
    return sure


def _sure(
    absent: Mapping[str, ModuleContext],
    known: Dependencies,
    left_out: Mapping[str, str],
    labels: Collection[str],
    files: Mapping[str, str],
    python: Collection[str],
    read: Callable[[str], bytes | None],
) -> set[str]:
    """Those that what still holds was seen to import, or imports by its text in any case."""
    uses = [known.tests[test].use for test in left_out]
    uses += [known.collected[file] for file in files.values() if file in known.collected]
    run = {name for use in uses for name in use.ran - use.imported}
    above = {
        str(PurePosixPath(folder, name))
        for file in files.values()
        for folder in PurePosixPath(file).parents
        for name in ("conftest.py", "__init__.py")
    }
    here = run | above | {*files.values()}
    by_file = {module.file: path for path, module in absent.items() if module.file}
    sure = {
        path
        for path, module in absent.items()
        if module.file in here or not frozenset(labels).isdisjoint(module.within)
    }
    sure = {path for path in sure if absent[path].file in python or absent[path].file is None}
    waiting = list(sure)
    while waiting:
        path = waiting.pop()
        file = absent[path].file
        found = {other for other, module in absent.items() if path in module.by}
        if file is not None:
            found |= {
                by_file[name]
                for name in certain_imports(python, file, read(file))
                if name in by_file
            }
        waiting += found - sure
        sure |= found
    return sure


def _graph(
    new: Contexts,
    known: Dependencies,
    python: Collection[str],
    read: Callable[[str], bytes | None],
) -> ImportGraph:
    """Who may import what; of what was imported now, it is known that it imported nothing else."""
    seen = [(by, name) for name, found in known.importers.items() for by in found]
    late = [(by, name) for name, found in known.late_importers.items() for by in found]
    graph = import_graph({*python, *known.modules}, read, seen, late)
    again = {module.file for module in new.modules.values()}
    nothing = Imported(frozenset(), anything=False)
    return ImportGraph(
        {
            file: replace(entry, files=nothing.files, anything=False) if file in again else entry
            for file, entry in graph.imported.items()
        }
    )


def _still_begun(
    stored: Contexts, modules: Collection[str], labels: Collection[str]
) -> dict[str, ModuleContext]:
    """What was stored of all modules' imports, as far as it would be seen again."""
    found = {}
    for path, module in stored.modules.items():
        by = tuple(each for each in module.by if each in modules)
        within = tuple(each for each in module.within if each in labels)
        if path in modules or by or within:
            found[path] = ModuleContext(file=module.file, by=by, within=within)
    return found


def _keepers(stored: Contexts, known: Dependencies, labels: Collection[str]) -> frozenset[str]:
    """Contexts that are dropped, in which a function ran that keeps things for later."""
    found: set[str] = set()
    for test, context in stored.tests.items():
        if test in known.tests and known.tests[test].use.keeps:
            found |= {test_label(test), *context.fixtures}
    for path, file in stored.files.items():
        if file in known.collected and known.collected[file].keeps:
            found.add(collect_label(path))
    for path, module in stored.modules.items():
        if module.file and module.file in known.modules and known.modules[module.file].keeps:
            found.add(module_label(path))
    return frozenset(found - frozenset(labels))


def _digest(states: Mapping[str, FileState], name: str) -> str | None:
    state = states.get(name)
    return state.sha256 if state else None
