"""What one worker is told: its tests, their order, and what to do about xdist."""

import json
from collections.abc import Sequence
from dataclasses import dataclass

from seatrial.selection.assignment import Assignment

__all__ = ["EVERYTHING", "Share"]


ALONE = Assignment(workers=1)


@dataclass(frozen=True)
class Share:
    """A worker's share of the tests."""

    tests: Sequence[str] | None = None
    """Node ids, or files, of the only tests to run; None: all that the command runs."""
    left_out: Sequence[str] | None = None
    """Node ids that are not to be run; in the files of `tests`, what is not named here is run too,
    as it may be new. None: only what `tests` names."""
    worker: int = 0
    """From 0."""
    assignment: Assignment = ALONE
    first: Sequence[str] = ()
    """Node ids of tests to run before the others, in this order."""
    fail_fast: bool = False
    take_over_xdist: bool = False
    """Run the tests in one process, even if the command asks for several."""

    def to_json(self) -> bytes | None:
        """The file that the plugin in the container reads; None: it need not be there."""
        alone = self.assignment.workers == 1
        if alone and self.tests is None and not self.first and not self.fail_fast:
            return None
        return json.dumps(
            {
                "tests": None if self.tests is None else list(self.tests),
                "left_out": None if self.left_out is None else list(self.left_out),
                "workers": self.assignment.workers,
                "worker": self.worker,
                "files": {} if alone else dict(self.assignment.files),
                "split": {} if alone else dict(self.assignment.tests),
                "first": list(self.first),
                "fail_fast": self.fail_fast,
                "take_over_xdist": self.take_over_xdist,
            }
        ).encode()


EVERYTHING = Share()
"""All tests, on one worker, in pytest's own order."""
