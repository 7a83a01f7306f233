"""What the ledger notices."""

import json
import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from seatrial.evidence.folder import new_run_folder, write_record
from seatrial.evidence.ledger import LEDGER, LedgerCheck, check_ledger, drills_name, open_ledger
from seatrial.evidence.record import Commit
from unit.factories import make_record

_NAMES = ("20260101-000000-aaaaaa", "20260102-000000-bbbbbb", "20260103-000000-cccccc")
_NOW = datetime(2026, 1, 4, tzinfo=UTC)


def record_trial(project: Path, trial: str, now: datetime = _NOW) -> Path:
    folder = new_run_folder(project, trial)
    commit = Commit(id="c" * 40, dirty=False)
    write_record(folder, make_record(id=trial, commit=commit), lambda: now)
    return folder.record


def check(project: Path) -> LedgerCheck:
    return check_ledger(project / ".seatrial")


@pytest.fixture(scope="module")
def three(tmp_path_factory: pytest.TempPathFactory) -> Path:
    project = tmp_path_factory.mktemp("three")
    for name in _NAMES:
        record_trial(project, name)
    return project


@pytest.fixture(scope="module")
def ledger(three: Path) -> bytes:
    return (three / ".seatrial" / LEDGER).read_bytes()


def test_trials_as_they_were_written_are_without_fault(three: Path) -> None:
    found = check(three)
    assert found.faults == ()
    assert tuple(found.lines) == _NAMES
    assert found.lines[_NAMES[0]].commit == "c" * 40
    assert not found.older


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(data=st.data())
def test_any_changed_byte_is_noticed(three: Path, ledger: bytes, data: st.DataObject) -> None:
    place = data.draw(st.integers(0, len(ledger) - 1))
    value = data.draw(st.integers(0, 255).filter(lambda value: value != ledger[place]))
    assert faults_of(three, ledger[:place] + bytes([value]) + ledger[place + 1 :])


@settings(deadline=None)
@given(data=st.data())
def test_any_cut_and_any_insertion_is_noticed(
    three: Path, ledger: bytes, data: st.DataObject
) -> None:
    start = data.draw(st.integers(0, len(ledger) - 1))
    end = data.draw(st.integers(start + 1, len(ledger)))
    if not (start == 0 and end == len(ledger)):
        assert faults_of(three, ledger[:start] + ledger[end:])
    assert faults_of(three, ledger[:start] + ledger[start:end] + ledger[start:])


@pytest.mark.parametrize("order", [(1, 0, 2), (0, 2, 1), (2, 1, 0), (1, 2), (0, 2), (0, 1), (2,)])
def test_lines_moved_or_removed_are_noticed(
    three: Path, ledger: bytes, order: tuple[int, ...]
) -> None:
    lines = ledger.splitlines(keepends=True)
    assert faults_of(three, b"".join(lines[number] for number in order))


def faults_of(project: Path, content: bytes) -> tuple[str, ...]:
    file = project / ".seatrial" / LEDGER
    before = file.read_bytes()
    try:
        file.write_bytes(content)
        return check(project).faults
    finally:
        file.write_bytes(before)


def test_an_edited_record_is_noticed(tmp_path: Path) -> None:
    record = record_trial(tmp_path, _NAMES[0])
    record.write_bytes(record.read_bytes().replace(b'"passed": 3', b'"passed": 4'))
    [fault] = check(tmp_path).faults
    assert fault == f"the record of {_NAMES[0]} is not the one that the ledger names"


def test_a_record_put_in_is_noticed(tmp_path: Path) -> None:
    record = record_trial(tmp_path, _NAMES[0])
    copy = tmp_path / ".seatrial/runs" / _NAMES[1] / "record.json"
    copy.parent.mkdir()
    copy.write_bytes(record.read_bytes())
    [fault] = check(tmp_path).faults
    assert fault == f"{_NAMES[1]} is not in the ledger, though it is not older"


def test_trials_from_before_the_ledger_are_named_and_no_fault(tmp_path: Path) -> None:
    record_trial(tmp_path, _NAMES[0])
    (tmp_path / ".seatrial" / LEDGER).unlink()
    without = check(tmp_path)
    assert not without.faults
    assert without.older == {_NAMES[0]}
    record_trial(tmp_path, _NAMES[1])
    found = check(tmp_path)
    assert not found.faults
    assert found.older == {_NAMES[0]}


def test_a_record_written_again_by_seatrial_counts_as_it_is_now(tmp_path: Path) -> None:
    record_trial(tmp_path, _NAMES[0])
    folder = new_run_folder(tmp_path, _NAMES[1])
    for finding in ("before", "after"):
        write_record(folder, make_record(id=_NAMES[1], findings=(finding,)), lambda: _NOW)
    assert check(tmp_path).faults == ()


@pytest.mark.parametrize(("back", "faults"), [(30, 0), (90, 1)])
def test_a_clock_that_was_put_back_is_noticed(tmp_path: Path, back: int, faults: int) -> None:
    record_trial(tmp_path, _NAMES[0])
    record_trial(tmp_path, _NAMES[1], _NOW - timedelta(seconds=back))
    assert len(check(tmp_path).faults) == faults


def test_a_folder_tidied_away_is_no_fault_and_stays_in_the_ledger(tmp_path: Path) -> None:
    record_trial(tmp_path, _NAMES[0]).unlink()
    assert check(tmp_path).faults == ()
    assert _NAMES[0] in check(tmp_path).lines


def test_reports_on_rehearsals_are_in_it_too(tmp_path: Path) -> None:
    record_trial(tmp_path, _NAMES[0])
    home = tmp_path / ".seatrial"
    report = home / "drills" / _NAMES[1] / "drills.json"
    report.parent.mkdir(parents=True)
    report.write_bytes(b"{}")
    [fault] = check(tmp_path).faults
    assert fault == f"drills/{_NAMES[1]} is not in the ledger, though it is not older"
    with open_ledger(home) as ledger:
        ledger.append(drills_name(_NAMES[1]), None, b"{}", _NOW)
    assert check(tmp_path).faults == ()
    report.write_bytes(b"[]")
    [fault] = check(tmp_path).faults
    assert fault == f"the record of drills/{_NAMES[1]} is not the one that the ledger names"


def test_a_line_that_was_cut_off_does_not_spoil_the_next(tmp_path: Path) -> None:
    record_trial(tmp_path, _NAMES[0])
    file = tmp_path / ".seatrial" / LEDGER
    file.write_bytes(file.read_bytes()[:-9])
    record_trial(tmp_path, _NAMES[1])
    found = check(tmp_path)
    assert "line 1 of the ledger was changed" in found.faults
    assert _NAMES[1] in found.lines


def test_trials_that_end_at_once_get_a_line_each(tmp_path: Path) -> None:
    names = [f"20260101-0000{number:02}-aaaaaa" for number in range(16)]
    run_together([partial(record_trial, tmp_path, name) for name in names])
    found = check(tmp_path)
    assert found.faults == ()
    assert sorted(found.lines) == names


def run_together(works: list[Callable[[], object]]) -> None:
    threads = [threading.Thread(target=work) for work in works]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def test_a_link_in_the_ledgers_place_is_refused(tmp_path: Path) -> None:
    (tmp_path / "elsewhere").touch()
    (tmp_path / LEDGER).symlink_to(tmp_path / "elsewhere")
    with pytest.raises(OSError, match="symbolic links"), open_ledger(tmp_path):
        pass


@pytest.mark.parametrize("text", [b"[]", b"3", b"{}", b'"line"', b"[" * 3000, b"\xff", b"null"])
def test_a_line_that_is_something_else_is_a_fault(tmp_path: Path, text: bytes) -> None:
    (tmp_path / LEDGER).write_bytes(text + b"\n")
    assert check_ledger(tmp_path).faults == ("line 1 of the ledger was changed",)


def test_of_many_faults_the_first_are_told(tmp_path: Path) -> None:
    (tmp_path / LEDGER).write_text(json.dumps({}) + "\n" * 50)
    faults = check_ledger(tmp_path).faults
    assert len(faults) == 21
    assert faults[-1] == "and 30 more"
