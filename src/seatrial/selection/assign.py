"""Deals tests out to workers so that the longest worker ends as early as it can."""

from bisect import bisect_left
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from heapq import heapify, heapreplace
from itertools import product
from types import MappingProxyType
from typing import Protocol, Self, TypeVar

from seatrial.selection.assignment import Assignment
from seatrial.selection.places import is_within

__all__ = ["FILE_COST", "assign", "expected_loads", "file_of"]

FILE_COST = 0.02
"""Seconds that a worker needs for a file beside its tests, to import and collect it. Collecting
three suites of 33 to 100 files took 0.017 to 0.020 s per file, what they all import included."""

GOOD_ENOUGH = 1.05
"""Times the perfect share. The next run differs from the last by more than that, and the price of a
split is not known exactly, so nothing is split to come below it."""

_CAPACITIES = (1.05, 1.04, 1.03, 1.02, 1.01, 1.0)
"""Of a worker, in perfect shares: a larger one splits less, a smaller one is more even."""

_ROUNDS = 10
"""Of the search for a capacity: brings it to a thousandth of where it began."""

_LEAST = 1e-6
"""What anything weighs at least, so that tests without a duration are dealt out evenly too."""

_ROUNDING = 1e-9
_DEEPEST = 20
"""Names in a node id; what a container calls its tests must not exhaust the stack."""


def assign(
    weights: Mapping[str, float],
    workers: int,
    *,
    file_cost: float = FILE_COST,
    shared: Mapping[str, float] = MappingProxyType({}),
    whole: Collection[str] = (),
) -> Assignment:
    """Deal out by weight: seconds of tests by node id, or sizes of files by their names, or both.

    Files stay whole if the longest worker is then within `GOOD_ENOUGH` of the perfect share: dealt
    out longest first (Graham 1969: at most 4/3 of the optimum), or by MULTIFIT (Coffman, Garey and
    Johnson 1978: first fit decreasing within a capacity that is searched) where that is not enough.
    Otherwise files that are longer than a share, or fit in nowhere, are split, as few as possible
    and on as few workers as possible. A parametrised function stays together where it fits in; a
    class unless it is longer than a share, or nothing else comes within `GOOD_ENOUGH`. A file that
    is named without tests is never split, nor is one that `whole` names, itself or by a folder. Nor
    is one whose shared set-up takes longer than its tests: half of it would take more than half as
    long again, on cores that others need.

    `file_cost` is in the unit of the weights: what each worker that gets a part of a file pays, and
    beside it what `shared` names for that file: its fixtures that serve several of its tests.
    The outcome depends on what is dealt out, not on its order.
    """
    weights = _with_files_left_whole(weights, shared, whole)
    table = _Table.of(weights, workers, file_cost, shared)
    enough = table.share * GOOD_ENOUGH
    best = _longest_first(table)
    if _longest(best) > enough:
        best = _multifit(table, best)
    for whole_classes, long_first in product((True, False), repeat=2):
        if _longest(best) > enough:
            ways = [best]
            ways += [_split(table, each, whole_classes, long_first) for each in _CAPACITIES]
            limit = max(enough, min(map(_longest, ways)))
            best = min((way for way in ways if _longest(way) <= limit), key=_price)
    return _assignment(best)


def expected_loads(
    assignment: Assignment,
    weights: Mapping[str, float],
    *,
    file_cost: float = 0.0,
    shared: Mapping[str, float] = MappingProxyType({}),
) -> tuple[float, ...]:
    """What each worker is expected to take, in the unit of the weights; unnamed tests left out."""
    loads = [0.0] * assignment.workers
    seen: set[tuple[str, int]] = set()
    for test, weight in weights.items():
        file = file_of(test)
        worker = assignment.tests.get(test, assignment.files.get(file))
        if worker is None:
            continue
        new = (file, worker) not in seen
        loads[worker] += weight + (file_cost + shared.get(file, 0.0) if new else 0.0)
        seen.add((file, worker))
    return tuple(loads)


def file_of(test: str) -> str:
    """The file's part of a node id."""
    return test.partition("::")[0]


def _with_files_left_whole(
    weights: Mapping[str, float], shared: Mapping[str, float], whole: Collection[str]
) -> Mapping[str, float]:
    """Name without their tests those in `whole`, or whose shared set-up takes longer than these."""
    own: dict[str, float] = {}
    for test, weight in weights.items():
        file = file_of(test)
        if file != test:
            own[file] = own.get(file, 0.0) + weight
    left = {
        file
        for file, seconds in own.items()
        if shared.get(file, 0.0) > seconds or is_within(file, whole)
    }
    if not left:
        return weights
    rest = {test: weight for test, weight in weights.items() if file_of(test) not in left}
    return rest | {file: own[file] for file in left}


class _Weighed(Protocol):
    @property
    def weight(self) -> float: ...


@dataclass(frozen=True, slots=True)
class _Block:
    """Tests of one file that are dealt out together."""

    name: str
    """What their ids begin with: a file, then classes, a function, at last its parameters."""
    tests: tuple[str, ...]
    weight: float
    depth: int
    """How many names follow the file's."""


@dataclass(frozen=True, slots=True)
class _Piece:
    """A file, or what is left of it."""

    file: str
    blocks: tuple[_Block, ...]
    weight: float
    """With what the file costs."""


@dataclass(slots=True)
class _Worker:
    load: float = 0.0
    blocks: dict[str, list[_Block]] = field(default_factory=dict)
    """By file."""

    def cost(self, file: str, table: "_Table") -> float:
        """What the file costs here beside its tests."""
        return 0.0 if file in self.blocks else table.cost(file)

    def take(self, file: str, blocks: Iterable[_Block], table: "_Table") -> None:
        for block in blocks:
            self.load += self.cost(file, table) + block.weight
            self.blocks.setdefault(file, []).append(block)


_T = TypeVar("_T", bound=_Weighed)
_Way = list[_Worker]


class _Store(list[_T]):
    """Things by falling weight, from which the heaviest that fit in are taken.

    Filling one worker after the other like that is first fit decreasing, without trying every
    worker for every thing.
    """

    def __init__(self, things: Iterable[_T]) -> None:
        super().__init__(sorted(things, key=_lightest_last))
        self._keys = [-thing.weight for thing in self]
        self._next = list(range(len(self) + 1))

    def fitting(self, room: float) -> Iterator[_T]:
        """Take, one by one, the heaviest that fits into the room that is left."""
        at = 0
        while True:
            at = self._left_from(max(at, bisect_left(self._keys, -room - _ROUNDING)))
            if at == len(self):
                return
            self._next[at] = at + 1
            room -= self[at].weight
            yield self[at]

    def left(self) -> list[_T]:
        """What was not taken."""
        return [thing for at, thing in enumerate(self) if self._next[at] == at]

    def _left_from(self, at: int) -> int:
        while self._next[at] != at:
            self._next[at] = self._next[self._next[at]]  # halves the way for the next who asks
            at = self._next[at]
        return at


@dataclass(frozen=True)
class _Table:
    """What is to be dealt out."""

    weights: Mapping[str, float]
    files: Sequence[_Block]
    """Longest first."""
    workers: int
    file_cost: float
    shared: Mapping[str, float]
    share: float
    """No worker can be shorter if none is to be longer."""
    _cut: dict[str, tuple[_Block, ...]] = field(default_factory=dict)

    @classmethod
    def of(
        cls,
        weights: Mapping[str, float],
        workers: int,
        file_cost: float,
        shared: Mapping[str, float],
    ) -> Self:
        weights = {test: max(weight, _LEAST) for test, weight in weights.items()}
        tests: dict[str, list[str]] = {}
        for test in sorted(weights):
            tests.setdefault(file_of(test), []).append(test)
        files = [
            # Where single tests are known, a weight of the file itself says nothing more.
            _block(file, [name for name in names if name != file] or [file], weights, depth=0)
            for file, names in tests.items()
        ]
        costs = {file.name: file_cost + shared.get(file.name, 0.0) for file in files}
        total = sum(file.weight + costs[file.name] for file in files)
        longest = max((weights[t] + costs[f.name] for f in files for t in f.tests), default=0.0)
        share = max(total / workers, longest)
        files.sort(key=lambda file: -file.weight - costs[file.name])
        return cls(weights, files, workers, file_cost, shared, share)

    def cost(self, file: str) -> float:
        """What each worker that gets a part of a file pays for it."""
        return self.file_cost + self.shared.get(file, 0.0)

    def cut(self, file: _Block) -> tuple[_Block, ...]:
        """Classes, functions and tests of a file; none is longer than a share."""
        if file.name not in self._cut:
            self._cut[file.name] = tuple(self._parts(file, self.share - self.cost(file.name)))
        return self._cut[file.name]

    def tests(self, block: _Block, *, whole_classes: bool) -> Iterable[_Block]:
        """A block's single tests, or the block if it is of a class that stays together."""
        function = all(test.startswith(f"{block.name}[") for test in block.tests)
        return self._parts(block, 0.0) if function or not whole_classes else [block]

    def _parts(self, block: _Block, limit: float) -> Iterator[_Block]:
        if len(block.tests) == 1 or (block.depth and block.weight <= limit):
            yield block
            return
        depth = block.depth + 1
        parts: dict[str, list[str]] = {}
        for test in block.tests:
            parts.setdefault(_beginning(test, depth), []).append(test)
        for name, tests in parts.items():
            yield from self._parts(_block(name, tests, self.weights, depth), limit)


def _block(name: str, tests: Sequence[str], weights: Mapping[str, float], depth: int) -> _Block:
    return _Block(name, tuple(tests), sum(weights[test] for test in tests), depth)


def _beginning(test: str, depth: int) -> str:
    """A node id's file and that many more names; all of it once there are no more names."""
    names = test.partition("[")[0].split("::")
    return test if depth >= min(len(names), _DEEPEST) else "::".join(names[: depth + 1])


def _lightest_last(thing: _Weighed) -> float:
    return -thing.weight


def _whole(table: _Table) -> list[_Piece]:
    return [_Piece(f.name, (f,), f.weight + table.cost(f.name)) for f in table.files]


def _longest_first(table: _Table) -> _Way:
    way = [_Worker() for _ in range(table.workers)]
    _to_the_least_loaded(way, _whole(table), table)
    return way


def _multifit(table: _Table, best: _Way) -> _Way:
    """The best that first fit decreasing finds in a search for the smallest capacity."""
    low, high = table.share, _longest(best)
    for _ in range(_ROUNDS):
        capacity = (low + high) / 2
        way = [_Worker() for _ in range(table.workers)]
        if _first_fit(_whole(table), way, capacity, table):
            low = capacity
        else:
            best, high = way, capacity
    return best


def _split(table: _Table, factor: float, whole_classes: bool, long_first: bool) -> _Way:
    """Fill the workers up to a capacity; what fits in nowhere is split among those with room.

    Files that are longer than the capacity fill workers of their own first, or come last.
    """
    capacity = table.share * factor
    way = [_Worker() for _ in range(table.workers)]
    empty = iter(way)
    pieces = []
    for file in table.files:
        cost = table.cost(file.name)
        if file.weight + cost <= capacity or not long_first:
            pieces.append(_Piece(file.name, (file,), file.weight + cost))
            continue
        blocks, left = _Store(table.cut(file)), file.weight
        while left + cost > capacity and (worker := next(empty, None)):
            taken = list(blocks.fitting(capacity - cost))
            worker.take(file.name, taken, table)
            left -= sum(block.weight for block in taken)
        if rest := blocks.left():
            pieces.append(_Piece(file.name, tuple(rest), left + cost))
    # If classes can be cut, what can be cut small gives way to what cannot.
    hard = [] if whole_classes else [p for p in pieces if _heaviest(p, table) > p.weight / 2]
    names = {piece.file for piece in hard}
    homeless = _first_fit(hard, way, capacity, table)
    homeless += _first_fit([p for p in pieces if p.file not in names], way, capacity, table)
    for piece in homeless:
        _share_out(piece, way, table, capacity, whole_classes)
    return way


def _heaviest(piece: _Piece, table: _Table) -> float:
    return max(table.weights[test] for block in piece.blocks for test in block.tests)


def _first_fit(pieces: Iterable[_Piece], way: _Way, capacity: float, table: _Table) -> list[_Piece]:
    """Put whole pieces where they fit in, the heaviest first; the others are returned."""
    store = _Store(pieces)
    for worker in way:
        for piece in store.fitting(capacity - worker.load):
            worker.take(piece.file, piece.blocks, table)
    return store.left()


def _share_out(
    piece: _Piece, way: _Way, table: _Table, capacity: float, whole_classes: bool
) -> None:
    """Split a piece among the workers with the most room; the last of it goes where least is."""
    first = piece.blocks[0]
    blocks: Sequence[_Block] = piece.blocks if first.depth else table.cut(first)
    for smaller in (False, True) if whole_classes else (True,):
        if smaller:
            blocks = [
                t for block in blocks for t in table.tests(block, whole_classes=whole_classes)
            ]
        store = _Store(blocks)
        for worker in sorted(way, key=lambda worker: worker.load):
            room = capacity - worker.load - worker.cost(piece.file, table)
            worker.take(piece.file, store.fitting(room), table)
        blocks = store.left()
    rest = [_Piece(piece.file, (block,), block.weight) for block in blocks]
    _to_the_least_loaded(way, rest, table)


def _to_the_least_loaded(way: _Way, pieces: Iterable[_Piece], table: _Table) -> None:
    heap = [(worker.load, number) for number, worker in enumerate(way)]
    heapify(heap)
    for piece in pieces:
        worker = way[heap[0][1]]
        worker.take(piece.file, piece.blocks, table)
        heapreplace(heap, (worker.load, heap[0][1]))


def _longest(way: _Way) -> float:
    return max(worker.load for worker in way)


def _price(way: _Way) -> tuple[int, int, float]:
    """Split files first: a worker imports them all, as a new test in one could be its own."""
    parts = Counter(file for worker in way for file in worker.blocks)
    split = sum(count > 1 for count in parts.values())
    return split, parts.total(), _longest(way)


def _assignment(way: _Way) -> Assignment:
    files: dict[str, int] = {}
    split: set[str] = set()
    for number, worker in enumerate(way):
        for file in worker.blocks:
            if files.setdefault(file, number) != number:
                split.add(file)
    tests = {
        test: number
        for number, worker in enumerate(way)
        for file, blocks in worker.blocks.items()
        if file in split
        for block in blocks
        for test in block.tests
    }
    whole = {file: number for file, number in sorted(files.items()) if file not in split}
    return Assignment(len(way), whole, dict(sorted(tests.items())))
