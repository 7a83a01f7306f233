"""Whether the files of a trial or a rehearsal are still what was written when it ended."""

import hashlib
import os
from collections.abc import Iterator, Sequence
from pathlib import Path

from seatrial.evidence.folder import RunFolder
from seatrial.evidence.hostile import plain_text
from seatrial.evidence.ledger import LedgerCheck
from seatrial.evidence.record import FileEntry, Record

__all__ = ["check_files", "check_record", "check_trial", "sha256_of"]

_MAX_TOLD = 20


def check_trial(folder: RunFolder, record: Record, ledger: LedgerCheck) -> tuple[str, ...]:
    """What shows that a trial's evidence is not as the trial left it; empty: nothing.

    Links are followed nowhere: no trial makes one.
    """
    files = check_files(folder.path, record.files, beside=(folder.record.name,))
    return (*check_record(folder, record, ledger), *files)


def check_record(folder: RunFolder, record: Record, ledger: LedgerCheck) -> tuple[str, ...]:
    """The same of the record alone."""
    faults = []
    if record.id != folder.path.name:
        faults.append(f"the record is of another trial: {plain_text(record.id)}")
    line = ledger.lines.get(folder.path.name)
    if line is None:
        older = folder.path.name in ledger.older
        faults.append("older than the ledger" if older else "the ledger does not name it")
    elif sha256_of(folder.record) != line.record:
        faults.append("the record is not the one that the ledger names")
    return tuple(faults)


def check_files(
    folder: Path, files: Sequence[FileEntry], *, beside: Sequence[str] = ()
) -> tuple[str, ...]:
    """How the files in a folder differ from its manifest; `beside` is what that does not name."""
    faults = []
    found = dict(_files(folder))
    for entry in files:
        size = found.pop(entry.path, None)
        if size is None:
            faults.append(f"{entry.path} is missing")
        elif size < 0:
            faults.append(f"{entry.path} is no file any more")
        elif size != entry.size:
            faults.append(f"{entry.path} has {size} bytes instead of {entry.size}")
        elif sha256_of(folder / entry.path) != entry.sha256:
            faults.append(f"{entry.path} has another content")
    faults += [f"{path} was added" for path in sorted(found) if path not in beside]
    if len(faults) > _MAX_TOLD:
        faults[_MAX_TOLD:] = [f"and {len(faults) - _MAX_TOLD} more"]
    return tuple(plain_text(fault) for fault in faults)


def sha256_of(path: Path) -> str | None:
    """Of a file's content; None if it cannot be read."""
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError:
        return None


def _files(folder: Path) -> Iterator[tuple[str, int]]:
    """All that is no folder, with its size; -1 for what is no file."""
    for root, folders, names in os.walk(folder):
        for name in [*names, *(each for each in folders if Path(root, each).is_symlink())]:
            path = Path(root, name)
            regular = path.is_file() and not path.is_symlink()
            yield path.relative_to(folder).as_posix(), path.lstat().st_size if regular else -1
