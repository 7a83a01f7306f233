"""What is recorded of a trial whose tests were split among several workers."""

from typing import Literal

from pydantic import NonNegativeFloat, NonNegativeInt

from seatrial.evidence.model import Model

__all__ = ["FewerWorkers", "Split", "SplitProof", "WorkerRecord"]


class SplitProof(Model):
    """What the workers saw of the tests and ran, held against each other."""

    files: NonNegativeInt
    """Test files that were seen."""
    shared_files: NonNegativeInt
    """Those whose tests ran on more than one worker."""
    tests: NonNegativeInt
    """Different tests that came to a result."""
    faults: tuple[str, ...] = ()
    """Tests that nobody ran, or more than one worker; at most 20. None: the split is proven."""


class WorkerRecord(Model):
    """One worker: a stack of its own, and its share of the tests."""

    number: NonNegativeInt
    """From 1."""
    folder: str
    """Its logs, results and outputs, in the trial's folder."""
    container: str | None = None
    """The id of its test container."""
    exit_code: int | None = None
    """The test command's; pytest ends with 5 if none of the tests is this worker's."""
    exit_status: int | None = None
    """pytest's own; None if it did not come to its end."""
    tests: NonNegativeInt = 0
    """That it collected."""
    start: NonNegativeFloat | None = None
    """When its test phase began, in seconds since the trial did; None as below."""
    seconds: NonNegativeFloat | None = None
    """Its test phase; None if it did not come to it."""
    expected_seconds: NonNegativeFloat | None = None
    """What its share took in earlier trials; None without such trials."""


class Split(Model):
    """How the tests were split, and whether it is proven that each ran once."""

    workers: tuple[WorkerRecord, ...]
    reason: str
    """Why that many."""
    weighed_by: Literal["durations", "sizes", "nothing"]
    """What the shares were made equal by: earlier trials' durations, or the files' sizes."""
    proof: SplitProof | None = None
    """None: not every worker came to its end, so there is nothing to prove."""
    xdist: Literal["taken over", "left", "not asked for"]
    """What became of the test command's own wish for several processes."""


class FewerWorkers(Model):
    """An attempt that ran out of time or memory, and was made once more with fewer workers."""

    workers: NonNegativeInt
    then: NonNegativeInt
    """Workers of the attempt that the record is about."""
    reason: str
    """How the first attempt ended."""
    folder: str
    """Where its logs and results are, in the trial's folder."""
    seconds: NonNegativeFloat
    """Since the trial began, until it was given up."""
