import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from seatrial.drill.breakings import BAD, Breaking, Expected
from seatrial.drill.judging import judge
from seatrial.drill.program import Ended
from seatrial.evidence.diagnosis import Diagnosis
from seatrial.evidence.drills import DrillResult
from seatrial.evidence.record import CleanUp, Fault, FileEntry, Record, Status
from unit.factories import make_pytest, make_record

FAILED: Mapping[str, Any] = {
    "status": Status.FAILED,
    "exit_code": 1,
    "reason": "1 of 1 tests failed",
    "fault": Fault(what="1 of 1 tests failed"),
    "diagnosis": Diagnosis(at=datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC), seconds=1),
    "pytest": make_pytest(1, failed=1, tests="tests.jsonl"),
}
TEST_FAILS = Breaking(
    what="a test that fails was put in",
    expected=Expected(
        exit_codes=(1,),
        status=Status.FAILED,
        cause="the test",
        names_cause=lambda record: "1 of 1" in record.reason,
        outcomes={"test_x": BAD},
    ),
)
KILLED = Breaking(
    what="it was killed", expected=Expected(exit_codes=(-9,), status=None, cause="nothing")
)


@dataclass(frozen=True)
class Trial:
    """What a drill's trial came to; by default what it should."""

    record: Mapping[str, Any] = field(default_factory=dict)
    tests: Mapping[str, str] = field(default_factory=lambda: {"tests/test_x.py::test_x": "failed"})
    exit_code: int | None = 1
    stdout: bytes | None = None
    stderr: bytes = b""
    fault: str = ""
    left: Sequence[str] = ()
    unlisted: Mapping[str, str] = field(default_factory=dict)
    edited: bool = False
    written: bool = True


def judged(trial: Trial, folder: Path, breaking: Breaking = TEST_FAILS) -> DrillResult:
    lines = [json.dumps({"id": i, "outcome": o, "container": "c"}) for i, o in trial.tests.items()]
    text = "\n".join(lines) + "\n"
    listed = FileEntry(
        path="tests.jsonl", size=len(text), sha256=hashlib.sha256(text.encode()).hexdigest()
    )
    record: Record = make_record(**{**FAILED, "files": (listed,), **trial.record})
    files = {"tests.jsonl": text + " " * trial.edited, **trial.unlisted}
    if trial.written:
        files["record.json"] = record.model_dump_json()
    for name, content in files.items():
        (folder / name).write_text(content, encoding="utf-8")
    stdout = record.model_dump_json().encode() if trial.stdout is None else trial.stdout
    ended = Ended(trial.exit_code, stdout, trial.stderr, "t1", trial.fault)
    return judge(
        "test-fails", breaking, ended, trial=folder, left=trial.left, seconds=1.5, record="r.json"
    )


def test_a_trial_that_did_what_it_should_passes(tmp_path: Path) -> None:
    result = judged(Trial(), tmp_path)

    assert result.faults == ()
    assert result.passed
    assert result.diagnosed
    assert (result.exit_code, result.expected_exit_codes) == (1, (1,))
    assert result.reason == "1 of 1 tests failed"
    assert result.record == "r.json"


FAULTS = {
    "another exit code": (Trial(exit_code=0), "the exit code was 0 and not 1"),
    "no end": (Trial(exit_code=None), "did not end in time"),
    "a traceback": (Trial(stderr=b"x\nTraceback (most recent call last):\n"), "traceback"),
    "something left": (Trial(left=("db-1",)), "left in the engine: db-1"),
    "the drill itself failed": (Trial(fault="KeyError: x"), "could not do what it wanted"),
    "another status": (Trial({"status": Status.ENVIRONMENT}), "the status is"),
    "no cause": (Trial({"reason": "it failed"}), "does not name the test: it failed"),
    "no fault": (Trial({"fault": None}), "does not say what went wrong"),
    "no diagnosis": (Trial({"diagnosis": None}), "no diagnosis"),
    "no phases": (Trial({"phases": ()}), "no phase"),
    "left, says the record": (
        Trial({"clean_up": CleanUp(left=("db-1",))}),
        "the record itself says that something was left: db-1",
    ),
    "the record's exit code": (Trial({"exit_code": 0}), "the record has exit code 0"),
    "a failure turned into a pass": (
        Trial(tests={"tests/test_x.py::test_x": "passed"}),
        "test_x was told as passed, and not as error or failed",
    ),
    "a failure that is hidden": (Trial(tests={"t.py::test_y": "failed"}), "test_x has no result"),
    "no results": (Trial({"pytest": None}), "no test results"),
    "a file that was edited": (Trial(edited=True), "tests.jsonl is not what the record says"),
    "a file that is not listed": (Trial(unlisted={"x.log": ""}), "does not list x.log"),
    "a file that is missing": (
        Trial({"files": (FileEntry(path="gone", size=0, sha256="0" * 64),)}),
        "lists gone, which is not there",
    ),
    "no record": (Trial(stdout=b"", stderr=b"error: no engine\n"), "said: error: no engine"),
    "no written record": (Trial(written=False), "cannot be read"),
}


@pytest.mark.parametrize(
    ("trial", "fault"), [pytest.param(*row, id=name) for name, row in FAULTS.items()]
)
def test_what_is_not_as_it_should_be_fails_the_drill(
    tmp_path: Path, trial: Trial, fault: str
) -> None:
    result = judged(trial, tmp_path)

    assert result.passed is False
    assert any(fault in one for one in result.faults), result.faults


def test_what_the_reaper_writes_afterwards_is_no_fault(tmp_path: Path) -> None:
    assert judged(Trial(unlisted={"reaper.log": "x"}), tmp_path).passed


def test_after_a_kill_no_record_is_the_right_record(tmp_path: Path) -> None:
    result = judged(Trial(exit_code=-9, stdout=b"", written=False), tmp_path, KILLED)

    assert result.faults == ()
    assert result.diagnosed is None
    assert result.record is None


def test_a_record_of_a_trial_that_was_killed_is_a_fault(tmp_path: Path) -> None:
    result = judged(Trial(exit_code=-9, stdout=b""), tmp_path, KILLED)

    assert any("did not come to its end" in fault for fault in result.faults)
