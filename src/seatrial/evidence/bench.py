"""What a bench is to measure, what it has measured so far, and what came of it."""

from typing import Annotated, Literal

from pydantic import AwareDatetime, Field, NonNegativeFloat, NonNegativeInt

from seatrial.evidence.metrics import Metric
from seatrial.evidence.model import Model
from seatrial.evidence.record import Commit, Host, Status

__all__ = ["BenchPlan", "BenchReport", "BenchRun", "BenchState", "Finding", "Scenario"]


class Scenario(Model):
    """One way to run the project's tests."""

    name: str
    """E.g. `cold`, `warm`, `warm-2-workers`, `quick`."""
    cold: bool = False
    """The project's own images are built without the cache."""
    quick: bool = False
    """Only the tests that the marker expression selects."""
    workers: Annotated[int, Field(ge=1)] = 1


class BenchPlan(Model):
    """All that tells one bench from another; what was measured under another plan is not used."""

    seatrial: str
    commit: Commit | None
    tree: str
    """SHA-256 of the project's files as they are, committed or not; what git ignores aside."""
    settings: str
    """SHA-256 of the settings."""
    arguments: tuple[str, ...]
    quick: str | None
    repeats: Annotated[int, Field(ge=1)]
    scenarios: tuple[Scenario, ...]

    def rounds(self) -> tuple[tuple[int, Scenario], ...]:
        """Every run, round by round: so what changes on the machine meets all scenarios alike."""
        return tuple(
            (number, scenario)
            for number in range(1, self.repeats + 1)
            for scenario in self.scenarios
        )


class BenchRun(Model):
    """One trial of a bench."""

    scenario: str
    round: NonNegativeInt
    """From 1; 0: the run that fills the build cache, which does not count."""
    trial: str
    """The record's id."""
    status: Status
    seconds: NonNegativeFloat
    """Wall time until the record was there, planning included."""


class BenchState(Model):
    """How far a bench is; written after each trial."""

    schema_version: Literal[1] = 1
    started: AwareDatetime
    plan: BenchPlan
    runs: tuple[BenchRun, ...] = ()
    finished: bool = False


class Finding(Model):
    """One sentence of the analysis, and the number that it stands on."""

    about: Literal[
        "phases", "tests", "fixtures", "outside tests", "services", "build", "waiting", "workers"
    ]
    sentence: str
    saves: NonNegativeFloat | None = None
    """Seconds that doing something about it would save at most, or has saved where it was tried;
    None: it only explains."""
    measured: bool = False
    """Whether `saves` is the difference of two measurements rather than an upper limit."""
    advice: str = ""


class BenchReport(Model):
    """The result."""

    schema_version: Literal[1] = 1
    project: str
    started: AwareDatetime
    plan: BenchPlan
    host: Host
    runs: tuple[BenchRun, ...]
    metrics: tuple[Metric, ...]
    findings: tuple[Finding, ...]
    slowest_tests: tuple[tuple[str, float], ...] = ()
    """Node ids with their seconds, set-up and teardown included."""
    typical: str | None = None
    """The trial that the findings are of: the one whose total is the median's nearest."""
    notes: tuple[str, ...] = ()
