import hashlib
from pathlib import Path

import pytest

from seatrial.errors import EnvironmentFault, UsageFault
from seatrial.evidence.folder import (
    RunFolder,
    list_records,
    manifest,
    new_run_folder,
    newest_records,
    read_record,
    write_record,
)
from unit.factories import make_record


def make_trial(project: Path, trial: str) -> RunFolder:
    folder = new_run_folder(project, trial)
    write_record(folder, make_record(id=trial))
    return folder


def test_a_new_trial_has_a_folder_that_version_control_ignores(tmp_path: Path) -> None:
    folder = new_run_folder(tmp_path, "t1")

    assert folder.path == tmp_path / ".seatrial/runs/t1"
    assert folder.logs.is_dir()
    assert (tmp_path / ".seatrial/.gitignore").read_text(encoding="utf-8") == "*\n"


def test_an_ignore_file_that_somebody_changed_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / ".seatrial").mkdir()
    (tmp_path / ".seatrial/.gitignore").write_text("mine\n", encoding="utf-8")

    new_run_folder(tmp_path, "t1")

    assert (tmp_path / ".seatrial/.gitignore").read_text(encoding="utf-8") == "mine\n"


def test_a_folder_that_cannot_be_made_is_a_fault(tmp_path: Path) -> None:
    (tmp_path / ".seatrial").write_text("a file", encoding="utf-8")

    with pytest.raises(EnvironmentFault) as raised:
        new_run_folder(tmp_path, "t1")

    assert str(tmp_path) in raised.value.where


def test_the_newest_record_is_the_latest(tmp_path: Path) -> None:
    make_trial(tmp_path, "20260101-000000-aaaaaa")
    newest = make_trial(tmp_path, "20260102-000000-bbbbbb")

    record, folder = read_record(tmp_path, None)

    assert record.id == "20260102-000000-bbbbbb"
    assert folder == newest
    assert (tmp_path / ".seatrial/latest").readlink() == Path("runs/20260102-000000-bbbbbb")
    assert sorted(path.name for path in newest.path.iterdir()) == ["logs", "record.json"]


@pytest.mark.parametrize("part", ["20260101-000000-aaaaaa", "20260101", "aaaaaa"])
def test_a_record_is_found_by_its_id_or_the_start_or_end_of_it(tmp_path: Path, part: str) -> None:
    make_trial(tmp_path, "20260101-000000-aaaaaa")
    make_trial(tmp_path, "20260102-000000-bbbbbb")

    assert read_record(tmp_path, part)[0].id == "20260101-000000-aaaaaa"


def test_an_id_that_is_also_the_start_of_another_is_found(tmp_path: Path) -> None:
    make_trial(tmp_path, "a")
    make_trial(tmp_path, "ab")

    assert read_record(tmp_path, "a")[0].id == "a"


@pytest.mark.parametrize(("part", "words"), [("2026", "2 trials fit"), ("x", "there is no trial")])
def test_an_id_that_fits_none_or_several_is_a_fault(tmp_path: Path, part: str, words: str) -> None:
    make_trial(tmp_path, "20260101-000000-aaaaaa")
    make_trial(tmp_path, "20260102-000000-bbbbbb")

    with pytest.raises(UsageFault, match=words) as raised:
        read_record(tmp_path, part)

    assert "seatrial list" in raised.value.next_step


def test_a_project_without_trials_is_told_how_to_make_one(tmp_path: Path) -> None:
    with pytest.raises(UsageFault, match="no trial yet") as raised:
        read_record(tmp_path, None)

    assert "seatrial run" in raised.value.next_step
    assert list_records(tmp_path) == []


@pytest.mark.parametrize("content", ["", "{", "[]", '{"schema_version": 2}'])
def test_a_record_that_cannot_be_read_is_a_fault_and_hides_no_other(
    tmp_path: Path, content: str
) -> None:
    make_trial(tmp_path, "20260101-000000-aaaaaa")
    broken = make_trial(tmp_path, "20260102-000000-bbbbbb")
    broken.record.write_text(content, encoding="utf-8")

    with pytest.raises(UsageFault) as raised:
        read_record(tmp_path, "bbbbbb")

    assert raised.value.where == str(broken.record)
    assert [record.id for record in list_records(tmp_path)] == ["20260101-000000-aaaaaa"]


def test_records_are_listed_newest_first(tmp_path: Path) -> None:
    for trial in ("20260101-1", "20260103-1", "20260102-1"):
        make_trial(tmp_path, trial)

    assert [r.id for r in list_records(tmp_path)] == ["20260103-1", "20260102-1", "20260101-1"]


def test_the_manifest_has_every_file_but_the_record(tmp_path: Path) -> None:
    folder = make_trial(tmp_path, "t1")
    (folder.logs / "db.log").write_bytes(b"ready\n")
    folder.output.mkdir()
    (folder.output / "link").symlink_to("/etc/passwd")

    [entry] = manifest(folder)

    assert (entry.path, entry.size) == ("logs/db.log", 6)
    assert entry.sha256 == hashlib.sha256(b"ready\n").hexdigest()


def test_the_newest_records_come_first_and_older_ones_are_not_opened(tmp_path: Path) -> None:
    for day in range(1, 6):
        make_trial(tmp_path, f"2026010{day}-000000-aaaaaa")
    newest = tmp_path / ".seatrial/runs/20260105-000000-aaaaaa"
    (newest / "record.json").write_text("{", encoding="utf-8")
    (tmp_path / ".seatrial/runs/20260106-000000-running").mkdir()

    found = [(record.id[7], folder.path.name[7]) for record, folder in newest_records(tmp_path, 3)]

    assert found == [("4", "4"), ("3", "3")]


def test_a_project_without_trials_has_no_newest_records(tmp_path: Path) -> None:
    assert list(newest_records(tmp_path, 3)) == []
