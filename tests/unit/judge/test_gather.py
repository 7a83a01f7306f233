"""What a dossier is made of: a real repository, with records as trials write them."""

import asyncio
import json
from collections.abc import Callable, Sequence
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from seatrial.errors import UsageFault
from seatrial.evidence.audit import AuditReport
from seatrial.evidence.drills import DrillReport
from seatrial.evidence.environment import environment_hash
from seatrial.evidence.folder import manifest, manifest_of, new_run_folder, write_record
from seatrial.evidence.ledger import LEDGER, drills_name, open_ledger, reuse_name
from seatrial.evidence.record import Commit, Status
from seatrial.evidence.tests import TestResult
from seatrial.judge.dossier import Dossier
from seatrial.judge.gather import gather
from seatrial.judge.verdict import judge
from seatrial.settings import load_settings
from unit.factories import make_pytest, make_record
from unit.judge.repositories import Repository, make_repository

_NOW = datetime(2026, 1, 3, tzinfo=UTC)


async def no_audit(*_: Any, **__: Any) -> AuditReport:
    return AuditReport(files=())


def look(repository: Repository, trial: str | None = None, now: datetime = _NOW) -> Dossier:
    loaded = load_settings(repository.folder)
    environ = {"PATH": "/usr/bin:/bin"}
    return asyncio.run(
        gather(repository.folder, loaded, trial, now, environ=environ, audit=no_audit)
    )


def keys(dossier: Dossier) -> set[str]:
    """Of the reasons that are not about criteria."""
    found = {reason.key for reason in judge(dossier).reasons}
    return {key for key in found if key != "score" and not key.startswith("required:")}


def record_trial(
    repository: Repository,
    number: int = 1,
    of: str | None = None,
    passed: Sequence[str] | None = None,
    **values: Any,
) -> str:
    """`passed` are node ids; None: there is no file of results."""
    name = f"2026010{number}-120000-aaaaaa"
    folder = new_run_folder(repository.folder, name)
    (folder.path / "junit.xml").write_text("<testsuite/>")
    if passed is not None:
        lines = (json.dumps(asdict(TestResult(test, "passed", "c"))) + "\n" for test in passed)
        (folder.path / "tests.jsonl").write_text("".join(lines))
        values["pytest"] = make_pytest(tests="tests.jsonl")
    began = datetime(2026, 1, number, 12, tzinfo=UTC)
    defaults: dict[str, Any] = {
        "id": name,
        "started": began,
        "commit": Commit(id=of or repository.git("rev-parse", "HEAD"), dirty=False),
        "compose_files": (str(repository.folder / "compose.yml"),),
        "files": manifest(folder),
    }
    write_record(folder, make_record(**(defaults | values)), lambda: began + timedelta(minutes=1))
    return name


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    made = make_repository(tmp_path / "shop")
    made.put("compose.yml", "services: {}\n")
    made.put("src/shop.py", '"""A shop."""\n\none = 1\n\n\ndef two() -> int:\n    return (\n 2)\n')
    made.put("tests/test_shop.py", "def test_one(): pass\n")
    made.commit()
    return made


def test_a_clean_commit_with_its_trial_has_nothing_against_it(repository: Repository) -> None:
    name = record_trial(repository)
    dossier = look(repository)
    assert keys(dossier) == set()
    assert dossier.trial.record.id == name
    assert dossier.trial.faults == ()
    assert dossier.trial.exhibit.file == f".seatrial/runs/{name}/record.json"
    assert dossier.committed == datetime(2026, 1, 1, tzinfo=UTC)
    assert dossier.source_files == {"src/shop.py": 3}
    assert dossier.policy_base is None


def test_test_files_without_a_result_are_found(repository: Repository) -> None:
    repository.commit(
        {
            "tests/test_hard.py": "class TestHard:\n    def test_it(self): pass\n",
            "tests/test_tools.py": "def make(): pass\n",
            "examples/test_demo.py": "def test_demo(): pass\n",
            "seatrial.toml": 'verdict.not_tests = ["examples/"]\n',
        }
    )
    record_trial(repository, 1, passed=["tests/test_shop.py::test_one"])
    assert look(repository).untested_files == ("tests/test_hard.py",)
    record_trial(repository, 2, passed=["tests/test_shop.py::one", "tests/test_hard.py::a"])
    assert look(repository).untested_files == ()


def test_without_results_it_is_not_told_which_files_have_none(repository: Repository) -> None:
    record_trial(repository)
    assert look(repository).untested_files is None


def test_a_first_commit_cannot_make_its_own_rules(repository: Repository) -> None:
    repository.git("checkout", "--quiet", "--orphan", "anew")
    rules = 'required = []\npassing_score = 0\naudit_fails_on = "never"\n'
    repository.commit({"seatrial.toml": f"[verdict]\n{rules}"})
    record_trial(repository)
    assert keys(look(repository)) == {
        "policy-loosened:verdict.audit_fails_on",
        "policy-loosened:verdict.passing_score",
        "policy-loosened:verdict.required",
    }


def test_gathering_changes_nothing_that_it_gathers(repository: Repository) -> None:
    record_trial(repository)
    first = look(repository)
    assert look(repository) == first


def _edit_junit(repository: Repository) -> None:
    [file] = repository.folder.glob(".seatrial/runs/*/junit.xml")
    file.write_text("<testsuitf/>")


def _edit_record(repository: Repository) -> None:
    [file] = repository.folder.glob(".seatrial/runs/*/record.json")
    file.write_text(file.read_text().replace("3 tests passed", "9 tests passed"))


def _forget_ledger(repository: Repository) -> None:
    (repository.folder / ".seatrial" / LEDGER).unlink()


def _remove_failure(repository: Repository) -> None:
    name = record_trial(repository, 2, status=Status.FAILED)
    folder = repository.folder / ".seatrial/runs" / name
    for file in sorted(folder.rglob("*"), reverse=True):
        file.rmdir() if file.is_dir() else file.unlink()
    folder.rmdir()


TOUCHED: dict[str, tuple[set[str], Callable[[Repository], object]]] = {
    "an edited file": ({"dirty-tree"}, lambda r: r.put("src/shop.py", "one = 2\n")),
    "a new file": ({"dirty-tree"}, lambda r: r.put("new.py", "")),
    "a new commit": ({"other-commit", "not-enough-trials"}, lambda r: r.commit({"new.py": ""})),
    "an edited file of evidence": ({"evidence-changed"}, _edit_junit),
    "an edited record": ({"evidence-changed", "ledger"}, _edit_record),
    "no ledger": ({"evidence-changed"}, _forget_ledger),
    "a failure taken away": ({"ledger"}, _remove_failure),
    "a failure since": (
        {"trial-failed", "not-enough-trials"},
        lambda r: record_trial(r, 2, status=Status.FAILED, exit_code=1),
    ),
    "a compose file from nowhere": (
        {"dirty-tree"},
        lambda r: record_trial(r, 2, compose_files=(str(r.folder / "ci.yml"),)),
    ),
    "a trial of a changed tree": (
        {"other-commit", "not-enough-trials"},
        lambda r: (
            r.commit({"new.py": ""}),
            record_trial(r, 2, commit=Commit(id=r.git("rev-parse", "HEAD"), dirty=True)),
        ),
    ),
}


@pytest.mark.parametrize("what", TOUCHED)
def test_what_was_touched_rejects_by_its_key(repository: Repository, what: str) -> None:
    expected, touch = TOUCHED[what]
    record_trial(repository)
    touch(repository)
    found = keys(look(repository))
    # A trial of another commit has no say in how many there are.
    assert found - {"not-enough-trials"} == expected - {"not-enough-trials"}


def test_a_project_without_git_is_rejected(tmp_path: Path) -> None:
    assert keys(look(Repository(tmp_path))) == {"no-commit", "no-trial"}


def test_a_rule_made_easier_in_the_commit_is_in_it(repository: Repository) -> None:
    base = repository.commit({"seatrial.toml": "budgets.test = 60\n"})
    repository.commit({"seatrial.toml": "budgets.test = 90\n"})
    record_trial(repository)
    dossier = look(repository)
    assert dossier.policy_base == base
    assert keys(dossier) == {"policy-loosened:budgets.test"}


def test_the_newest_trial_of_the_whole_suite_is_judged(repository: Repository) -> None:
    whole = record_trial(repository, 1)
    part = record_trial(repository, 2, arguments=("-k", "one"))
    assert look(repository).trial.record.id == whole
    assert [one.record.id for one in look(repository).trials] == [whole, part]
    assert look(repository, part[:8]).trial.record.id == part


def test_trials_of_other_commits_are_kept_apart(repository: Repository) -> None:
    other = record_trial(repository, 1)
    repository.commit({"new.py": ""})
    own = record_trial(repository, 2)
    dossier = look(repository)
    assert [one.record.id for one in dossier.trials] == [own]
    assert [one.record.id for one in dossier.earlier] == [other]


def test_a_trial_that_is_not_there_is_a_fault(repository: Repository) -> None:
    with pytest.raises(UsageFault, match="there is no trial 'x'"):
        look(repository, "x")


def test_rules_from_the_command_line_are_refused(repository: Repository) -> None:
    loaded = load_settings(repository.folder, {"verdict.passing_score": 1})
    with pytest.raises(UsageFault, match="was given on the command line"):
        asyncio.run(gather(repository.folder, loaded, None, _NOW, environ={}, audit=no_audit))


_CRITERION = """[verdict.command_criteria.own]
statement = "It is so."
command = ["sh", "-c", "{}"]
"""


def test_commands_are_run_and_what_they_printed_is_evidence(repository: Repository) -> None:
    repository.commit({"seatrial.toml": _CRITERION.format("echo yes; exit 3")})
    name = record_trial(repository)
    result = look(repository).command_results["own"]
    assert result.exit_code == 3
    assert result.exhibit.file == f".seatrial/approvals/{name}/criteria/own.json"
    assert "yes" in json.loads((repository.folder / result.exhibit.file).read_text())["output"]


def test_a_command_that_changes_the_tree_makes_it_dirty(repository: Repository) -> None:
    repository.commit({"seatrial.toml": _CRITERION.format("echo > new.py")})
    record_trial(repository)
    assert keys(look(repository)) == {"dirty-tree"}


def test_a_command_cannot_tidy_up_a_dirty_tree(repository: Repository) -> None:
    repository.commit({"seatrial.toml": _CRITERION.format("git checkout src")})
    record_trial(repository)
    repository.put("src/shop.py", "one = 2\n")
    assert keys(look(repository)) == {"dirty-tree"}


def make_drills(repository: Repository, **values: Any) -> Path:
    folder = repository.folder / ".seatrial/drills/20260102-100000-dddddd"
    (folder / "build-fails").mkdir(parents=True)
    (folder / "build-fails/output.txt").write_text("no")
    defaults: dict[str, Any] = {
        "id": folder.name,
        "started": datetime(2026, 1, 2, 10, tzinfo=UTC),
        "seconds": 9.0,
        "commit": None,
        "seatrial": "0.1.0",
        "environment": environment_hash(repository.folder),
        "results": (),
        "files": manifest_of(folder),
    }
    content = DrillReport(**(defaults | values)).model_dump_json().encode()
    with open_ledger(repository.folder / ".seatrial") as ledger:
        now = datetime(2026, 1, 2, 11, tzinfo=UTC)
        ledger.append(drills_name(folder.name), None, content, now)
        (folder / "drills.json").write_bytes(content)
    return folder


def test_drills_of_this_environment_count(repository: Repository) -> None:
    record_trial(repository)
    make_drills(repository)
    dossier = look(repository)
    assert dossier.drills is not None
    assert (dossier.drills.faults, dossier.drills.outdated) == ((), "")
    assert keys(dossier) == set()


def test_drills_of_another_environment_or_long_ago_are_outdated(repository: Repository) -> None:
    make_drills(repository, environment="0" * 64)
    drills = look(repository).drills
    assert drills is not None
    assert drills.outdated == "what shapes the test environment has changed since"
    late = look(repository, now=_NOW + timedelta(days=40)).drills
    assert late is not None
    assert late.outdated == "it was made on 2026-01-02, more than 2.592e+06 s ago"


def test_drills_that_were_touched_are_told(repository: Repository) -> None:
    record_trial(repository)
    folder = make_drills(repository)
    (folder / "build-fails/output.txt").write_text("ok")
    report = folder / "drills.json"
    report.write_text(report.read_text().replace("9.0", "8.0"))
    dossier = look(repository)
    assert dossier.drills is not None
    assert dossier.drills.faults == (
        "the report is not the one that the ledger names",
        "build-fails/output.txt has another content",
    )
    assert keys(dossier) == {"evidence-changed", "ledger"}


@pytest.mark.parametrize(
    ("file", "text", "uploads"),
    [
        (".github/workflows/ci.yml", "steps:\n  - uses: actions/upload-artifact@v4\n", True),
        (".github/workflows/ci.yaml", 'steps:\n  - name: x\n    uses: "a/upload-artifact@1"', True),
        (".github/workflows/ci.yml", "steps:\n  # - uses: actions/upload-artifact@v4\n", False),
        (".gitlab-ci.yml", "tests:\n  artifacts:\n    paths: [reports]\n", True),
        ("ci.yml", "steps:\n  - uses: actions/upload-artifact@v4\n", False),
    ],
)
def test_a_workflow_that_uploads_artifacts_is_found(
    repository: Repository, file: str, text: str, uploads: bool
) -> None:
    repository.commit({file: text})
    found = look(repository).workflow_uploads
    assert (found.file if found else None) == (file if uploads else None)


def test_tests_and_what_is_not_imported_are_no_sources(repository: Repository) -> None:
    repository.commit(
        {
            "conftest.py": "one = 1",
            "src/migrations/one.py": "one = 1",
            "src/test_inside.py": "one = 1",
            "docs/conf.py": "one = 1",
            "src/__init__.py": '"""Only words."""\n',
            "src/new_syntax.py": "# no\ntype = = 3\n\ntwo = 2\n",
            "src/lines.py": "one = 1; two = 2\nthree = (\n    3\n)\nclass A:\n    '''Doc.'''\n",
        }
    )
    assert look(repository).source_files == {
        "src/shop.py": 3,
        "src/new_syntax.py": 2,
        "src/lines.py": 3,
    }


def test_that_the_judged_trial_was_returned_is_known_and_is_no_trial_that_is_gone(
    repository: Repository,
) -> None:
    trial = record_trial(repository)
    assert look(repository).trial.reuses == ()
    ended = look(repository).trial.record.finished
    record = repository.folder / ".seatrial/runs" / trial / "record.json"
    commit = repository.git("rev-parse", "HEAD")
    with open_ledger(repository.folder / ".seatrial") as ledger:
        for hours in (1, 2):
            name = reuse_name(trial, f"2026010{hours + 1}-120000-cccccc")
            ledger.append(name, commit, record.read_bytes(), ended + timedelta(hours=hours))

    dossier = look(repository)

    assert [reuse.age_seconds for reuse in dossier.trial.reuses] == [3600, 7200]
    assert dossier.ledger_faults == ()
    assert dossier.trial.faults == ()
