"""Finds in the source of the project what changes things that outlive a test.

Where an instruction alone does not tell: whether a container that changes is the module's, and
whether an attribute that is set is a class's, or that of an object which later tests meet again.
"""

from __future__ import annotations

import ast
import functools
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator

MUTATORS = frozenset(
    {"add", "append", "appendleft", "extend", "extendleft", "insert"}
    | {"pop", "popitem", "remove", "setdefault", "update"}
)
"""Methods that change a container."""
SETTERS = frozenset({"delattr", "heappop", "heappush", "insort", "setattr"})
"""Functions that change their first argument."""
MAKERS = frozenset({"__init__", "__post_init__", "__setstate__"})
"""Methods in which an object is only just made."""
COPIES = frozenset({"copy", "deepcopy"})
BINDING = {
    ast.Assign: "value",
    ast.AnnAssign: "value",
    ast.NamedExpr: "value",
    ast.For: "iter",
    ast.AsyncFor: "iter",
    ast.comprehension: "iter",
    ast.withitem: "context_expr",
}
"""What gives names to something, and where that stands."""
FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)


class Lasting(NamedTuple):
    """What outlives a test, as a file of the project knows it."""

    names: frozenset[str] = frozenset()
    """Of containers."""
    holders: frozenset[str] = frozenset()
    """Of modules, classes, functions and objects, which have such things in their attributes. What
    a call of theirs returns is something else."""
    attributes: frozenset[str] = frozenset()
    """Of classes: containers, by whatever an object that has them is called."""
    first: str = ""
    """A function's first parameter, such as `cls` or `self`."""


@functools.lru_cache(maxsize=None)
def changing_lines(path: str, lasting: Lasting) -> dict[str, set[int]] | None:
    """Lines of functions in a file that change something lasting; None if nobody knows.

    By the name that it has outside of the function; an empty one if it has none. Within a function
    other names may be given to it by an assignment or a loop. A parameter that has a container by
    default is lasting, too. What is passed to another function is not followed.
    """
    tree = parsed(path)
    if tree is None:
        return None
    lines: dict[str, set[int]] = {}
    for scope in ast.walk(tree):
        if isinstance(scope, (ast.Lambda, *FUNCTIONS)):
            for names, node in Scope(scope, lasting).changes():
                for name in names:
                    lines.setdefault(name, set()).update(lines_of(node))
    return lines


class Scope:
    """A function, and what its names stand for."""

    def __init__(
        self, function: ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda, lasting: Lasting
    ) -> None:
        self._attributes = lasting.attributes
        self._holders = lasting.holders
        self._nodes = list(ast.walk(function))
        self._names = {name: {name} for name in lasting.names | lasting.holders}
        given = [*function.args.posonlyargs, *function.args.args]
        named = [*function.args.kwonlyargs, *given[::-1]]
        defaults = [*function.args.kw_defaults, *function.args.defaults[::-1]]
        for parameter, default in zip(named, defaults):  # noqa: B905 - the first have none
            if isinstance(default, (ast.Dict, ast.List, ast.Set, ast.Call)):
                self._names[parameter.arg] = {""}
        makes = isinstance(function, FUNCTIONS) and function.name in MAKERS
        if given and given[0].arg == lasting.first and not makes:
            self._names[lasting.first] = {""}
            self._holders |= {lasting.first}
        self._find_aliases()

    def _find_aliases(self) -> None:
        binding = [
            (each, bound_by(node))
            for node in self._nodes
            if type(node) in BINDING
            for each in values_of(node)
        ]
        size = -1
        while size != (size := sum(map(len, self._names.values()))):
            for value, names in binding:
                if found := self._of(value):
                    for name in names:
                        self._names[name] = self._names.get(name, set()) | found

    def changes(self) -> Iterator[tuple[set[str], ast.expr]]:
        """What is changed, by its names outside of the function, and where."""
        outer = {
            name for node in self._nodes if isinstance(node, ast.Nonlocal) for name in node.names
        }
        for node in self._nodes:
            if isinstance(node, (ast.Attribute, ast.Subscript)):
                if not isinstance(node.ctx, ast.Load):
                    yield self._of(node.value), node
            elif isinstance(node, ast.AugAssign):  # a list is changed, a number is not
                yield self._of(node.target), node.target
            elif isinstance(node, ast.Name):
                if node.id in outer and not isinstance(node.ctx, ast.Load):
                    yield self._of(node), node
            elif isinstance(node, ast.Call) and (changed := self._changed_by(node)):
                yield self._of(changed), node

    def _changed_by(self, call: ast.Call) -> ast.expr | None:
        """What a call changes, if that is known by its name."""
        name = getattr(call.func, "id", None) or getattr(call.func, "attr", None)
        if name in SETTERS:
            return call.args[0] if call.args else None
        if isinstance(call.func, ast.Attribute) and name in MUTATORS:
            # A holder's own method may be called so.
            return None if self._is_holder(call.func.value) else call.func.value
        return None

    def _of(self, value: ast.expr | None) -> set[str]:
        """What an expression may be, or be a part of."""
        if isinstance(value, ast.Name):
            return self._names.get(value.id, set())
        if isinstance(value, ast.Call):
            if not isinstance(value.func, ast.Attribute) or value.func.attr in COPIES:
                return set()  # `cls()` is an object that has only just been made
            return set() if self._is_holder(value.func.value) else self._of(value.func.value)
        found = set[str]()
        parts: list[ast.expr | None] = []
        if isinstance(value, ast.Attribute) and value.attr in self._attributes:
            found = {""}
        if isinstance(value, (ast.Attribute, ast.Subscript, ast.Starred, ast.Await, ast.NamedExpr)):
            parts = [value.value]
        elif isinstance(value, ast.IfExp):
            parts = [value.body, value.orelse]
        elif isinstance(value, ast.BoolOp):
            parts = [*value.values]
        elif isinstance(value, ast.Tuple):  # which does not change itself, as a new list may
            parts = [*value.elts]
        return found.union(*map(self._of, parts))

    def _is_holder(self, value: ast.expr) -> bool:
        return isinstance(value, ast.Name) and value.id in self._holders


def values_of(node: ast.AST) -> list[ast.expr]:
    """What an assignment, a loop or a `with` gives names to."""
    value = getattr(node, BINDING[type(node)])
    if BINDING[type(node)] == "iter" and isinstance(value, (ast.List, ast.Set)):
        return value.elts
    return [value]


def bound_by(node: ast.AST) -> set[str]:
    """The names that an assignment, a loop or a `with` gives a value."""
    targets = [getattr(node, part, None) for part in ("target", "optional_vars")]
    targets += getattr(node, "targets", ())
    names = (name for target in targets if target is not None for name in ast.walk(target))
    return {
        name.id for name in names if isinstance(name, ast.Name) and isinstance(name.ctx, ast.Store)
    }


@functools.lru_cache(maxsize=4)  # a module's file is asked about several times in a row
def parsed(path: str) -> ast.Module | None:
    """A Python file's syntax tree; None if it cannot be had."""
    try:
        with open(path, "rb") as file:
            return ast.parse(file.read())
    except (OSError, SyntaxError, ValueError):
        return None


def lines_of(node: ast.expr) -> range:
    """The lines that a part of a file is on."""
    return range(node.lineno, (node.end_lineno or node.lineno) + 1)
