"""The commands beside `run`: what they print, and that they leave alone what is not theirs."""

import json
import secrets
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator

from seatrial.trial.identity import this_process

from .engine_state import docker, held
from .program import run_trial, seatrial
from .projects import PYTEST_IMAGE, MakeProject, compose_with


def test_the_plan_shows_what_would_run_and_runs_nothing(project: MakeProject) -> None:
    made = project(
        compose=compose_with(
            "  redis: {image: 'redis:7', container_name: r, ports: ['6379:6379'], restart: always}",
            test="depends_on: [redis]",
        )
    )

    ended = seatrial("plan", "--json", cwd=made.folder)

    assert ended.code == 0, ended.stderr
    plan = json.loads(ended.stdout)
    assert (plan["test_service"], plan["required"]) == ("test", ["redis"])
    redis = plan["form"]["services"]["redis"]
    assert not {"container_name", "ports", "restart"} & redis.keys()
    changed = {change["where"]: change["why"] for change in plan["changes"]}
    assert {"services.redis.ports", "services.redis.restart"} <= changed.keys()
    assert all(changed.values())
    assert held(f"dev.seatrial.project={made.folder.name}") == []
    assert not (made.folder / ".seatrial").exists()


def test_the_planned_form_is_a_compose_file(project: MakeProject, tmp_path: Path) -> None:
    made = project()
    plan = json.loads(seatrial("plan", "--json", cwd=made.folder).stdout)

    file = tmp_path / "planned.json"
    file.write_text(json.dumps(plan["form"]))

    assert docker("compose", "--file", str(file), "config", "--services") == "test"


def test_doctor_finds_this_machine_fit() -> None:
    ended = seatrial("doctor", "--json", cwd=Path.cwd())

    checks = {check["name"]: check for check in json.loads(ended.stdout)}
    assert ended.code == 0, checks
    assert {"engine", "compose", "buildx", "memory", "DNS", "project's disk"} <= checks.keys()
    assert [check for check in checks.values() if check["state"] == "failed"] == []
    assert all(check["next_step"] for check in checks.values() if check["state"] == "warning")


def test_doctor_says_what_to_do_about_an_engine_that_is_down() -> None:
    ended = seatrial(
        "doctor", "--json", cwd=Path.cwd(), env={"DOCKER_HOST": "unix:///nonexistent.sock"}
    )

    engine = next(check for check in json.loads(ended.stdout) if check["name"] == "engine")
    assert ended.code == 3
    assert engine["state"] == "failed"
    assert engine["next_step"]


def test_list_and_show_find_a_trial_again(project: MakeProject) -> None:
    made = project()
    assert json.loads(seatrial("list", "--json", cwd=made.folder).stdout) == []
    assert seatrial("show", cwd=made.folder).fault.what == "there is no trial yet"
    one, other = (json.loads(run_trial(made).stdout) for _ in range(2))

    listed = json.loads(seatrial("list", "--json", cwd=made.folder).stdout)
    table = seatrial("list", cwd=made.folder)

    assert listed == [other, one]
    assert [line.split()[0] for line in table.stdout.splitlines()[1:]] == [other["id"], one["id"]]
    for arguments, record in ((), other), ((one["id"],), one), ((one["id"][-6:],), one):
        shown = seatrial("show", "--json", *arguments, cwd=made.folder)
        assert json.loads(shown.stdout) == record
    assert "PASSED: 1 test passed" in seatrial("show", cwd=made.folder).stdout
    missing = seatrial("show", "no-such-id", cwd=made.folder)
    assert missing.code == 2
    assert missing.fault.what == "there is no trial 'no-such-id'"
    elsewhere = seatrial("show", "--json", "--project", str(made.folder), cwd=Path("/"))
    assert json.loads(elsewhere.stdout) == other


def test_a_record_fits_the_published_schema(project: MakeProject) -> None:
    record = json.loads(run_trial(project()).stdout)

    schema = json.loads(seatrial("schema", cwd=Path.cwd()).stdout)

    Draft202012Validator.check_schema(schema)
    Draft202012Validator(schema).validate(record)


def test_clean_removes_what_a_dead_trial_left_and_keeps_what_a_live_one_holds() -> None:
    with _leftovers(this_process()) as alive, _leftovers(_dead_owner()) as dead:
        shown = seatrial("clean", "--dry-run", cwd=Path.cwd())
        assert dead in shown.stdout
        assert alive not in shown.stdout
        assert len(_held(dead)) == 3

        declined = seatrial("clean", cwd=Path.cwd(), stdin="n\n")
        assert declined.code == 0
        assert "Remove what" in declined.stderr
        assert len(_held(dead)) == 3

        ended = seatrial("clean", "--yes", "--json", cwd=Path.cwd())
        cleaned = {one["leftover"]["trial"]: one for one in json.loads(ended.stdout)}
        assert ended.code == 0
        assert _held(dead) == []
        assert len(_held(alive)) == 3
        assert cleaned[dead]["leftover"]["owner"] == "dead"
        assert len(cleaned[dead]["removal"]["removed"]["containers"]) == 1
        assert not any(cleaned[dead]["removal"]["left"].values())


def test_clean_removes_leftovers_once_it_is_told_yes() -> None:
    with _leftovers(_dead_owner()) as dead:
        ended = seatrial("clean", cwd=Path.cwd(), stdin="y\n")

        assert ended.code == 0
        assert _held(dead) == []


@pytest.mark.parametrize("arguments", [("run", "--no-such"), ("no-such",), ("run", "--file")])
def test_a_command_line_that_is_wrong_is_a_usage_error(arguments: tuple[str, ...]) -> None:
    ended = seatrial(*arguments, cwd=Path.cwd())

    assert ended.code == 2
    assert "Error" in ended.stderr


def _dead_owner() -> str:
    """The label of an owner that has just ended."""
    code = "from seatrial.trial.identity import this_process; print(this_process())"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return done.stdout.strip()


def _held(trial: str) -> list[str]:
    return held(f"dev.seatrial.trial={trial}")


@contextmanager
def _leftovers(owner: str) -> Iterator[str]:
    """A container, a volume and a network as a trial leaves them; gives the trial's id."""
    found = seatrial("clean", "--dry-run", "--json", cwd=Path.cwd()).stdout
    if others := [one["leftover"]["trial"] for one in json.loads(found)]:
        pytest.skip(f"dead trials of others must not be cleaned up by a test: {', '.join(others)}")
    trial = f"20260102-030405-{secrets.token_hex(3)}"
    labels = [
        f"--label=dev.seatrial.{key}={value}"
        for key, value in (("trial", trial), ("project", "acc-left"), ("owner", owner))
    ]
    name = f"seatrial-tests-{trial}"
    docker("network", "create", *labels, name)
    docker("volume", "create", *labels, name)
    create = ("create", "--network", name, "--volume", f"{name}:/data", "--name", name)
    docker("container", *create, *labels, PYTEST_IMAGE, "sleep", "60")
    try:
        yield trial
    finally:
        # Only what was made here, whatever became of it.
        for kind in (["container", "rm", "--force"], ["network", "rm"], ["volume", "rm"]):
            subprocess.run(["docker", *kind, name], capture_output=True, check=False)
