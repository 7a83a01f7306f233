"""The example earns its approval, and with any one of its virtues taken away it does not.

The evidence is measured once, on the real engine. A virtue whose loss shows in files is taken away
in a copy of the project, and the real program judges. Where only new trials and drills would show
the loss (the record cannot be edited: the ledger finds it), one part of the dossier that was
gathered from the real evidence is replaced before it is judged.
"""

import asyncio
import hashlib
import json
import os
import random
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)

from seatrial.drill.breakings import DRILLS
from seatrial.evidence.audit import AuditFinding, Severity
from seatrial.evidence.doubt import Doubt
from seatrial.evidence.record import Record
from seatrial.judge.attest.covered import covered_fault
from seatrial.judge.attest.envelope import KeyTrust
from seatrial.judge.attest.keys import read_public_key
from seatrial.judge.attest.verify import Demands, verified, verify
from seatrial.judge.criteria import CRITERIA
from seatrial.judge.dossier import Dossier, PolicyChange
from seatrial.judge.gather import gather
from seatrial.judge.model import CriterionStatus
from seatrial.judge.verdict import Verdict, judge
from seatrial.settings import Budgets, load_settings

from .approved_example import ApprovedExample, approve_example, git, try_undisturbed
from .engine_state import remove_images
from .program import run_trial, seatrial
from .projects import Project

pytestmark = [pytest.mark.alone, pytest.mark.long]

ALL = {criterion.key for criterion in CRITERIA}
RUNS = 20
FLIPS = 8
"""Changed bytes per covered file; of one with fewer bytes, each is changed. Each is held against
the file's own digest, the first against the whole attestation, which reads all the other files."""


@pytest.fixture(scope="module")
def approved(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ApprovedExample]:
    parent = tmp_path_factory.mktemp("example")
    yield approve_example(parent)
    for folder in parent.iterdir():
        remove_images(f"seatrial-{folder.name}-*")
        remove_images(f"seatrial-prepared-{folder.name}-*")


@pytest.fixture(scope="module")
def dossier(approved: ApprovedExample) -> Dossier:
    """All evidence on the example's commit, as `seatrial approve` gathers it."""
    folder = approved.project.folder
    loaded = load_settings(folder)
    return asyncio.run(gather(folder, loaded, None, datetime.now(UTC), environ=os.environ))


def test_the_example_is_approved_with_all_points(approved: ApprovedExample) -> None:
    assert approved.ended.code == 0, approved.ended.stdout + approved.ended.stderr
    approval = json.loads(approved.ended.stdout)
    assert approval["decision"] == "approved"
    assert approval["verdict"]["score"] == approval["verdict"]["passing_score"] == 100
    assert approval["verdict"]["waived"] == []
    assert {one["status"] for one in approval["verdict"]["criteria"]} == {"met"}
    (document,) = approved.project.folder.glob(".seatrial/approvals/*/APPROVAL.md")
    assert document.read_text(encoding="utf-8").startswith("# APPROVED: ")


def lacking(verdict: Verdict) -> set[str]:
    """Criteria that are not met."""
    return {one.key for one in verdict.criteria if one.status is not CriterionStatus.MET}


def why(verdict: Verdict) -> set[str]:
    """Reasons of their own: those that only repeat which criteria are not met are left out."""
    told = {reason.key for reason in verdict.reasons}
    repeated = {"score", *(f"required:{key}" for key in ALL)}
    assert ("score" in told) == bool(lacking(verdict))
    return told - repeated


# --- taken away in the files -------------------------------------------------------------------


def _no_drills(project: Project) -> None:
    shutil.rmtree(project.folder / ".seatrial" / "drills")


def _a_file_is_gone(project: Project) -> None:
    (project.runs / project.trials()[-1] / "coverage" / "coverage.xml").unlink()


def _a_byte_is_changed(project: Project) -> None:
    path = project.runs / project.trials()[-1] / "tests.jsonl"
    path.write_bytes(next(_with_another_byte(path.read_bytes(), random.Random(1))))


def _a_drills_file_is_gone(project: Project) -> None:
    next(project.folder.glob(".seatrial/drills/*/killed/**/*.log")).unlink()


def _a_trial_is_gone(project: Project) -> None:
    shutil.rmtree(project.runs / project.trials()[-2])


def _a_file_is_edited(project: Project) -> None:
    with (project.folder / "src/shop/money.py").open("a", encoding="utf-8") as file:
        file.write("# rounded\n")


def _a_waiver_is_laid_beside(project: Project) -> None:
    project.write("seatrial-waivers.toml", "")


def _another_commit(project: Project) -> None:
    git(project, "commit", "--quiet", "--allow-empty", "--message", "Sell even more")


def _a_budget_is_raised(project: Project) -> None:
    path = project.folder / "seatrial.toml"
    path.write_text(path.read_text(encoding="utf-8").replace("test = 180", "test = 1800"))
    git(project, "commit", "--quiet", "--all", "--message", "Take more time")


def _no_repository(project: Project) -> None:
    shutil.rmtree(project.folder / ".git")


def _a_newer_trial_failed(project: Project) -> None:
    assert run_trial(project, "--command", "false").code != 0


def _one_worker(project: Project) -> None:
    try_undisturbed(project, "--workers", "1")


_FILES: dict[str, tuple[Callable[[Project], None], set[str], set[str]]] = {
    "no drill": (
        _no_drills,
        set(),
        {"coverage-enforced", "cleaned-up", "errors-handled"},
    ),
    "a file of the evidence is gone": (_a_file_is_gone, {"evidence-changed"}, ALL),
    "a byte of the evidence is changed": (_a_byte_is_changed, {"evidence-changed"}, ALL),
    "a file of the drills is gone": (
        _a_drills_file_is_gone,
        {"evidence-changed"},
        {"coverage-enforced", "cleaned-up", "errors-handled"},
    ),
    "a trial is gone": (_a_trial_is_gone, {"ledger"}, set()),
    "a file is edited": (_a_file_is_edited, {"dirty-tree"}, {"image-built"}),
    "a waiver is not committed": (
        _a_waiver_is_laid_beside,
        {"dirty-tree"},
        {"image-built"},
    ),
    "another commit": (_another_commit, {"other-commit"}, {"image-built"}),
    "a budget is raised": (
        _a_budget_is_raised,
        {"other-commit", "policy-loosened:budgets.test"},
        {"image-built", "coverage-enforced", "cleaned-up", "errors-handled"},
    ),
    "no repository": (
        _no_repository,
        {"no-commit", "other-commit"},
        # Nobody knows which files are the project's.
        {"image-built", "contained-tests", "coverage-extracted", "artifacts-extracted"},
    ),
    "a newer trial failed": (
        _a_newer_trial_failed,
        {"trial-failed", "not-enough-trials"},
        set(),
    ),
    "one worker": (
        _one_worker,
        set(),
        {"ready-and-parallel", "performance-kept"},
    ),
}


@pytest.mark.parametrize("virtue", _FILES)
def test_a_virtue_taken_away_in_the_files_is_missed(
    approved: ApprovedExample, tmp_path: Path, virtue: str
) -> None:
    take_away, reasons, criteria = _FILES[virtue]
    project = approved.copy(tmp_path)
    take_away(project)

    ended = seatrial("approve", "--json", cwd=project.folder)

    assert ended.code == 1, ended.stderr
    verdict = Verdict.model_validate(json.loads(ended.stdout)["verdict"])
    assert (why(verdict), lacking(verdict)) == (reasons, criteria)


# --- taken away in the dossier -----------------------------------------------------------------


def _record(dossier: Dossier, **values: Any) -> Dossier:
    judged, *others = dossier.trials
    record = Record.model_validate(judged.record.model_copy(update=values).model_dump())
    return replace(dossier, trials=(replace(judged, record=record), *others))


def _part(name: str, **values: Any) -> Callable[[Dossier], Dossier]:
    """Other values in a part of the judged trial's record."""

    def change(dossier: Dossier) -> Dossier:
        part = getattr(dossier.trial.record, name)
        return _record(dossier, **{name: part.model_copy(update=values)})

    return change


def _settings(**values: Any) -> Callable[[Dossier], Dossier]:
    return lambda dossier: replace(dossier, settings=dossier.settings.model_copy(update=values))


def _rules(**values: Any) -> Callable[[Dossier], Dossier]:
    def change(dossier: Dossier) -> Dossier:
        rules = dossier.settings.verdict.model_copy(update=values)
        return replace(dossier, settings=dossier.settings.model_copy(update={"verdict": rules}))

    return change


def _budgets(**values: Any) -> Callable[[Dossier], Dossier]:
    return lambda dossier: _settings(
        budgets=Budgets(**(dossier.settings.budgets.model_dump() | values))
    )(dossier)


def _deselected(dossier: Dossier) -> Dossier:
    pytest = dossier.trial.record.pytest
    assert pytest is not None
    counts = pytest.counts.model_copy(update={"deselected": 1})
    return _record(dossier, pytest=pytest.model_copy(update={"counts": counts}))


def _code_that_no_test_imports(dossier: Dossier) -> Dossier:
    sources = dict(dossier.source_files or {})
    return replace(dossier, source_files={**sources, "src/shop/fraud.py": sum(sources.values())})


def _image_of_elsewhere(dossier: Dossier) -> Dossier:
    return replace(dossier, dockerfiles={})


def _all_builds_cold(dossier: Dossier) -> Dossier:
    trials = []
    for one in dossier.trials:
        assert one.record.build is not None
        build = one.record.build.model_copy(update={"cached_steps": 0})
        trials.append(replace(one, record=one.record.model_copy(update={"build": build})))
    return replace(dossier, trials=tuple(trials))


def _never_ready(dossier: Dossier) -> Dossier:
    services = tuple(
        one.model_copy(update={"proof": "none"}) if one.name == "db" else one
        for one in dossier.trial.record.services
    )
    return _record(dossier, services=services)


def _finding(dossier: Dossier) -> Dossier:
    assert dossier.audit is not None
    found = AuditFinding(
        rule="privileged", severity=Severity.HIGH, file="c.yml", line=3, what="w", why="y", fix="f"
    )
    audit = dossier.audit.model_copy(update={"findings": (*dossier.audit.findings, found)})
    return replace(dossier, audit=audit)


_LOOSENED = PolicyChange(rule="coverage.fail_under", before="90", now="80", where=".coveragerc")
_DOUBT = Doubt(key="outcome-changed-by-hook", what="a hook turned a failure into a pass")

_DOSSIER: dict[str, tuple[Callable[[Dossier], Dossier], set[str], set[str]]] = {
    "a test ran elsewhere": (
        _part("pytest", container_confirmed=False),
        set(),
        {"contained-tests"},
    ),
    "a test was deselected": (_deselected, set(), {"contained-tests"}),
    "a test file without a result": (
        lambda dossier: replace(dossier, untested_files=("tests/unit/test_new.py",)),
        set(),
        {"contained-tests"},
    ),
    "a doubt": (
        lambda dossier: _record(dossier, doubts=(_DOUBT,)),
        {"doubt:outcome-changed-by-hook"},
        {"contained-tests"},
    ),
    "code that no test imports": (_code_that_no_test_imports, set(), {"coverage-extracted"}),
    "no budget for the tests": (_budgets(test=None), set(), {"time-budget"}),
    "tests over their budget": (_budgets(test=0.1), {"over-budget"}, {"time-budget"}),
    "a build over its budget": (_budgets(build=0.01), {"over-budget"}, set()),
    "no coverage threshold": (_part("coverage", threshold=None), set(), {"coverage-enforced"}),
    "no Dockerfile in the commit": (_image_of_elsewhere, set(), {"image-built"}),
    "no workflow": (
        lambda dossier: replace(dossier, workflow_uploads=None),
        set(),
        {"artifacts-extracted"},
    ),
    "nothing shows the database ready": (_never_ready, set(), {"ready-and-parallel"}),
    "a service left behind": (_part("clean_up", left=("container db",)), set(), {"cleaned-up"}),
    "no build from the cache": (_all_builds_cold, set(), {"performance-kept"}),
    "too few trials": (_rules(trials=20), {"not-enough-trials"}, set()),
    "old evidence": (
        lambda dossier: replace(dossier, now=datetime.now(UTC) + timedelta(days=8)),
        {"evidence-too-old"},
        set(),
    ),
    "a clock set back": (
        lambda dossier: replace(dossier, now=datetime.now(UTC) - timedelta(days=1)),
        {"clock"},
        set(),
    ),
    "a rule was loosened": (
        lambda dossier: replace(dossier, policy_changes=(_LOOSENED,)),
        {"policy-loosened:coverage.fail_under"},
        set(),
    ),
    "a finding of the audit": (_finding, {"audit:privileged"}, set()),
    "no audit": (lambda dossier: replace(dossier, audit=None), {"no-audit"}, set()),
}


def test_the_dossier_as_it_was_gathered_is_approved(dossier: Dossier) -> None:
    verdict = judge(dossier)

    assert verdict.approved
    assert not lacking(verdict)


@pytest.mark.parametrize("virtue", _DOSSIER)
def test_a_virtue_taken_away_in_the_dossier_is_missed(dossier: Dossier, virtue: str) -> None:
    take_away, reasons, criteria = _DOSSIER[virtue]

    verdict = judge(take_away(dossier))

    assert not verdict.approved
    assert (why(verdict), lacking(verdict)) == (reasons, criteria)


def test_each_criterion_loses_its_points_by_a_virtue_of_its_own() -> None:
    alone = {key for _, _, criteria in _DOSSIER.values() for key in criteria if len(criteria) == 1}

    assert alone | {"errors-handled"} == ALL


_SHOWN_BY = {
    "coverage-falls": {"coverage-enforced"},
    "test-fails": {"errors-handled", "cleaned-up"},
    "killed": {"cleaned-up"},
    "passes": set[str](),
}
"""What a drill is needed for, where that is not `errors-handled` alone. Where the control fails no
other drill is made, so that alone takes nothing away."""


@pytest.mark.parametrize("key", [key for key in DRILLS if key != "passes"])
def test_one_drill_that_failed_is_missed(dossier: Dossier, key: str) -> None:
    drills = dossier.drills
    assert drills is not None
    results = tuple(
        one.model_copy(update={"passed": False}) if one.key == key else one
        for one in drills.report.results
    )
    report = drills.report.model_copy(update={"results": results})

    verdict = judge(replace(dossier, drills=replace(drills, report=report)))

    assert not verdict.approved
    assert (why(verdict), lacking(verdict)) == (set(), _SHOWN_BY.get(key, {"errors-handled"}))


# --- the document ------------------------------------------------------------------------------


def test_twenty_runs_on_equal_evidence_write_the_same_bytes(
    approved: ApprovedExample, tmp_path: Path
) -> None:
    project = approved.copy(tmp_path)
    (kept,) = project.folder.glob(".seatrial/approvals/*")
    zones, languages = ("UTC", "Asia/Kathmandu", "America/St_Johns"), ("C", "C.UTF-8", "POSIX")
    written = {_both(kept)}

    for number in range(RUNS):
        elsewhere = tmp_path / f"{number}"
        elsewhere.mkdir()
        env = {
            "PYTHONHASHSEED": str(number),
            "TZ": zones[number % 3],
            "LC_ALL": languages[number % 3],
            "COLUMNS": str(40 + 10 * number),
        }
        ended = seatrial("approve", "-C", str(project.folder), cwd=elsewhere, env=env)
        assert ended.code == 0, ended.stdout
        written.add(_both(kept))

    assert len(written) == 1


def _both(folder: Path) -> tuple[bytes, bytes]:
    return (folder / "APPROVAL.md").read_bytes(), (folder / "approval.json").read_bytes()


# --- the attestation ---------------------------------------------------------------------------


@pytest.fixture(scope="module")
def handover(approved: ApprovedExample, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the envelopes, the public key, all covered files, and nothing else."""
    folder = tmp_path_factory.mktemp("handover")
    secret, key = tmp_path_factory.mktemp("key") / "release.pem", Ed25519PrivateKey.generate()
    secret.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    public = key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    (folder / "release.pub").write_bytes(public)
    signed = seatrial(
        *("attest", "--key", str(secret), "--output", str(folder), "--with-files"),
        cwd=approved.project.folder,
    )
    assert signed.code == 0, signed.stderr
    return folder


def test_the_attestation_verifies_where_there_are_only_the_files(
    approved: ApprovedExample, handover: Path
) -> None:
    commit = json.loads(approved.ended.stdout)["commit"]["id"]
    envelopes = [path.name for path in sorted(handover.glob("*.dsse.json"))]

    asked = ("--commit", commit, "--max-age", "1", "--min-score", "100", "--no-waivers")
    ended = subprocess.run(
        [sys.executable, "-m", "seatrial", "verify", *envelopes, "--key", "release.pub", *asked],
        cwd=handover,
        env={"PATH": "/nonexistent", "DOCKER_HOST": "unix:///nonexistent"},
        capture_output=True,
        text=True,
        check=False,
    )

    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert len(envelopes) == 2


def test_a_changed_byte_in_any_covered_file_is_found_and_the_file_named(handover: Path) -> None:
    envelopes = {path.name: path.read_bytes() for path in sorted(handover.glob("*.dsse.json"))}
    trust, now = KeyTrust((read_public_key(handover / "release.pub"),)), datetime.now(UTC)
    untouched = verify(envelopes, trust, handover, Demands(), now)
    assert verified(untouched)
    covered = [
        check.name.removeprefix("file ") for check in untouched if check.name.startswith("file ")
    ]
    there = {
        path.relative_to(handover).as_posix() for path in handover.rglob("*") if path.is_file()
    }
    assert set(covered) == there - {*envelopes, "release.pub"}

    chance = random.Random(5)
    for name in covered:
        path = handover / name
        data = path.read_bytes()
        digest = hashlib.sha256(data).hexdigest()
        for number, changed in enumerate(_with_another_byte(data, chance)):
            path.write_bytes(changed)
            assert covered_fault(handover, name, digest) == "it has another content"
            if number == 0:
                checks = verify(envelopes, trust, handover, Demands(), now)
                assert [one.name for one in checks if one.result == "failed"] == [f"file {name}"]
        path.write_bytes(data)


def _with_another_byte(data: bytes, chance: random.Random) -> Iterator[bytes]:
    """The same with one byte changed, each time another; where there is none, with one more."""
    if not data:
        yield b"\n"
    for where in chance.sample(range(len(data)), min(len(data), FLIPS)):
        yield data[:where] + bytes([data[where] ^ 1 << chance.randrange(8)]) + data[where + 1 :]
