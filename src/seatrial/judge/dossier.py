"""All evidence on one commit, gathered before anything is judged; judging reads nothing else."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from seatrial.evidence.audit import AuditReport
from seatrial.evidence.drills import DrillReport
from seatrial.evidence.record import Commit, Image, Record
from seatrial.judge.model import Evidence
from seatrial.judge.waivers import Waiver
from seatrial.settings import Settings

__all__ = [
    "CommandResult",
    "Dossier",
    "DrillEvidence",
    "EarlierApproval",
    "Exhibit",
    "PolicyChange",
    "Reuse",
    "TrialEvidence",
]


@dataclass(frozen=True)
class Exhibit:
    """A file of evidence, as it was when the dossier was made."""

    file: str
    """Relative to the project."""
    sha256: str

    def row(
        self, what: str, value: str | float | bool | None, unit: str = "", where: str = ""
    ) -> Evidence:
        """A fact from this file."""
        return Evidence(
            what=what, value=value, unit=unit, file=self.file, sha256=self.sha256, where=where
        )


@dataclass(frozen=True)
class Reuse:
    """Somebody asked for a trial and was given this one's record, since nothing had changed."""

    time: datetime
    """Wall clock."""
    age_seconds: float
    """Of the record at that time, since its trial ended."""


@dataclass(frozen=True)
class TrialEvidence:
    """A trial's record, and what became of its files since."""

    record: Record
    exhibit: Exhibit
    """The record's file."""
    faults: tuple[str, ...] = ()
    """What shows that the record or its files are not as the trial left them; empty: nothing."""
    reuses: tuple[Reuse, ...] = ()
    """Oldest first."""

    def file(self, path: str) -> Exhibit | None:
        """One of the trial's files by its path in the trial's folder; None if there is none."""
        folder = self.exhibit.file.rpartition("/")[0]
        return next(
            (
                Exhibit(f"{folder}/{entry.path}", entry.sha256)
                for entry in self.record.files
                if entry.path == path
            ),
            None,
        )


@dataclass(frozen=True)
class DrillEvidence:
    """The newest rehearsal of failures, whatever commit it was of."""

    report: DrillReport
    exhibit: Exhibit
    faults: tuple[str, ...] = ()
    """As for a trial."""
    outdated: str = ""
    """Why it says nothing of this commit: too old, or what shapes the test environment changed
    since; empty: it does."""


@dataclass(frozen=True)
class CommandResult:
    """What came of the command of one of the project's own criteria."""

    exit_code: int | None
    """None: it was not found, or did not end in its time."""
    seconds: float
    exhibit: Exhibit
    """Its output, as it was saved: standard output and errors in one, bounded."""
    fault: str = ""
    """Why there is no exit code."""


@dataclass(frozen=True)
class EarlierApproval:
    """What a rollback could return to: the newest commit that was approved before this one."""

    commit: str
    trial: str
    images: tuple[Image, ...]
    """Those that its trial built."""
    exhibit: Exhibit


@dataclass(frozen=True)
class PolicyChange:
    """A rule that was made easier to meet since the base commit."""

    rule: str
    """E.g. `budgets.test`."""
    before: str
    now: str
    where: str
    """The file, with a line if it is known."""
    base: str = ""
    """What it was compared with, in words; empty: the dossier's `policy_base`."""


@dataclass(frozen=True)
class Dossier:
    """What a verdict is made of."""

    settings: Settings
    commit: Commit | None
    """The tree as it is now; None: the project is not under git's control."""
    trials: tuple[TrialEvidence, ...]
    """Those of this commit, newest first; the first is the one that is judged."""
    earlier: tuple[TrialEvidence, ...] = ()
    """Those of other commits, newest first."""
    drills: DrillEvidence | None = None
    audit: AuditReport | None = None
    audit_exhibit: Exhibit | None = None
    policy_base: str | None = None
    """The commit that the rules were compared with; None: there is none, so it was the defaults."""
    policy_changes: tuple[PolicyChange, ...] = ()
    ledger_faults: tuple[str, ...] = ()
    """What shows that trials were removed from the ledger, put in, or changed."""
    waivers: tuple[Waiver, ...] = ()
    source_files: Mapping[str, int] | None = None
    """Python files of the project that its tests are to cover, with the number of their lines
    on which a statement begins (docstrings aside), which is what coverage.py counts; None: it could
    not be told."""
    untested_files: tuple[str, ...] | None = None
    """Test files under version control, less those that the settings except, of which the judged
    trial has no result; None: it could not be told."""
    dockerfiles: Mapping[str, Exhibit] = field(default_factory=dict)
    """The files that the judged trial's images were built from, by the path that its record names,
    as the commit has them; a path that the commit does not have is not in it."""
    workflow_uploads: Exhibit | None = None
    """A CI workflow of the project that uploads artifacts; None: no such one was found."""
    command_results: Mapping[str, CommandResult] = field(default_factory=dict)
    """By the key of the criterion; a command that was not run is not in it."""
    approved_before: EarlierApproval | None = None
    """None: no approval of another commit, on older evidence, is kept here."""
    committed: datetime | None = None
    """When the commit was made, as whoever made it says."""
    now: datetime | None = None
    """Wall clock. Ages and expiries are judged by it, and nothing else."""

    @property
    def trial(self) -> TrialEvidence:
        """The trial that is judged."""
        return self.trials[0]
