"""The file with every test's result: one JSON object per line, cleaned of escape codes."""

import json
import os
import stat
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
    "result_lines",
    "write_results",
]

TEST_RESULTS_FILE = "tests.jsonl"

_MAX_TESTS = 500_000
_MAX_LINE = 1 << 20

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
    shared: float | None = None
    """Seconds of the set-up for fixtures of the module or package, which other tests share."""
    reruns: int = 0
    """Attempts before the last, by pytest-rerunfailures."""
    message: str | None = None
    """First line of the failure."""
    text: str | None = None
    """The failure as pytest shows it, at most 10,000 characters."""
    stdout: str | None = None
    """What pytest captured of a failed test until then, the last 5,000 characters; so are the
    error output and the log."""
    stderr: str | None = None
    log: str | None = None


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


def result_lines(path: Path) -> Iterator[bytes]:
    """The lines of a file of results, whoever has had it in hand; none if it is no such file.

    Never raises for what is missing, cut off or edited, and reads only so much of it.
    """
    try:
        # A link leads out of the trial's folder, and a pipe would be waited for.
        file = os.fdopen(os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK), "rb")
    except OSError:
        return
    with file:
        if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
            return
        for _ in range(_MAX_TESTS):
            line = file.readline(_MAX_LINE)
            if not line:
                return
            yield line
