"""The file with the names of the tests that pytest collected to run: one JSON object per line."""

import json
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol

__all__ = [
    "COLLECTED_FILE",
    "MAX_NOT_RUN",
    "NameSink",
    "not_run",
    "read_collected",
    "write_collected",
]

COLLECTED_FILE = "collected.jsonl"
MAX_IN_LINE = 500
"""Tests of one line, so that no reader needs to hold a large file's at once."""
MAX_LINE = 1 << 16
"""Characters after which a line ends as well: names may be long."""
MAX_COMPARED = 200_000
"""Results that are held against the names at a time; of a larger suite nobody is told more."""
MAX_NOT_RUN = 20


class NameSink(Protocol):
    """Takes node ids one by one, so that a suite of any size needs no memory."""

    def __call__(self, test: str, /) -> None:
        """Take a node id, which is safe to show."""


@contextmanager
def write_collected(path: Path) -> Iterator[NameSink]:
    """Open the file and give a sink that writes to it, in the order in which tests come.

    A line has a `file` and the `tests` of it that came one after the other, each without the
    file's name; the two, joined by `::`, are pytest's node id.
    """
    file, tests, size = "", list[str](), 0
    with path.open("w", encoding="utf-8") as out:

        def flush() -> None:
            if tests:
                out.write(json.dumps({"file": file, "tests": tests}) + "\n")
                tests.clear()

        def write(test: str) -> None:
            nonlocal file, size
            place, _, name = test.partition("::")
            if place != file or len(tests) == MAX_IN_LINE or size > MAX_LINE:
                flush()
                file, size = place, 0
            tests.append(name)
            size += len(name)

        yield write
        flush()


def read_collected(path: Path) -> Iterator[str]:
    """Node ids of a file that `write_collected` wrote.

    Raises:
        OSError: the file cannot be read.
        ValueError, TypeError, KeyError: a line is none of `write_collected`.
    """
    with path.open(encoding="utf-8") as lines:
        for line in lines:
            values = json.loads(line)
            for name in values["tests"]:
                yield f"{values['file']}::{name}" if name else values["file"]


def not_run(collected: Path, results: Iterable[str]) -> tuple[str, ...]:
    """The first tests that were collected and came to no result, in their order.

    `results` are the node ids of those that did; nothing is said if they are too many to compare.

    Raises:
        OSError: the file cannot be read.
    """
    known: set[str] = set()
    for test in results:
        known.add(test)
        if len(known) > MAX_COMPARED:
            return ()
    missing: dict[str, None] = {}
    for test in read_collected(collected):
        if test not in known:
            missing[test] = None
            if len(missing) == MAX_NOT_RUN:
                break
    return tuple(missing)
