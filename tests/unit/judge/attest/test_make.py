import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from typer.testing import CliRunner, Result

from seatrial.cli.app import app
from seatrial.errors import UsageFault
from seatrial.evidence.folder import RunFolder
from seatrial.evidence.record import Record
from seatrial.judge.attest.keys import read_public_key
from seatrial.judge.attest.predicate import verdict_schema

from .judged import OFFLINE, git, judge
from .signed import statement_of

ROOT = Path(__file__).parents[4]


@pytest.fixture
def key(tmp_path: Path) -> Path:
    private = tmp_path / "key.pem"
    subprocess.run(["openssl", "genpkey", "-algorithm", "ed25519", "-out", private], check=True)
    subprocess.run(
        ["openssl", "pkey", "-in", private, "-pubout", "-out", tmp_path / "key.pub"], check=True
    )
    return private


def attest(project: Path, key: Path, *arguments: str) -> Result:
    return CliRunner().invoke(app, ["attest", "-C", str(project), "--key", str(key), *arguments])


def verify(folder: Path, files: Path, key: Path, *arguments: str) -> Result:
    envelopes = [str(path) for path in sorted(folder.glob("*.dsse.json"))]
    public = str(key.with_suffix(".pub"))
    return CliRunner().invoke(
        app, ["verify", *envelopes, "--key", public, "--files", str(files), *arguments]
    )


def test_what_was_attested_verifies_beside_the_files(project: Path, key: Path) -> None:
    made = attest(project, key)
    assert made.exit_code == 0, made.output
    folder = project / ".seatrial" / "approvals" / "20260102-030405-a1b2c3"
    commit = git(project, "rev-parse", "HEAD")
    done = verify(folder, project, key, "--commit", commit, "--require", "contained-tests")
    assert done.exit_code == 0, done.output
    assert "VERIFIED" in done.output
    for covered in ("record.json", "tests.jsonl", "APPROVAL.md", "approval.json"):
        assert covered in done.output


def test_what_is_handed_over_verifies_without_the_project(
    project: Path, key: Path, tmp_path: Path
) -> None:
    handed = tmp_path / "handed"
    assert attest(project, key, "--output", str(handed), "--with-files").exit_code == 0
    project.rename(tmp_path / "gone")
    assert verify(handed, handed, key).exit_code == 0
    copy = next(handed.rglob("tests.jsonl"))
    copy.write_bytes(copy.read_bytes() + b"\n")
    done = verify(handed, handed, key, "--json")
    assert done.exit_code == 1
    told = json.loads(done.output)
    assert told["verified"] is False
    assert [check["name"] for check in told["checks"] if check["result"] == "failed"] == [
        "file .seatrial/runs/20260102-030405-a1b2c3/tests.jsonl"
    ]


def test_what_was_not_asked_for_is_told_before_anything_else(project: Path, key: Path) -> None:
    attest(project, key)
    folder = project / ".seatrial" / "approvals" / "20260102-030405-a1b2c3"

    done = verify(folder, project, key, "--no-waivers")

    assert done.exit_code == 0
    first = done.output.splitlines()[:3]
    assert [line.partition(": one of ")[0] for line in first[:2]] == [
        "NOT CHECKED: commit",
        "NOT CHECKED: age",
    ]
    assert first[2].startswith("NOT CHECKED: policy: one by easier rules would pass as well")
    assert "NOT CHECKED: waivers" not in done.output
    assert done.output.splitlines()[-1].endswith(", 3 not asked for")
    told = json.loads(verify(folder, project, key, "--json").output)
    assert told["not_checked"] == ["commit", "age", "policy", "waivers"]


@pytest.mark.parametrize(
    ("name", "text", "code"),
    [
        ("rules.toml", "workers = 2\n", 0),  # what is no rule makes no difference
        ("pyproject.toml", "[tool.seatrial]\nworkers = 2\n", 0),
        ("rules.toml", "verdict.passing_score = 90\n", 1),
        ("rules.toml", "budgets.test = 180\n", 1),
        ("rules.toml", "coverage.fail_under = 80\n", 1),
        ("rules.toml", "retries = 1\n", 1),
    ],
)
def test_the_verifiers_own_rules_are_held_against_those_of_the_verdict(
    project: Path, key: Path, tmp_path: Path, name: str, text: str, code: int
) -> None:
    attest(project, key)
    folder = project / ".seatrial" / "approvals" / "20260102-030405-a1b2c3"
    rules = tmp_path / name
    rules.write_text(text)
    assert verify(folder, project, key, "--policy", str(rules)).exit_code == code


def test_rules_can_be_named_by_their_digest(project: Path, key: Path) -> None:
    attest(project, key)
    folder = project / ".seatrial" / "approvals" / "20260102-030405-a1b2c3"
    digest = statement_of((folder / "verdict.dsse.json").read_bytes())["predicate"]["policyDigest"]
    assert verify(folder, project, key, "--policy", f"sha256:{digest}").exit_code == 0
    assert verify(folder, project, key, "--policy", "0" * 64).exit_code == 1


def test_rules_that_cannot_be_read_are_a_fault(project: Path, key: Path, tmp_path: Path) -> None:
    attest(project, key)
    folder = project / ".seatrial" / "approvals" / "20260102-030405-a1b2c3"
    made = verify(folder, project, key, "--policy", str(tmp_path / "nowhere.toml"))
    assert isinstance(made.exception, UsageFault)


def test_verifying_opens_no_socket_and_starts_no_program(
    project: Path, key: Path, tmp_path: Path
) -> None:
    handed = tmp_path / "handed"
    attest(project, key, "--output", str(handed), "--with-files")
    rules = tmp_path / "rules.toml"
    rules.write_text("")
    envelopes = sorted(str(path) for path in handed.glob("*.dsse.json"))
    asked = ["--key", str(key.with_suffix(".pub")), "--files", str(handed)]
    asked += ["--policy", str(rules), "--commit", git(project, "rev-parse", "HEAD")]

    command = [sys.executable, "-c", OFFLINE, "verify", *envelopes, *asked]
    done = subprocess.run(command, check=False, capture_output=True, text=True)

    assert (done.returncode, done.stderr) == (0, "")
    assert "VERIFIED" in done.stdout
    refused = subprocess.run(
        [sys.executable, "-c", OFFLINE.replace("main()", "__import__('socket').socket()")],
        check=False,
        capture_output=True,
    )
    assert refused.returncode == 1  # else the hook would prove nothing


def test_the_statements_say_what_is_in_the_approval_and_the_results(
    project: Path, key: Path, tmp_path: Path
) -> None:
    attest(project, key, "--output", str(tmp_path / "out"))
    verdict = statement_of((tmp_path / "out" / "verdict.dsse.json").read_bytes())
    tests = statement_of((tmp_path / "out" / "test-result.dsse.json").read_bytes())
    assert verdict["_type"] == tests["_type"] == "https://in-toto.io/Statement/v1"
    assert verdict["subject"] == tests["subject"]
    assert verdict["subject"][0]["digest"] == {"gitCommit": git(project, "rev-parse", "HEAD")}
    assert verdict["predicate"]["decision"] == "approved"
    assert verdict["predicate"]["score"] == 95.5
    assert tests["predicate"]["passedTests"] == ["test_a.py::a"]
    assert tests["predicate"]["configuration"] == [
        {
            "name": "compose.test.yml",
            "digest": {"gitBlob": git(project, "rev-parse", "HEAD:compose.test.yml")},
        }
    ]
    Draft202012Validator(verdict_schema()).validate(verdict["predicate"])


def test_the_published_schema_is_the_models() -> None:
    published = ROOT / "docs" / "verdict-predicate.schema.json"
    assert json.loads(published.read_text(encoding="utf-8")) == verdict_schema()


def test_a_rejection_can_be_attested_but_does_not_verify(project: Path, key: Path) -> None:
    approvals = project / ".seatrial" / "approvals" / "20260102-030405-a1b2c3"
    folder = RunFolder(project / ".seatrial" / "runs" / "20260102-030405-a1b2c3")
    record = Record.model_validate_json(folder.record.read_bytes())
    judge(project, folder, record, approved=False)
    made = json.loads(attest(project, key, "--json").output)
    assert made["decision"] == "rejected"
    public = read_public_key(key.with_suffix(".pub"))
    assert made["signers"] == [f"key {public.keyid}"]
    assert verify(approvals, project, key).exit_code == 1


@pytest.mark.parametrize("file", ["record.json", "tests.jsonl"])
def test_evidence_that_changed_since_the_verdict_is_not_signed(
    project: Path, key: Path, file: str
) -> None:
    path = next((project / ".seatrial" / "runs").glob(f"*/{file}"))
    path.write_bytes(path.read_bytes() + b" ")
    made = attest(project, key)
    assert isinstance(made.exception, UsageFault)
    assert made.exception.details == (
        f".seatrial/runs/20260102-030405-a1b2c3/{file}: it has another content",
    )


@pytest.mark.parametrize(
    "change",
    [
        lambda text: text.replace('"score": 95.5', '"score": 99.5,\n"score": 95.5'),
        lambda text: text.replace("approved", "Approved"),
        lambda text: text + "\n",
        lambda text: "",
    ],
)
def test_an_approval_in_another_form_is_not_signed(project: Path, key: Path, change: Any) -> None:
    path = next((project / ".seatrial" / "approvals").glob("*/approval.json"))
    path.write_text(change(path.read_text()))
    assert isinstance(attest(project, key).exception, UsageFault)


def test_a_trial_of_a_dirty_tree_is_not_attested(project: Path, key: Path) -> None:
    folder = RunFolder(project / ".seatrial" / "runs" / "20260102-030405-a1b2c3")
    record = Record.model_validate_json(folder.record.read_bytes())
    assert record.commit is not None
    dirty = record.commit.model_copy(update={"dirty": True})
    judge(project, folder, record.model_copy(update={"commit": dirty}))
    made = attest(project, key)
    assert isinstance(made.exception, UsageFault)
    assert "not of a commit alone" in made.exception.what


def test_without_a_verdict_or_a_key_it_is_said_what_to_do(tmp_path: Path, key: Path) -> None:
    for arguments in (["--key", str(key)], []):
        made = CliRunner().invoke(app, ["attest", "-C", str(tmp_path), *arguments])
        assert isinstance(made.exception, UsageFault)
        assert made.exception.next_step


def test_an_abbreviated_commit_is_refused(project: Path, key: Path, tmp_path: Path) -> None:
    attest(project, key, "--output", str(tmp_path / "out"))
    done = verify(tmp_path / "out", project, key, "--commit", "c0ffee1")
    assert isinstance(done.exception, UsageFault)
    assert "full id" in done.exception.what
