"""Finds in which line of which YAML file a key stands, by the path of keys that leads to it."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError
from ruamel.yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from seatrial.audit.sources import NotRead, Source

__all__ = [
    "Place",
    "Tree",
    "child",
    "entries",
    "find_place",
    "items",
    "line_of",
    "read_tree",
    "text_of",
]

_MAX_MERGES = 8
_MAX_ENTRIES = 5000
_MAX_DEPTH = 200
_MAX_NODES = 100_000
"""A file of the largest size that is read has fewer, unless its aliases multiply them."""


@dataclass(frozen=True)
class Tree:
    """A file and its root; aliases are the same node again, so nothing is multiplied."""

    source: Source
    root: Node | None


@dataclass(frozen=True)
class Place:
    """Where something stands."""

    file: str
    line: int | None
    node: Node | None
    """The value; None if only something above it was found."""


def read_tree(source: Source) -> Tree:
    """Parse a YAML file without making objects of it.

    Raises:
        NotRead: it is not YAML, is nested too deeply, or its aliases unfold to too much.
    """
    try:
        if _flow_depth(source.text) > _MAX_DEPTH:
            raise RecursionError
        root = YAML(typ="safe", pure=True).compose(source.text)
        if _unfolded(root, {}) > _MAX_NODES:
            raise NotRead(f"{source.file}: its aliases unfold to over {_MAX_NODES} values")
        return Tree(source, root)
    except RecursionError as error:
        raise NotRead(f"{source.file}: nested too deeply") from error
    except (YAMLError, ValueError) as error:
        mark = getattr(error, "problem_mark", None)
        line = f" (line {mark.line + 1})" if mark else ""
        raise NotRead(f"{source.file}: not YAML{line}") from error


def _flow_depth(text: str) -> int:
    """How deep brackets are nested, at most: the parser needs long to find that it is too deep."""
    depth = deepest = 0
    for character in text:
        if character in "[{":
            depth += 1
            deepest = max(deepest, depth)
        elif character in "]}":
            depth = max(0, depth - 1)
    return deepest


def _unfolded(node: Node | None, known: dict[int, int]) -> int:
    """How many values there are once all aliases are copies, as other programs read them."""
    if node is None or isinstance(node, ScalarNode):
        return 1
    if id(node) not in known:
        known[id(node)] = _MAX_NODES + 1  # what holds itself has no end
        pairs = node.value if isinstance(node, MappingNode) else ((item,) for item in node.value)
        known[id(node)] = 1 + sum(_unfolded(one, known) for pair in pairs for one in pair)
    return known[id(node)]


def entries(node: Node | None) -> Iterator[tuple[str, Node, Node]]:
    """Keys of a mapping with their key node and value; keys of `<<` come last."""
    yield from _entries(node, _MAX_MERGES)


def items(node: Node | None) -> Sequence[Node]:
    """The items of a sequence; none if it is another kind of node."""
    return node.value[:_MAX_ENTRIES] if isinstance(node, SequenceNode) else ()


def child(node: Node | None, key: str) -> Node | None:
    """The value of a key."""
    return next((value for name, _, value in entries(node) if name == key), None)


def text_of(node: Node | None) -> str:
    """A scalar as it stands in the file; empty for anything else."""
    return str(node.value) if isinstance(node, ScalarNode) else ""


def line_of(node: Node) -> int:
    """Where a node begins, from 1."""
    return int(node.start_mark.line) + 1


def find_place(trees: Sequence[Tree], path: Sequence[str]) -> Place:
    """Where the key at the end of the path stands; the last file that has it wins, as in merging.

    What comes from elsewhere (`extends`, `include`) has the place of what leads there.
    """
    best = Place(trees[0].source.file if trees else "", None, None)
    depth = -1
    for tree in trees:
        place, reached = _follow(tree, path)
        if reached >= depth and reached > 0:
            best, depth = place, reached
    return best


def _follow(tree: Tree, path: Sequence[str]) -> tuple[Place, int]:
    node, line = tree.root, None
    for reached, key in enumerate(path):
        step = next(((k, value) for name, k, value in entries(node) if name == key), None)
        if step is None:
            return Place(tree.source.file, line, None), reached
        line, node = line_of(step[0]), step[1]
    return Place(tree.source.file, line, node), len(path)


def _entries(node: Node | None, merges: int) -> Iterator[tuple[str, Node, Node]]:
    if not isinstance(node, MappingNode):
        return
    merged: list[Node] = []
    for key, value in node.value[:_MAX_ENTRIES]:
        if not isinstance(key, ScalarNode):
            continue
        if key.value == "<<":
            merged += [*items(value)] or [value]
        else:
            yield str(key.value), key, value
    for other in merged[:_MAX_MERGES] if merges else ():
        yield from _entries(other, merges - 1)
