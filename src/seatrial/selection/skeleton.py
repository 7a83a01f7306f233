"""What of a Python file runs or shows when it is imported: all of it but its functions' bodies."""

import ast
import hashlib
import sys

__all__ = ["skeleton"]

_PYTHON = f"{sys.version_info.major}.{sys.version_info.minor}"
"""Two Pythons write one tree in two ways, and their skeletons are never the same."""

_Function = ast.FunctionDef | ast.AsyncFunctionDef


def skeleton(source: bytes) -> str | None:
    """A digest that stays the same while only bodies of functions change.

    Signatures, decorators, docstrings and whether a function is a generator are part of it, since
    frameworks look at them without a call. None: this Python cannot parse the file.
    """
    try:
        tree = ast.parse(source)
        digest = hashlib.sha256(ast.dump(_Stripped().visit(tree)).encode("utf-8", "replace"))
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None
    return f"{_PYTHON}:{digest.hexdigest()}"


class _Stripped(ast.NodeTransformer):
    """Leaves of a function what can be seen without calling it."""

    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.AST:
        return self._stripped(node)

    def visit_AsyncFunctionDef(self, node: ast.AsyncFunctionDef) -> ast.AST:
        return self._stripped(node)

    def _stripped(self, node: _Function) -> ast.AST:
        shown = [ast.Expr(ast.Constant(ast.get_docstring(node, clean=False)))]
        if _yields(node):
            shown.append(ast.Expr(ast.Yield()))
        node.body = [*shown]
        return node


def _yields(function: _Function) -> bool:
    """Whether it is a generator: a `yield` of its own, not of a function within it."""
    waiting: list[ast.AST] = [*function.body]
    while waiting:
        node = waiting.pop()
        if isinstance(node, ast.Yield | ast.YieldFrom):
            return True
        if not isinstance(node, _Function | ast.Lambda | ast.ClassDef):
            waiting.extend(ast.iter_child_nodes(node))
    return False
