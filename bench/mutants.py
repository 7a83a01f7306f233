"""Small faults to put into files: what somebody may get wrong when changing a project."""

import ast
import random
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

__all__ = ["Mutant", "data_mutants", "pick_mutants", "python_mutants"]

DATA_SHARE = 0.25
"""Of the mutants; files of data are few, but what is read is harder to follow than what is run."""

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


def data_mutants(file: str, content: bytes) -> Iterator[list[Mutant]]:
    """All faults that this module knows to make in another file, kind by kind.

    It is read as lines of words, with a key being a word before a colon or an equals sign, and with
    values between commas or colons: near enough to JSON, TOML, INI, CSV and SQL.
    """

    def made(what: str, text: str) -> Mutant:
        return Mutant(file, what, text.encode("latin-1"))

    def put(found: re.Match[str], word: str) -> str:
        return text[: found.start()] + word + text[found.end() :]

    # Each byte is a character of its own, so that any file can be read and is written back whole.
    text = content.decode("latin-1")
    lines = text.splitlines(keepends=True)
    numbered = list(enumerate(lines))
    yield [made("is empty", "")]
    yield [made("cut off in the middle", text[: len(text) // 2])]
    yield [
        made(f"line {n + 1} is gone", "".join(lines[:n] + lines[n + 1 :]))
        for n, line in numbered
        if line.strip()
    ]
    yield [
        made(f"line {n + 1} stands there twice", "".join(lines[: n + 1] + lines[n:]))
        for n, line in numbered
        if line.strip()
    ]
    yield [
        made(f"line {n + 1} and the next change places", "".join(_swapped(lines, n)))
        for n in range(len(lines) - 1)
    ]
    yield [
        made(
            f"line {n + 1}: two values change places", "".join([*lines[:n], line, *lines[n + 1 :]])
        )
        for n, line in ((n, line) for n, old in numbered for line in _with_swapped_values(old))
    ]
    yield [
        made(f"byte {found.start()} is another digit", put(found, str((int(found[0]) + 1) % 10)))
        for found in re.finditer(r"[0-9]", text)
    ]
    yield [
        made(f"byte {found.start()}: {found[0]} is another word", put(found, f"{found[0]}x"))
        for found in re.finditer(r"[A-Za-z_]{2,}(?![A-Za-z_]|\"?\s*[:=])", text)
    ]
    yield [
        made(f"byte {found.start()}: {found[0]} is another key", put(found, f"other_{found[0]}"))
        for found in re.finditer(r"[A-Za-z_]\w*(?=\"?\s*[:=])", text)
    ]


def pick_mutants(files: Mapping[str, bytes], count: int, seed: int) -> list[Mutant]:
    """Up to `count` mutants, spread over the files, the same for the same seed.

    A quarter of them are in files that are not Python, if there are so many; their kinds of fault
    take turns.
    """
    chance = random.Random(seed)
    python: list[list[Mutant]] = []
    data: list[list[Mutant]] = []
    for file, content in sorted(files.items()):
        if file.endswith(".py"):
            found = list(python_mutants(file, content))
            chance.shuffle(found)
            into = python
        else:
            kinds = list(data_mutants(file, content))
            for kind in kinds:
                chance.shuffle(kind)
            chance.shuffle(kinds)
            found = list(_in_turn(kinds))
            into = data
        into.append([mutant for mutant in found if mutant.content != content])
    for lists in (python, data):
        chance.shuffle(lists)
    others = list(_in_turn(data))
    picked = list(_in_turn(python))[: count - min(len(others), round(count * DATA_SHARE))]
    picked += others[: count - len(picked)]
    chance.shuffle(picked)
    return picked


def _swapped(lines: Sequence[str], first: int) -> list[str]:
    """The lines with one and the next in each other's place; each still ends as a line."""
    changed = [line.rstrip("\n") for line in lines]
    changed[first : first + 2] = changed[first + 1], changed[first]
    return [f"{line}\n" for line in changed]


def _with_swapped_values(line: str) -> Iterator[str]:
    """The line with two values side by side in each other's place, for each such two."""
    parts = re.split(r"([,:])", line.rstrip("\n"))
    for n in range(0, len(parts) - 2, 2):
        changed = [*parts[:n], parts[n + 2], parts[n + 1], parts[n], *parts[n + 3 :]]
        if changed != parts:
            yield "".join(changed) + "\n" * line.endswith("\n")


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
