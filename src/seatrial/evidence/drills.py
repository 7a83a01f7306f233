"""What came of rehearsed failures: the project broken on purpose, in a throwaway copy."""

from typing import Annotated

from pydantic import AwareDatetime, Field, NonNegativeFloat

from seatrial.evidence.model import Model
from seatrial.evidence.record import Commit, FileEntry

__all__ = ["DrillReport", "DrillResult"]


class DrillResult(Model):
    """One failure, and whether the trial that met it did what it should."""

    key: str
    """E.g. `build-fails`."""
    what: str
    """What was broken, and how; one sentence."""
    passed: bool | None
    """None: it could not be rehearsed on this project."""
    why_not: str = ""
    """Why it could not."""
    faults: tuple[str, ...] = ()
    """What was not as it should be: exit code, diagnostics, clean-up."""
    expected_exit_codes: tuple[int, ...] = ()
    exit_code: int | None = None
    reason: str = ""
    """What the trial itself said."""
    diagnosed: bool | None = None
    """Whether what it said names the cause."""
    left: tuple[str, ...] = ()
    """What it left behind in the engine."""
    seconds: NonNegativeFloat | None = None
    record: str | None = None
    """Path of the trial's record, in the drills' folder."""


class DrillReport(Model):
    """One rehearsal of several failures."""

    schema_version: int = 1
    id: str
    started: AwareDatetime
    seconds: NonNegativeFloat
    commit: Commit | None
    seatrial: str
    """The version that rehearsed."""
    environment: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
    """Of what shapes the test environment: compose files, Dockerfiles, pytest's configuration and
    conftest.py files, Seatrial's settings. If it differs, the rehearsal was of something else."""
    results: tuple[DrillResult, ...]
    files: tuple[FileEntry, ...] = ()
    """Every file of the drills' folder but the report itself."""

    def result(self, key: str) -> DrillResult | None:
        """What came of one drill; None if it was not made."""
        return next((result for result in self.results if result.key == key), None)
