"""Which test files under version control a trial has no result of."""

import ast
import re
import warnings
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from fnmatch import fnmatch
from pathlib import Path, PurePosixPath

from seatrial.evidence.history import text_at, tracked_files
from seatrial.evidence.tests import read_results
from seatrial.judge.pytest_defaults import NORECURSEDIRS, PYTHON_FILES
from seatrial.selection.places import is_within

__all__ = ["files_of_tests", "files_without_results", "has_tests", "suite_files"]

_LOOKS_LIKE_TESTS = re.compile(r"^\s*(?:async\s+)?def\s+test|^class\s+Test", re.MULTILINE)


def suite_files(project: Path, not_tests: Sequence[str]) -> tuple[str, ...]:
    """Tracked files that pytest would take for test files, and in which there are tests.

    Left out are folders that pytest does not enter, and files and folders that `not_tests` names.
    """
    return tuple(
        name
        for name in tracked_files(project, "*.py")
        if _is_named_so(PurePosixPath(name))
        and not is_within(name, not_tests)
        and has_tests(text_at(project, None, name) or "")
    )


def files_of_tests(results: Path) -> frozenset[str] | None:
    """Files that the node ids in a file of results name; None if it cannot be read."""
    try:
        return frozenset(result.id.partition("::")[0] for result in read_results(results))
    except (OSError, ValueError, TypeError):
        return None


def files_without_results(known: Collection[str], with_results: Iterable[str]) -> tuple[str, ...]:
    """Those of the known files that none of the files with results is, in their order.

    Node ids count from pytest's root folder, which may lie above the project's folder or below it.
    What turns an id's file into a known one, folders put before it or taken away, must do so for as
    many as possible, so that a file cannot stand for one of the same name in another folder.
    """
    alike: dict[str, list[str]] = {}
    for one in known:
        alike.setdefault(one.rpartition("/")[2], []).append(one)
    left, found = set(with_results), set[str]()
    while moves := Counter(move for file in left for move in _moves(file, alike)):
        # Of equally good ones the shortest, then the first: the same files, the same answer.
        best = min(moves, key=lambda move: (-moves[move], len("".join(move)), move))
        moved = {file: _moved(file, best) for file in left}
        found |= {to for to in moved.values() if to and to in known}
        left = {file for file, to in moved.items() if to not in known}
    return tuple(sorted(set(known) - found))


def has_tests(text: str) -> bool:
    """Whether pytest would find a test in a Python file, as far as its text tells.

    Tests that are imported, or made while the file is run, are not seen.
    """
    try:
        with warnings.catch_warnings(action="ignore"):  # of the project's own escapes
            tree = ast.parse(text)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return bool(_LOOKS_LIKE_TESTS.search(text))
    return any(_is_test(node) for node in _statements(tree.body))


def _is_named_so(path: PurePosixPath) -> bool:
    """By pytest's defaults: what a project calls otherwise is not known from outside."""
    return any(fnmatch(path.name, name) for name in PYTHON_FILES) and not any(
        fnmatch(folder, name) for folder in path.parts[:-1] for name in NORECURSEDIRS
    )


def _moves(file: str, alike: Mapping[str, Sequence[str]]) -> Iterator[tuple[str, str]]:
    """Each as what is taken away from the file's beginning, and what is put there."""
    for one in alike.get(file.rpartition("/")[2], ()):
        if one == file:
            yield "", ""
        elif one.endswith(f"/{file}"):
            yield "", one.removesuffix(file)
        elif file.endswith(f"/{one}"):
            yield file.removesuffix(one), ""


def _moved(file: str, move: tuple[str, str]) -> str | None:
    away, before = move
    return before + file.removeprefix(away) if file.startswith(away) else None


def _statements(body: Iterable[ast.stmt]) -> Iterator[ast.stmt]:
    """Those of a module or class, and those within their conditions."""
    for node in body:
        yield node
        if isinstance(node, ast.If | ast.Try | ast.With):
            inner = (getattr(node, name, []) for name in ("body", "orelse", "finalbody"))
            for statements in inner:
                yield from _statements(statements)
            for handler in getattr(node, "handlers", []):
                yield from _statements(handler.body)


def _is_test(node: ast.stmt) -> bool:
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
        return node.name.startswith("test") and not any(
            _last_name(one) == "fixture" for one in node.decorator_list
        )
    return isinstance(node, ast.ClassDef) and _holds_tests(node)


def _holds_tests(node: ast.ClassDef) -> bool:
    """Of pytest's classes and unittest's; a class with a constructor is none of pytest's."""
    inner = list(_statements(node.body))
    methods = {one.name for one in inner if isinstance(one, ast.FunctionDef)}
    is_unittest = any(_last_name(base).endswith("TestCase") for base in node.bases)
    is_own = node.name.startswith("Test") and not methods & {"__init__", "__new__"}
    return (is_unittest or is_own) and not _says_no_test(inner) and any(map(_is_test, inner))


def _says_no_test(body: Iterable[ast.stmt]) -> bool:
    return any(
        isinstance(node, ast.Assign)
        and any(isinstance(to, ast.Name) and to.id == "__test__" for to in node.targets)
        and isinstance(node.value, ast.Constant)
        and not node.value.value
        for node in body
    )


def _last_name(node: ast.expr) -> str:
    """`fixture` of `@pytest.fixture(scope="module")`."""
    if isinstance(node, ast.Call):
        return _last_name(node.func)
    if isinstance(node, ast.Attribute):
        return node.attr
    return node.id if isinstance(node, ast.Name) else ""
