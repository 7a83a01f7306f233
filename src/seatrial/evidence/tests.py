"""The file with every test's result: one JSON object per line, cleaned of escape codes."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal, Protocol

__all__ = [
    "TEST_RESULTS_FILE",
    "Outcome",
    "TestResult",
    "TestSink",
    "read_results",
    "write_results",
]

TEST_RESULTS_FILE = "tests.jsonl"

Outcome = Literal["passed", "failed", "error", "skipped", "xfailed", "xpassed", "unfinished"]


@dataclass(frozen=True)
class TestResult:
    """One test, or one file that could not be collected."""

    __test__ = False  # the name is right, but pytest must not collect it

    id: str
    """pytest's node id."""
    outcome: Outcome
    """`unfinished`: it was running when pytest was cut off."""
    container: str
    """Id of the container it ran in, as the probe saw it."""
    setup: float | None = None
    """Seconds, as are call and teardown; None if the test did not come to it."""
    call: float | None = None
    teardown: float | None = None
    reruns: int = 0
    """Attempts before the last, by pytest-rerunfailures."""
    message: str | None = None
    """First line of the failure."""
    text: str | None = None
    """The failure as pytest shows it, at most 10,000 characters."""


class TestSink(Protocol):
    """Takes results one by one, so that a suite of any size needs no memory."""

    def __call__(self, result: TestResult, /) -> None:
        """Take a result."""


@contextmanager
def write_results(path: Path) -> Iterator[TestSink]:
    """Open the file and give a sink that writes to it."""
    with path.open("w", encoding="utf-8") as file:

        def write(result: TestResult) -> None:
            file.write(json.dumps(asdict(result)) + "\n")

        yield write


def read_results(*paths: Path) -> Iterator[TestResult]:
    """The results of files that `write_results` wrote, one after the other.

    Raises:
        OSError: a file cannot be read.
        ValueError, TypeError: a line is none of `write_results`.
    """
    for path in paths:
        with path.open(encoding="utf-8") as file:
            for line in file:
                yield TestResult(**json.loads(line))
