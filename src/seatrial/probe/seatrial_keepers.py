"""Finds in the source of the project what keeps something for later tests.

Where an instruction alone does not tell: whether a container that changes is the module's, and
whether an attribute that is set is a class's.
"""

from __future__ import annotations

import ast
import functools
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

MUTATORS = frozenset(
    {"add", "append", "extend", "insert", "pop", "popitem", "remove", "setdefault", "update"}
)
"""Methods that change a container."""


def changing_lines(path: str, names: set[str], attributes: set[str]) -> set[int] | None:
    """Lines of a Python file that change a container; None if nobody knows.

    `names` are those that a module has, `attributes` those that its classes have, by whatever a
    class or an object of it is called.
    """
    tree = parsed(path)
    if tree is None:
        return None
    lines: set[int] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.AugAssign) and isinstance(node.target, ast.Attribute):
            changed: ast.expr = node.target
        elif isinstance(node, (ast.Subscript, ast.Attribute)) and not isinstance(
            node.ctx, ast.Load
        ):
            changed = node.value
        elif (
            isinstance(node, ast.Call)
            and isinstance(node.func, ast.Attribute)
            and node.func.attr in MUTATORS
        ):
            changed = node.func.value
        else:
            continue
        if base_of(changed) in names or not attributes.isdisjoint(attributes_in(changed)):
            lines.update(lines_of(node))
    return lines


@functools.lru_cache(maxsize=None)
def lines_that_change_classes(path: str) -> set[int] | None:
    """Lines of class methods that set an attribute of `cls`, or of what may be had from it.

    An attribute of an object that the method has just made by `cls(...)`, or was given, is not
    meant: that is how other ways to make an object are written. None if nobody knows.
    """
    tree = parsed(path)
    if tree is None:
        return None
    lines: set[int] = set()
    for method in ast.walk(tree):
        if isinstance(method, (ast.FunctionDef, ast.AsyncFunctionDef)):
            shared = names_from_class(method)
            for node in ast.walk(method):
                if (
                    isinstance(node, ast.Attribute)
                    and not isinstance(node.ctx, ast.Load)
                    and base_of(node) in shared
                ):
                    lines.update(lines_of(node))
    return lines


def names_from_class(method: ast.FunctionDef | ast.AsyncFunctionDef) -> set[str]:
    """Names in a method for `cls`, and for whatever comes of it but a new object."""
    given = [*method.args.posonlyargs, *method.args.args]
    names = {"cls"} if given and given[0].arg == "cls" else set()
    before = set[str]()
    while names != before:
        before = set(names)
        for node in ast.walk(method):
            for part in ("value", "iter", "context_expr"):
                value = getattr(node, part, None)
                if not isinstance(value, ast.AST) or is_new(value):
                    continue
                if any(name.id in names for name in names_in(value)):
                    names |= bound_by(node)
    return names


def is_new(value: ast.AST) -> bool:
    """Whether it is an object that `cls(...)` makes."""
    return isinstance(value, ast.Call) and getattr(value.func, "id", "") == "cls"


def bound_by(node: ast.AST) -> set[str]:
    """The names that an assignment, a loop or a `with` gives a value."""
    targets = [getattr(node, part, None) for part in ("target", "optional_vars")]
    targets += getattr(node, "targets", ())
    names = (name for target in targets if target is not None for name in names_in(target))
    return {name.id for name in names if isinstance(name.ctx, ast.Store)}


def names_in(tree: ast.AST) -> Iterator[ast.Name]:
    """The names that occur in a part of a file."""
    return (node for node in ast.walk(tree) if isinstance(node, ast.Name))


def parsed(path: str) -> ast.Module | None:
    """A Python file's syntax tree; None if it cannot be had."""
    try:
        with open(path, "rb") as file:
            return ast.parse(file.read())
    except (OSError, SyntaxError, ValueError):
        return None


def base_of(node: object) -> str | None:
    """The name that an attribute, an item or a call begins with."""
    while node is not None and not isinstance(node, ast.Name):
        node = getattr(node, "value", None) or getattr(node, "func", None)
    return node.id if node is not None else None


def attributes_in(node: ast.expr) -> set[str]:
    """The attributes that occur in an expression."""
    return {each.attr for each in ast.walk(node) if isinstance(each, ast.Attribute)}


def lines_of(node: ast.expr | ast.stmt) -> range:
    """The lines that a part of a file is on."""
    return range(node.lineno, (node.end_lineno or node.lineno) + 1)
