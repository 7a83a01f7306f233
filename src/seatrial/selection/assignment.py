"""Which worker runs what: the outcome of an assignment, in the words of the probe."""

from collections.abc import Mapping
from dataclasses import dataclass, field

__all__ = ["Assignment"]


@dataclass(frozen=True)
class Assignment:
    """Files, and tests of files that are split, with the number of their worker, from 0.

    What is not named here, a new file or a new test in a file that is split, is everybody's to
    compute: the CRC-32 of the file's id, modulo the number of workers. So an assignment that is out
    of date costs balance, never a test.
    """

    workers: int
    files: Mapping[str, int] = field(default_factory=dict)
    """By the file's part of a node id: relative to pytest's root folder, with slashes."""
    tests: Mapping[str, int] = field(default_factory=dict)
    """By node id; their files are imported by every worker that has one of them, or new ones, and
    are not in `files`."""
