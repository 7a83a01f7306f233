"""Gathers all evidence on the commit at hand into one dossier."""

import asyncio
import hashlib
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from datetime import datetime
from pathlib import Path

from seatrial.audit.audit import audit_project
from seatrial.errors import EnvironmentFault, UsageFault
from seatrial.evidence.audit import AuditReport
from seatrial.evidence.commit import has_tracked_files, read_commit
from seatrial.evidence.folder import RunFolder, file_fault, newest_records, read_record
from seatrial.evidence.history import commit_time, sha256_at, tracked_files
from seatrial.evidence.ledger import LedgerCheck, check_ledger
from seatrial.evidence.record import Commit, Record
from seatrial.judge.commands import run_commands
from seatrial.judge.dossier import (
    CommandResult,
    Dossier,
    Exhibit,
    PolicyChange,
    Reuse,
    TrialEvidence,
)
from seatrial.judge.earlier_approval import approval_folder, find_earlier_approval
from seatrial.judge.integrity import check_record, check_trial, sha256_of
from seatrial.judge.own_sources import own_sources
from seatrial.judge.policy import changed_policy, find_base
from seatrial.judge.rehearsal import find_rehearsal
from seatrial.judge.suite import part_of_the_suite
from seatrial.judge.untested_files import files_of_tests, files_without_results, suite_files
from seatrial.judge.waivers import read_waivers
from seatrial.judge.workflow import find_upload
from seatrial.settings import LoadedSettings, Settings

__all__ = ["gather"]

_HOME = ".seatrial"
_AUDIT = "audit.json"
_COMMANDS = "criteria"
_RULES = ("verdict", "budgets", "coverage", "retries")
_MAX_TRIALS = 100
"""The newest are looked at, whatever commit they are of."""

_Trial = tuple[Record, RunFolder]


async def gather(
    project: Path,
    loaded: LoadedSettings,
    trial: str | None,
    now: datetime,
    *,
    environ: Mapping[str, str],
    audit: Callable[..., Awaitable[AuditReport]] = audit_project,
) -> Dossier:
    """Read what there is on the project's commit; the commands of its own criteria are run.

    `trial` names the one to be judged; None: the newest of this commit that ran the whole suite,
    else the newest of it, else the newest. What the audit and the commands came to is saved beside
    the approval.

    Raises:
        UsageFault: rules were given on the command line, the trial is not there, settings or
            waivers are not valid, or the commit to compare with is not in this clone.
        EnvironmentFault: what was found cannot be saved, or the ledger not be read.
    """
    _refuse_own_rules(loaded)
    settings, project = loaded.settings, await asyncio.to_thread(project.resolve)
    before = await asyncio.to_thread(read_commit, project)
    judged, _ = await asyncio.to_thread(_find, project, trial, before)
    folder = approval_folder(project, judged[0].id) if judged else None
    # First, since they may change what is looked at next.
    commands = await asyncio.to_thread(_run_commands, project, settings, folder, environ)
    report = await audit(
        project,
        settings,
        environ=environ,
        record=judged[0] if judged else None,
        has_tracked_files=has_tracked_files,
    )
    exhibit = _save_audit(project, folder, report) if folder else None
    dossier = await asyncio.to_thread(_read, project, settings, trial, before, now)
    return replace(dossier, audit=report, audit_exhibit=exhibit, command_results=commands)


def _refuse_own_rules(loaded: LoadedSettings) -> None:
    """A commit is judged by the rules that it holds."""
    for key, source in loaded.sources.items():
        if key.startswith(_RULES) and source == "command line":
            raise UsageFault(
                f"{key} was given on the command line, so it is not the commit's",
                where=key,
                next_step="set it in seatrial.toml and commit that",
            )


def _read(
    project: Path,
    settings: Settings,
    trial: str | None,
    before: Commit | None,
    now: datetime,
) -> Dossier:
    judged, found = _find(project, trial, before)
    ledger = _check_ledger(project)
    commit = _still(before, read_commit(project))
    if commit and judged and not _has_compose_files(project, judged[0]):
        commit = commit.model_copy(update={"dirty": True})
    trials = [judged] if judged else []
    trials += [one for one in found if one != judged and _is_of(one[0], commit)]
    base = find_base(project) if commit else None
    approved = find_earlier_approval(project, judged[0]) if judged else None
    changes: tuple[PolicyChange, ...] = ()
    if commit:
        changes = changed_policy(project, base, approved.commit if approved else None)
    return Dossier(
        settings=settings,
        commit=commit,
        trials=tuple(_evidence(project, *one, ledger, whole=True) for one in trials),
        earlier=tuple(
            _evidence(project, *one, ledger, whole=False) for one in found if one not in trials
        ),
        drills=find_rehearsal(project, settings, ledger, now),
        policy_base=base,
        policy_changes=changes,
        ledger_faults=(*ledger.faults, *_gone(project, ledger, commit)),
        waivers=read_waivers(project),
        source_files=own_sources(project) if commit else None,
        untested_files=_untested_files(project, settings, judged) if judged and commit else None,
        dockerfiles=_dockerfiles(project, judged[0], commit) if judged and commit else {},
        workflow_uploads=find_upload(project),
        approved_before=approved,
        committed=commit_time(project) if commit else None,
        now=now,
    )


def _find(
    project: Path, trial: str | None, commit: Commit | None
) -> tuple[_Trial | None, list[_Trial]]:
    """The trial to be judged, and all that were found."""
    found = list(newest_records(project, _MAX_TRIALS))
    if trial is not None:
        named = read_record(project, trial)
        return named, found if named in found else [*found, named]
    own = [one for one in found if _is_of(one[0], commit)]
    whole = [one for one in own if not part_of_the_suite(one[0])]
    return next(iter([*whole, *own, *found]), None), found


def _is_of(record: Record, commit: Commit | None) -> bool:
    tried = record.commit
    return bool(commit and tried and tried.id == commit.id and not tried.dirty)


def _still(before: Commit | None, after: Commit | None) -> Commit | None:
    """The commit, dirty if it was so before the project's commands ran or is so after them."""
    if before is None or after is None or before.id != after.id:
        return after and after.model_copy(update={"dirty": True})
    return after.model_copy(update={"dirty": before.dirty or after.dirty})


def _evidence(
    project: Path, record: Record, folder: RunFolder, ledger: LedgerCheck, *, whole: bool
) -> TrialEvidence:
    """Of trials of other commits only the records are evidence, so only these are checked."""
    faults = (check_trial if whole else check_record)(folder, record, ledger)
    file = folder.record.relative_to(project).as_posix()
    reuses = tuple(
        Reuse(line.time, max(0.0, (line.time - record.finished).total_seconds()))
        for line in ledger.reuses(folder.path.name)
    )
    exhibit = Exhibit(file, sha256_of(folder.record) or "0" * 64)
    return TrialEvidence(record, exhibit, faults, reuses)


def _check_ledger(project: Path) -> LedgerCheck:
    try:
        return check_ledger(project / _HOME)
    except FileNotFoundError:
        return LedgerCheck({}, ())
    except OSError as error:
        raise EnvironmentFault(
            f"the ledger cannot be read: {error.strerror}",
            where=str(error.filename or project / _HOME),
            next_step="check the permissions of the project's folder",
        ) from error


def _gone(project: Path, ledger: LedgerCheck, commit: Commit | None) -> list[str]:
    """Trials of this commit that somebody took away: they may not have passed."""
    return [
        f"trial {trial} of this commit is gone"
        for trial, line in ledger.lines.items()
        if commit
        and line.commit == commit.id
        and "/" not in trial
        and not (project / _HOME / "runs" / trial / "record.json").is_file()
    ]


def _has_compose_files(project: Path, record: Record) -> bool:
    """Whether the commit has those compose files of the trial that are in the project."""
    known = set(tracked_files(project, "."))
    places = (Path(file) for file in record.compose_files)
    own = [one for one in places if one.is_relative_to(project)]
    return all(one.relative_to(project).as_posix() in known for one in own)


def _untested_files(project: Path, settings: Settings, trial: _Trial) -> tuple[str, ...] | None:
    record, folder = trial
    if record.pytest is None or record.pytest.tests is None:
        return None
    with_results = files_of_tests(folder.path / record.pytest.tests)
    if with_results is None:
        return None
    return files_without_results(suite_files(project, settings.verdict.not_tests), with_results)


def _dockerfiles(project: Path, record: Record, commit: Commit) -> dict[str, Exhibit]:
    names = {image.dockerfile for image in record.build.images} if record.build else set()
    found = {name: sha256_at(project, commit.id, name) for name in names if name}
    return {name: Exhibit(name, sha256) for name, sha256 in sorted(found.items()) if sha256}


def _run_commands(
    project: Path, settings: Settings, folder: Path | None, environ: Mapping[str, str]
) -> dict[str, CommandResult]:
    if folder is None or not settings.verdict.command_criteria:
        return {}
    try:
        return run_commands(project, settings, folder / _COMMANDS, environ=environ)
    except OSError as error:
        raise file_fault("what a command printed", error, folder) from error


def _save_audit(project: Path, folder: Path, audit: AuditReport) -> Exhibit:
    content = (audit.model_dump_json(indent=2) + "\n").encode()
    path = folder / _AUDIT
    try:
        folder.mkdir(parents=True, exist_ok=True)
        path.unlink(missing_ok=True)  # it could be a link
        path.write_bytes(content)
    except OSError as error:
        raise file_fault("the audit", error, path) from error
    return Exhibit(path.relative_to(project).as_posix(), hashlib.sha256(content).hexdigest())
