"""Which Python files of a project its tests are to cover, and how much code is in them."""

import ast
import warnings
from pathlib import Path, PurePosixPath

from seatrial.evidence.history import text_at, tracked_files

__all__ = ["own_sources"]

_NOT_COVERED = frozenset(
    {"test", "tests", "testing", "migrations", "doc", "docs", "example", "examples"}
)
"""Folders, wherever they are: tests, and what runs outside of what tests import."""
_NO_SOURCES = frozenset({"conftest.py", "setup.py", "noxfile.py", "sitecustomize.py"})


def own_sources(project: Path) -> dict[str, int]:
    """Python files under version control with the number of lines on which a statement begins.

    Left out are files below a folder that is called `test`, `tests`, `testing`, `migrations`,
    `doc`, `docs`, `example` or `examples`; files called `test_*.py`, `*_test.py`, `conftest.py`,
    `setup.py`, `noxfile.py` or `sitecustomize.py`; and files without a statement. Docstrings are no
    statements. Of a file that this Python cannot parse, lines count that are neither blank nor a
    comment.
    """
    counts = {}
    for name in tracked_files(project, "*.py"):
        if _is_source(PurePosixPath(name)) and (text := text_at(project, None, name)):
            counts[name] = _lines(text)
    return {name: count for name, count in counts.items() if count}


def _is_source(path: PurePosixPath) -> bool:
    return not (
        _NOT_COVERED.intersection(path.parts[:-1])
        or path.name in _NO_SOURCES
        or path.name.startswith("test_")
        or path.stem.endswith("_test")
    )


def _lines(text: str) -> int:
    try:
        with warnings.catch_warnings(action="ignore"):  # of the project's own escapes
            tree = ast.parse(text)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return sum(bool(line.strip()) and line.strip()[0] != "#" for line in text.splitlines())
    docstrings = {
        node.body[0]
        for node in ast.walk(tree)
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef)
        and ast.get_docstring(node, clean=False) is not None
    }
    statements = (node for node in ast.walk(tree) if isinstance(node, ast.stmt))
    return len({node.lineno for node in statements if node not in docstrings})
