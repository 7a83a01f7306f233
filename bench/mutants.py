"""Small faults to put into files: what somebody may get wrong when changing a project."""

import ast
import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

__all__ = ["Mutant", "data_mutants", "pick_mutants", "python_mutants"]

_COMPARISONS: Mapping[type[ast.cmpop], type[ast.cmpop]] = {
    ast.Eq: ast.NotEq,
    ast.NotEq: ast.Eq,
    ast.Lt: ast.GtE,
    ast.GtE: ast.Lt,
    ast.Gt: ast.LtE,
    ast.LtE: ast.Gt,
    ast.In: ast.NotIn,
    ast.NotIn: ast.In,
    ast.Is: ast.IsNot,
    ast.IsNot: ast.Is,
}
_OPERATORS: Mapping[type[ast.operator], type[ast.operator]] = {
    ast.Add: ast.Sub,
    ast.Sub: ast.Add,
    ast.Mult: ast.FloorDiv,
    ast.FloorDiv: ast.Mult,
}


@dataclass(frozen=True)
class Mutant:
    """One file with one fault."""

    file: str
    what: str
    content: bytes


def python_mutants(file: str, source: bytes) -> Iterator[Mutant]:
    """All faults that this module knows to make in a Python file."""
    count = sum(1 for _ in ast.walk(ast.parse(source)))
    for index in range(count):
        tree = ast.parse(source)
        nodes = list(ast.walk(tree))
        if nodes[index] in _docstrings(nodes):
            continue
        what = _mutate(nodes[index])
        if what:
            yield Mutant(file, what, ast.unparse(ast.fix_missing_locations(tree)).encode())


def data_mutants(file: str, content: bytes) -> Iterator[Mutant]:
    """A file cut off, and one with another digit."""
    yield Mutant(file, "cut off in the middle", content[: len(content) // 2])
    for index, byte in enumerate(content):
        if chr(byte).isdigit():
            other = str((int(chr(byte)) + 1) % 10).encode()
            yield Mutant(
                file,
                f"byte {index} is another digit",
                content[:index] + other + content[index + 1 :],
            )


def pick_mutants(files: Mapping[str, bytes], count: int, seed: int) -> list[Mutant]:
    """Up to `count` mutants, spread over the files, the same for the same seed."""
    chance = random.Random(seed)
    by_file: list[list[Mutant]] = []
    for file, content in sorted(files.items()):
        make = python_mutants if file.endswith(".py") else data_mutants
        found = [mutant for mutant in make(file, content) if mutant.content != content]
        chance.shuffle(found)
        by_file.append(found)
    chance.shuffle(by_file)
    return list(_in_turn(by_file))[:count]


def _in_turn(lists: Sequence[list[Mutant]]) -> Iterator[Mutant]:
    for row in range(max((len(each) for each in lists), default=0)):
        for each in lists:
            if row < len(each):
                yield each[row]


def _docstrings(nodes: Sequence[ast.AST]) -> list[ast.AST]:
    """Strings that stand alone: nothing breaks if they change."""
    return [node.value for node in nodes if isinstance(node, ast.Expr) and _is_text(node.value)]


def _is_text(node: ast.AST) -> bool:
    return isinstance(node, ast.Constant) and isinstance(node.value, str)


def _mutate(node: ast.AST) -> str:
    """Put a fault into a node; empty if there is none for it."""
    line = getattr(node, "lineno", 0)
    match node:
        case ast.Constant(value=bool() as value):
            node.value = not value
            return f"line {line}: {value} is {not value}"
        case ast.Constant(value=int() | float() as value):
            node.value = value + 1
            return f"line {line}: {value} is {value + 1}"
        case ast.Constant(value=str() as value) if value.strip():
            node.value = f"{value}x"
            return f"line {line}: {value[:20]!r} is longer"
        case ast.Compare(ops=[op, *_]) if type(op) in _COMPARISONS:
            node.ops[0] = _COMPARISONS[type(op)]()
            return f"line {line}: another comparison than {type(op).__name__}"
        case ast.BinOp(op=op) if type(op) in _OPERATORS:
            node.op = _OPERATORS[type(op)]()
            return f"line {line}: another operator than {type(op).__name__}"
        case ast.Return(value=ast.expr()):
            node.value = ast.Constant(None)
            return f"line {line}: returns nothing"
        case ast.Assign():
            node.value = ast.Constant(None)
            return f"line {line}: sets nothing"
        case ast.Expr(value=ast.Call()):
            node.value = ast.Constant(None)
            return f"line {line}: calls nothing"
        case ast.If(test=ast.expr()):
            node.test = ast.Constant(False)
            return f"line {line}: never takes the branch"
        case _:
            return ""
