"""Makes past trials of a project; a test names only what it is about."""

import json
from pathlib import Path
from typing import Any

from seatrial.evidence.folder import RunFolder, new_run_folder, write_record
from seatrial.evidence.tests import TEST_RESULTS_FILE, TestResult, write_results
from unit.factories import make_pytest, make_record


def make_trial(
    project: Path,
    number: int,
    results: dict[str, float | TestResult],
    *,
    exit_status: int | None = 0,
    **values: Any,
) -> RunFolder:
    """A trial whose tests took so many seconds, or ended as said; higher numbers are newer."""
    trial = f"20260101-{number:06d}-abcdef"
    folder = new_run_folder(project, trial)
    with write_results(folder.path / TEST_RESULTS_FILE) as write:
        for test, result in results.items():
            write(make_result(test, result) if isinstance(result, float | int) else result)
    values.setdefault("pytest", make_pytest(exit_status, passed=len(results)))
    write_record(folder, make_record(id=trial, **values))
    return folder


def make_result(test: str, call: float | None, **values: Any) -> TestResult:
    """A test that passed."""
    defaults: dict[str, Any] = {"outcome": "passed", "container": "c1", "setup": 0.0, "call": call}
    return TestResult(id=test, **(defaults | {"teardown": 0.0} | values))


def add_lines(folder: RunFolder, *lines: object) -> None:
    """Write more into a trial's file of results: bytes as they are, all else as JSON."""
    with (folder.path / TEST_RESULTS_FILE).open("ab") as file:
        for line in lines:
            file.write((line if isinstance(line, bytes) else json.dumps(line).encode()) + b"\n")
