"""The project whose verdict the tests attest."""

from pathlib import Path

import pytest

from seatrial.evidence.commit import read_commit
from seatrial.evidence.folder import new_run_folder
from seatrial.evidence.tests import TestResult, write_results
from unit.factories import make_pytest, make_record

from .judged import git, judge


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A project with one judged trial of its commit."""
    project = tmp_path / "shop"
    project.mkdir()
    git(project, "init", "-q")
    (project / "compose.test.yml").write_text("services: {}\n")
    (project / ".gitignore").write_text(".seatrial/\n")
    git(project, "add", ".")
    git(project, "commit", "-qm", "Begin")
    folder = new_run_folder(project, "20260102-030405-a1b2c3")
    with write_results(folder.path / "tests.jsonl") as write:
        write(TestResult("test_a.py::a", "passed", "c"))
    record = make_record(
        commit=read_commit(project),
        compose_files=(str(project / "compose.test.yml"),),
        pytest=make_pytest(passed=1, tests="tests.jsonl"),
    )
    judge(project, folder, record)
    return project
