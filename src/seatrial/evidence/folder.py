"""The folder `.seatrial` of a project: one folder per trial, and a pointer to the newest."""

import hashlib
import os
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path

from pydantic import ValidationError

from seatrial.errors import EnvironmentFault, UsageFault
from seatrial.evidence.ledger import open_ledger
from seatrial.evidence.record import FileEntry, Record

__all__ = [
    "RunFolder",
    "file_fault",
    "list_records",
    "new_run_folder",
    "newest_records",
    "own_folder",
    "read_record",
    "write_record",
]

_HOME = ".seatrial"
_RECORD = "record.json"
_LATEST = "latest"
_MAX_RECORD = 64 << 20
"""Bytes; what is larger was not written by Seatrial, which bounds all that it puts in."""


@dataclass(frozen=True)
class RunFolder:
    """Where one trial keeps its files."""

    path: Path

    @property
    def logs(self) -> Path:
        """One log per container, and the build's."""
        return self.path / "logs"

    @property
    def output(self) -> Path:
        """What the containers wrote to mounted output folders."""
        return self.path / "output"

    @property
    def record(self) -> Path:
        """The record itself."""
        return self.path / _RECORD


def _utc_now() -> datetime:
    return datetime.now(UTC)


def own_folder(project: Path) -> Path:
    """The folder in a project that is Seatrial's own."""
    return project / _HOME


def new_run_folder(project: Path, trial: str) -> RunFolder:
    """Make the folder of a new trial; version control is told to ignore all of `.seatrial`.

    Raises:
        EnvironmentFault: the folder cannot be made.
    """
    home = project / _HOME
    folder = RunFolder(home / "runs" / trial)
    try:
        folder.logs.mkdir(parents=True)
        tell_git_to_ignore(project)
    except OSError as error:
        raise file_fault("the trial's folder", error, folder.path) from error
    return folder


def tell_git_to_ignore(project: Path) -> None:
    """Have version control ignore all of `.seatrial`, which must be there.

    Raises:
        OSError: it cannot be written.
    """
    ignore = project / _HOME / ".gitignore"
    if not ignore.exists():
        ignore.write_text("*\n", encoding="utf-8")


def file_fault(what: str, error: OSError, place: Path) -> EnvironmentFault:
    """Say that `what`, which is at or below `place`, could not be written."""
    return EnvironmentFault(
        f"{what} cannot be written: {error.strerror or error}",
        where=str(error.filename or place),
        next_step="check the free space and the permissions of the project's folder",
    )


def write_record(
    folder: RunFolder, record: Record, wall_clock: Callable[[], datetime] = _utc_now
) -> None:
    """Write the record whole or not at all, enter it in the ledger, and point `latest` to it.

    Raises:
        EnvironmentFault: the disk is full or not writable.
    """
    draft = folder.record.with_suffix(".json.part")
    try:
        content = (record.model_dump_json(indent=2) + "\n").encode()
        draft.write_bytes(content)
        home = folder.path.parent.parent
        with open_ledger(home) as ledger:
            commit = record.commit.id if record.commit else None
            ledger.append(folder.path.name, commit, content, wall_clock())
            draft.replace(folder.record)
        latest = home / _LATEST
        pointer = latest.with_name(f"{_LATEST}.{record.id}")
        pointer.symlink_to(Path("runs") / folder.path.name)
        pointer.replace(latest)
    except OSError as error:
        draft.unlink(missing_ok=True)
        raise file_fault("the record", error, folder.record) from error


def manifest(folder: RunFolder) -> tuple[FileEntry, ...]:
    """Size and SHA-256 of every file in a trial's folder but the record."""
    return manifest_of(folder.path, but=(folder.record,))


def manifest_of(folder: Path, *, but: Collection[Path] = ()) -> tuple[FileEntry, ...]:
    """Size and SHA-256 of every file below a folder; symbolic links are passed over."""
    return tuple(
        FileEntry(
            path=path.relative_to(folder).as_posix(),
            size=path.stat().st_size,
            sha256=_sha256(path),
        )
        for path in sorted(_files(folder))
        if path not in but
    )


def list_records(project: Path) -> list[Record]:
    """All readable records of a project, newest first; trials without a record are passed over."""
    records = []
    for path in sorted((project / _HOME / "runs").glob(f"*/{_RECORD}"), reverse=True):
        try:
            records.append(_parse(path))
        except UsageFault:
            continue
    return records


def newest_records(project: Path, at_most: int) -> Iterator[tuple[Record, RunFolder]]:
    """The newest trials with readable records, newest first; older ones are not even opened."""
    try:
        paths = sorted((project / _HOME / "runs").iterdir(), reverse=True)
    except OSError:
        return
    recorded = (folder for folder in map(RunFolder, paths) if folder.record.is_file())
    for folder in islice(recorded, at_most):
        try:
            if folder.record.stat().st_size <= _MAX_RECORD:
                yield _parse(folder.record), folder
        except (UsageFault, OSError):
            continue


def read_record(project: Path, trial: str | None) -> tuple[Record, RunFolder]:
    """The record of a trial, by its id or the unique start or end of it; None: the newest.

    Raises:
        UsageFault: there is none, more than one fits, or it cannot be read.
    """
    runs = project / _HOME / "runs"
    if trial is None:
        path = project / _HOME / _LATEST
        if not (path / _RECORD).is_file():
            raise UsageFault(
                "there is no trial yet", where=str(project), next_step="make one: seatrial run"
            )
        folder = RunFolder(path.resolve())
        return _parse(folder.record), folder
    found = [
        path.parent
        for path in sorted(runs.glob(f"*/{_RECORD}"))
        if path.parent.name.startswith(trial) or path.parent.name.endswith(trial)
    ]
    exact = [path for path in found if path.name == trial]
    if len(exact or found) != 1:
        raise UsageFault(
            f"{len(found)} trials fit {trial!r}" if found else f"there is no trial {trial!r}",
            where=str(runs),
            next_step="seatrial list shows the ids",
        )
    folder = RunFolder((exact or found)[0])
    return _parse(folder.record), folder


def _parse(path: Path) -> Record:
    try:
        return Record.model_validate_json(path.read_bytes())
    except OSError as error:
        raise UsageFault(f"the record cannot be read: {error.strerror}", where=str(path)) from error
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"])
        raise UsageFault(
            f"the record does not fit its schema: {place}: {first['msg']}",
            where=str(path),
            next_step="it was edited, cut off, or written by another version of Seatrial",
        ) from error


def _files(folder: Path) -> Iterator[Path]:
    for root, _, names in os.walk(folder):
        for name in names:
            path = Path(root) / name
            if path.is_file() and not path.is_symlink():
                yield path


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
