"""`seatrial approve` as a user calls it, on trials that really ran."""

import json
import subprocess
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator

from .program import run_trial, seatrial
from .projects import MakeProject, Project, compose_with

pytestmark = pytest.mark.alone


def commit(made: Project) -> None:
    git = ["git", "-C", str(made.folder), "-c", "user.name=a", "-c", "user.email=a@b.example"]
    for command in (["init", "--quiet"], ["add", "--all"], ["commit", "--quiet", "-m", "one"]):
        subprocess.run([*git, *command], check=True, capture_output=True)


@pytest.fixture
def tried(project: MakeProject) -> Project:
    """A project whose tests pass, committed and tried once; nothing else was done for it.

    Its command passes over a test file, and there is a file of tools that is called like one.
    """
    made = project(
        compose=compose_with(command="pytest -q -p no:cacheprovider test_sample.py"),
        files={
            "hard/test_hard.py": "def test_fails(): assert False\n",
            "test_tools.py": "def make_order(): pass\n",
        },
    )
    commit(made)
    assert run_trial(made).code == 0
    return made


def documents(folder: Path) -> tuple[bytes, bytes]:
    return (folder / "APPROVAL.md").read_bytes(), (folder / "approval.json").read_bytes()


def test_tests_that_pass_are_not_enough_and_the_document_says_what_is_missing(
    tried: Project, tmp_path: Path
) -> None:
    ended = seatrial("approve", "--output", str(tmp_path / "out"), cwd=tried.folder)

    assert ended.code == 1, ended.stderr
    markdown, text = documents(tmp_path / "out")
    approval = json.loads(text)
    schema = json.loads(seatrial("schema", "--of", "approval", cwd=tried.folder).stdout)
    Draft202012Validator(schema).validate(approval)
    assert markdown.decode().startswith("# REJECTED: ")
    assert ended.stdout.splitlines()[-2].startswith("REJECTED: score ")
    assert {"image-built", "cleaned-up"} <= {
        one["key"] for one in approval["verdict"]["criteria"] if one["status"] != "met"
    }
    reasons = {one["key"]: one["reason"] for one in approval["verdict"]["criteria"]}
    assert "no test was collected of hard/test_hard.py;" in f"{reasons['contained-tests']};"
    assert "no drill was made" in {one["why"] for one in approval["not_measured"]}
    assert str(tried.folder) not in markdown.decode() + text.decode()


def test_the_same_evidence_gives_the_same_bytes_wherever_they_are_written(
    tried: Project, tmp_path: Path
) -> None:
    kept = tried.folder / ".seatrial" / "approvals" / tried.trials()[0]

    printed = seatrial("approve", "--json", cwd=tried.folder, env={"PYTHONHASHSEED": "1"})
    first = documents(kept)
    elsewhere = {"PYTHONHASHSEED": "2", "TZ": "Asia/Kathmandu", "LC_ALL": "C", "COLUMNS": "40"}
    out = str(tmp_path / "out")
    seatrial("approve", "-C", str(tried.folder), "--output", out, cwd=tmp_path, env=elsewhere)

    assert printed.code == 1
    assert printed.stdout.encode() == first[1]
    assert documents(tmp_path / "out") == first
    assert documents(kept) == first


def test_a_file_that_was_edited_since_is_named_and_nothing_of_the_trial_counts(
    tried: Project,
) -> None:
    results = tried.runs / tried.trials()[0] / "tests.jsonl"
    results.write_text(results.read_text() + "\n")

    ended = seatrial("approve", "--json", cwd=tried.folder)

    approval = json.loads(ended.stdout)
    assert ended.code == 1
    reasons = {one["key"]: one["what"] for one in approval["verdict"]["reasons"]}
    assert "tests.jsonl" in reasons["evidence-changed"]
    assert {one["status"] for one in approval["benchmarks"]} == {"not measured"}
    risks = {one["area"]: one["level"] for one in approval["risks"]}
    assert risks["security"] == "high"
    assert "low" not in risks.values()
