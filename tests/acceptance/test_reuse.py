"""An unchanged trial is not run again; whatever changed, it is."""

import json
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from seatrial.evidence.dockerignore import read_ignore_file
from seatrial.evidence.filetree import Root, list_tree
from seatrial.evidence.record import Record, Status

from .engine_state import docker
from .program import assert_nothing_left, running_trial, seatrial
from .projects import PYTEST_IMAGE, Project, make_project

BASE = "seatrial-tests-reuse-base:1"

COMPOSE = """
services:
  test:
    build: .
    environment:
      ANSWER: ${ANSWER:-42}
    volumes: [./data:/data]
"""
FILES = {
    "Dockerfile": f"FROM {BASE}\nWORKDIR /app\nCOPY . .\nCMD pytest -q -p no:cacheprovider\n",
    ".dockerignore": ".seatrial\nnotes\ndata\n",
    "notes": "nobody reads this",
    "data/rows": "1",
}


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Project]:
    docker("tag", PYTEST_IMAGE, BASE)
    made = make_project(tmp_path_factory.mktemp("reuse"), compose=COMPOSE, files=FILES)
    yield made
    docker("image", "rm", "--force", BASE, f"seatrial-{made.folder.name}-test")


def run(project: Project, *arguments: str, **env: str) -> Record:
    """What `seatrial run` prints, whether or not it ran anything."""
    ended = seatrial("run", "--json", *arguments, cwd=project.folder, env=env)
    assert ended.record.status is Status.PASSED, ended.stdout
    return ended.record


def events(project: Project, since: float) -> list[str]:
    """What the engine did for the project's trials since then."""
    label = f"label=dev.seatrial.project={project.folder.name}"
    said = docker(
        "events", f"--since={since:.6f}", f"--until={time.time():.6f}", f"--filter={label}"
    )
    return said.splitlines()


def test_an_unchanged_trial_is_returned_and_nothing_is_run(project: Project) -> None:
    began = time.time()
    first = run(project, "--fresh")
    between = time.time()
    trials = project.trials()

    again = run(project)

    assert again.reused is not None
    assert again.reused.trial == first.id
    assert again.model_copy(update={"reused": None}) == first
    assert events(project, began)
    assert events(project, between) == []
    assert project.trials() == trials
    assert_nothing_left(project)


def test_the_terminal_says_plainly_that_nothing_was_run(project: Project) -> None:
    origin = run(project)

    ended = seatrial("run", cwd=project.folder)

    first, *_, last = ended.stdout.splitlines()
    assert ended.code == 0
    assert first == f"nothing was run: what follows is of trial {origin.id}"
    assert last.startswith(f"REUSED: nothing changed since trial {origin.id}, measured ")
    assert "--fresh" in last


def test_asked_for_a_fresh_trial_it_runs_one(project: Project) -> None:
    origin = run(project)

    again = run(project, "--fresh")

    assert again.reused is None
    assert again.id != origin.id
    assert again.fingerprint == origin.fingerprint


def test_a_verdict_says_that_a_trial_was_returned_and_rejects_that_where_it_is_not_allowed(
    project: Project,
) -> None:
    origin = run(project, "--fresh")

    def approval() -> dict[str, Any]:
        found: dict[str, Any] = json.loads(seatrial("approve", "--json", cwd=project.folder).stdout)
        assert found["trial"]["id"] == origin.id
        return found

    def keys(document: dict[str, Any]) -> set[str]:
        return {reason["key"] for reason in document["verdict"]["reasons"]}

    looks = [run(project).reused for _ in range(2)]
    document = approval()
    assert document["reused"]["times"] == 2
    assert looks[-1] is not None
    assert document["reused"]["age_seconds"] == pytest.approx(looks[-1].age_seconds, abs=1)
    assert "reused" not in keys(document)

    settings = project.write("seatrial.toml", "[verdict]\nallow_reused = false\n")
    try:
        strict = approval()
        assert keys(strict) - keys(document) == {"reused"}
        assert approval() == strict
    finally:
        settings.unlink()


def touch_source(project: Project) -> None:
    path = project.folder / "test_sample.py"
    path.write_text(path.read_text() + "\n")


def touch_mounted_data(project: Project) -> None:
    (project.folder / "data/rows").write_text("2")


def tag_another_base(project: Project) -> None:
    another = f"FROM {PYTEST_IMAGE}\nLABEL changed={time.time_ns()}\n"
    docker("build", "--quiet", "--tag", BASE, "-", stdin=another)


@pytest.mark.parametrize(
    "change",
    [touch_source, tag_another_base, pytest.param(touch_mounted_data, marks=pytest.mark.long)],
)
def test_what_changed_is_measured(project: Project, change: Callable[[Project], None]) -> None:
    origin = run(project)
    change(project)

    again = run(project)

    assert again.reused is None
    assert again.fingerprint not in {None, origin.fingerprint}


def test_another_value_from_the_environment_is_measured(project: Project) -> None:
    run(project)

    assert run(project, ANSWER="43").reused is None
    assert run(project, ANSWER="43").reused is not None


@pytest.mark.long
def test_other_arguments_for_pytest_are_measured(project: Project) -> None:
    run(project)

    assert run(project, "--", "-x").reused is None


def test_what_no_container_sees_makes_no_difference(project: Project) -> None:
    run(project)
    (project.folder / "notes").write_text(f"changed at {time.time_ns()}")

    assert run(project).reused is not None


def harm_a_log(folder: Path) -> None:
    log = next((folder / "logs").glob("*.log"))
    log.write_text(log.read_text().replace("1", "2"))


def remove_a_log(folder: Path) -> None:
    next((folder / "logs").glob("*.log")).unlink()


def embellish_the_record(folder: Path) -> None:
    record = json.loads((folder / "record.json").read_text())
    record["pytest"]["counts"]["passed"] = 100
    (folder / "record.json").write_text(json.dumps(record))


@pytest.mark.parametrize(
    "harm", [remove_a_log, embellish_the_record, pytest.param(harm_a_log, marks=pytest.mark.long)]
)
def test_a_trial_whose_files_were_touched_is_not_believed(
    project: Project, harm: Callable[[Path], None]
) -> None:
    origin = run(project)
    harm(project.runs / origin.id)

    again = run(project)

    assert again.reused is None
    assert again.pytest is not None
    assert again.pytest.counts.passed == 1


@pytest.mark.long
def test_the_settings_can_switch_it_off(project: Project) -> None:
    run(project)
    settings = project.write("seatrial.toml", "[reuse]\nmax_age = 0\n")
    try:
        run(project)
        assert run(project).reused is None
    finally:
        settings.unlink()


def test_a_file_that_changes_while_the_trial_runs_leaves_it_without_a_fingerprint(
    project: Project,
) -> None:
    earlier = project.trials()
    with running_trial(project) as running:
        running.wait_for(lambda: project.trials() != earlier, "the trial's folder")
        (project.folder / "data/new").touch()
        record = running.finish().record

    assert record.fingerprint is None
    assert any("data/new" in finding for finding in record.findings)


TREE = ("a.txt", "b.txt", "src/a.py", "src/__pycache__/a.pyc", "src/deep/b.py", "x/y/z", "[a]")


@pytest.mark.parametrize(
    ("patterns", "exact"),
    [
        ("", True),
        ("*\n!src\n**/__pycache__", True),
        ("**/*.py", True),
        ("src/**\n!src/deep", True),
        ("*\n!src/deep/*", True),
        ("*\n!**/b.*", True),
        ("/x/\n?.txt", True),
        ("x/*\n!x/y/z", True),
        ("**\n!x", True),
        ("src/*/", True),
        ("**src\nx**z", True),
        ("[ab].txt", False),
        (r"*" + "\n" + r"!\[a\]", False),
    ],
)
def test_no_file_that_the_builder_is_sent_is_passed_over(
    patterns: str, exact: bool, tmp_path: Path
) -> None:
    context, out = tmp_path / "context", tmp_path / "out"
    for name in TREE:
        path = context / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    (context / ".dockerignore").write_text(f"{patterns}\n.dockerignore\n")
    dockerfile = tmp_path / "Dockerfile"
    dockerfile.write_text("FROM scratch\nCOPY . /\n")
    docker("buildx", "build", "--quiet", f"--output={out}", f"--file={dockerfile}", str(context))

    sent = {path.relative_to(out).as_posix() for path in out.rglob("*")}
    rules = read_ignore_file((context / ".dockerignore").read_text())
    listed = {entry.place for entry in list_tree(Root(context, rules))} - {""}

    assert sent <= listed
    assert sent == listed or not exact
