"""What is recorded of a trial's coverage."""

from typing import Literal

from pydantic import Field, NonNegativeFloat, NonNegativeInt

from seatrial.evidence.model import Model

__all__ = [
    "MAX_ROWS",
    "ChangeCoverage",
    "Coverage",
    "CoverageCounts",
    "CoverageFile",
    "CoverageParts",
    "DataFile",
    "SourceCheck",
    "Threshold",
]

MAX_ROWS = 500
"""Rows in the record; the JSON report has all of them."""

Percent = float


class CoverageCounts(Model):
    """Lines are statements, branches the ways out of a decision, as coverage.py counts them."""

    lines: NonNegativeInt = 0
    covered_lines: NonNegativeInt = 0
    branches: NonNegativeInt = 0
    covered_branches: NonNegativeInt = 0

    @property
    def line_percent(self) -> Percent | None:
        """Of the lines; None if there are none."""
        return _percent(self.covered_lines, self.lines)

    @property
    def branch_percent(self) -> Percent | None:
        """Of the branches; None if there are none or they were not measured."""
        return _percent(self.covered_branches, self.branches)


class CoverageFile(CoverageCounts):
    """One measured source file."""

    path: str
    """As the report names it: relative to the folder that pytest ran in, if below it."""
    project_file: str | None = None
    """The project's file that it is held against, relative to the project."""
    source: Literal["equal", "differs", "unknown"] = "unknown"
    """Whether the container's file has the same content as the project's."""


class SourceCheck(Model):
    """How many measured files have the same content (SHA-256) as the project's own."""

    equal: NonNegativeInt = 0
    differ: NonNegativeInt = 0
    unknown: NonNegativeInt = 0
    """Those that the project does not have (made in the image), or that were not comparable."""


class DataFile(Model):
    """A data file of coverage.py, taken out of the test container as it was."""

    container_path: str
    path: str | None = None
    """Its path in the trial's folder; None: it was too large to be taken out."""


class Threshold(Model):
    """The least coverage that the project asks for, in percent."""

    percent: Percent
    source: str
    """Where it is set: a configuration file of coverage.py, `--cov-fail-under`, or a setting."""
    met: bool
    """Coverage that was not measured does not meet it."""


class ChangeCoverage(Model):
    """Coverage of the lines that were added or changed since a base commit."""

    base: str
    commit: str | None = None
    """The commit that `base` names."""
    lines: NonNegativeInt = 0
    """Changed lines that coverage.py counts as statements."""
    covered_lines: NonNegativeInt = 0
    missed: dict[str, tuple[int, ...]] = Field(default_factory=dict)
    """Changed lines that no test ran, by the project's file."""
    reason: str = ""
    """Why it was not measured; empty: it was."""

    @property
    def percent(self) -> Percent | None:
        """None if it was not measured, or no measured line changed."""
        return _percent(self.covered_lines, self.lines)


class CoverageParts(Model):
    """What the coverage of a trial that left tests out is made of."""

    together: bool
    """True: it is that of all tests, put together from what ran and what was stored; False: it is
    that of the tests that ran."""
    reason: str = ""
    """Why it could not be put together exactly."""
    since: str
    """The trial that stored what each test covered."""
    measured_tests: NonNegativeInt | None = None
    """Tests that ran; None: nobody knows which they were."""
    stored_tests: NonNegativeInt = 0
    """Tests of which the stored part counts; 0 if it was not put together."""


class Coverage(Model):
    """The coverage of one trial; what was not measured is None, never 0 or 100."""

    measured: bool
    seconds: NonNegativeFloat | None = None
    """What taking out, reporting and comparing took; part of the phase `collect`."""
    reason: str = ""
    """Why it was not measured."""
    percent: Percent | None = None
    """The total as coverage.py has it, lines and branches together; thresholds are on this."""
    line_percent: Percent | None = None
    branch_percent: Percent | None = None
    """None too if branches were not measured."""
    totals: CoverageCounts | None = None
    file_count: NonNegativeInt = 0
    files: tuple[CoverageFile, ...] = ()
    """The measured files by name, at most 500."""
    sources: SourceCheck | None = None
    data_files: tuple[DataFile, ...] = ()
    reports: tuple[str, ...] = ()
    """Paths in the trial's folder: JSON, Cobertura XML, the start page of the HTML."""
    version: str | None = None
    """coverage.py's, in the test container."""
    python: str | None = None
    """The version of the interpreter there, which says what is a statement."""
    switched_on: bool = False
    """True: Seatrial asked for it (setting `coverage.switch_on`); the command alone does not."""
    threshold: Threshold | None = None
    """None: the project sets none, or it is not known since coverage did not run."""
    change: ChangeCoverage | None = None
    """None: no base commit was given."""
    parts: CoverageParts | None = None
    """None: no tests were left out."""


def _percent(part: int, whole: int) -> Percent | None:
    return 100 * part / whole if whole else None
