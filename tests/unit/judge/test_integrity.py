"""What shows that evidence was touched."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from seatrial.evidence.folder import RunFolder, manifest, new_run_folder, write_record
from seatrial.evidence.ledger import LEDGER, check_ledger
from seatrial.evidence.record import Record
from seatrial.judge.integrity import check_trial
from unit.factories import make_record

_TRIAL = "20260101-000000-aaaaaa"


@pytest.fixture
def folder(tmp_path: Path) -> RunFolder:
    made = new_run_folder(tmp_path, _TRIAL)
    (made.logs / "db.log").write_text("ready\n")
    (made.path / "junit.xml").write_text("<testsuite/>")
    write_record(made, make_record(id=_TRIAL, files=manifest(made)))
    return made


def check(folder: RunFolder) -> tuple[str, ...]:
    record = Record.model_validate_json(folder.record.read_bytes())
    return check_trial(folder, record, check_ledger(folder.path.parents[1]))


def test_a_trial_as_it_ended_is_without_fault(folder: RunFolder) -> None:
    assert check(folder) == ()


def _edit_record(path: Path) -> None:
    record = path / "record.json"
    record.write_text(record.read_text().replace('"passed": 3', '"passed": 4'))


def _link_in_its_place(path: Path) -> None:
    (path / "junit.xml").rename(path.parent / "elsewhere.xml")
    (path / "junit.xml").symlink_to(path.parent / "elsewhere.xml")


_TOUCHES: dict[str, Callable[[Path], object]] = {
    "junit.xml has another content": lambda path: (path / "junit.xml").write_text("<testsuitf/>"),
    "junit.xml has 1 bytes instead of 12": lambda path: (path / "junit.xml").write_text("<"),
    "logs/db.log is missing": lambda path: (path / "logs/db.log").unlink(),
    "logs/web.log was added": lambda path: (path / "logs/web.log").touch(),
    "output was added": lambda path: (path / "output").symlink_to("/"),
    "pipe was added": lambda path: os.mkfifo(path / "pipe"),
    "junit.xml is no file any more": _link_in_its_place,
    "the record is not the one that the ledger names": _edit_record,
    "older than the ledger": lambda path: (path.parents[1] / LEDGER).unlink(),
}


@pytest.mark.parametrize("fault", _TOUCHES)
def test_what_was_touched_is_named(folder: RunFolder, fault: str) -> None:
    _TOUCHES[fault](folder.path)
    assert check(folder) == (fault,)


def test_another_trials_record_is_not_believed(folder: RunFolder) -> None:
    copy = RunFolder(folder.path.with_name("20260102-000000-bbbbbb"))
    folder.path.rename(copy.path)
    assert check(copy) == (
        f"the record is of another trial: {_TRIAL}",
        "the ledger does not name it",
    )
