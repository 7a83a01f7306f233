"""What an earlier trial kept is used only if it is what its record and the ledger name."""

from pathlib import Path
from typing import Any

import pytest

from seatrial.evidence.contexts import Contexts, save_contexts
from seatrial.evidence.coverage import Coverage, CoverageParts
from seatrial.evidence.folder import RunFolder, manifest, new_run_folder, write_record
from seatrial.trial.coverage_parts import find_stored
from unit.factories import make_record

TRIAL = "20260101-000001-abcdef"
NONE = Contexts(tests={}, files={}, modules={})


def kept(project: Path, **values: Any) -> RunFolder:
    folder = new_run_folder(project, TRIAL)
    coverage = folder.path / "coverage"
    coverage.mkdir()
    (coverage / "by-test.coverage").write_bytes(b"data")
    (coverage / "by-test.json").write_bytes(b"{}")
    save_contexts(coverage / "contexts.json", NONE)
    write_record(folder, make_record(id=TRIAL, files=manifest(folder), **values))
    return folder


def test_it_is_found_as_it_was_written(tmp_path: Path) -> None:
    folder = kept(tmp_path)

    assert find_stored(tmp_path, TRIAL) == (folder.path / "coverage", NONE)


@pytest.mark.parametrize("name", ["by-test.coverage", "by-test.json", "contexts.json"])
def test_a_file_that_was_edited_is_not_used(tmp_path: Path, name: str) -> None:
    path = kept(tmp_path).path / "coverage" / name
    path.write_bytes(path.read_bytes() + b" ")

    found = find_stored(tmp_path, TRIAL)

    assert found == f"coverage/{name} of trial {TRIAL} is not what its record names"


def test_a_record_that_was_edited_is_not_believed(tmp_path: Path) -> None:
    folder = kept(tmp_path)
    folder.record.write_bytes(folder.record.read_bytes() + b" ")

    assert "not the one that the ledger names" in str(find_stored(tmp_path, TRIAL))


def test_a_trial_that_kept_nothing_says_why(tmp_path: Path) -> None:
    parts = CoverageParts(together=False, since="t0", reason="a.py differs")
    folder = new_run_folder(tmp_path, TRIAL)
    coverage = Coverage(measured=True, parts=parts)
    write_record(folder, make_record(id=TRIAL, coverage=coverage))

    assert find_stored(tmp_path, TRIAL) == (
        f"trial {TRIAL} did not keep which test covers what: a.py differs"
    )


def test_a_trial_that_is_gone_is_told(tmp_path: Path) -> None:
    assert "cannot be read" in str(find_stored(tmp_path, TRIAL))
