"""The doctor's findings in a Dockerfile, with what they cost in a real build."""

import json
import secrets

import pytest

from .program import run_trial, seatrial
from .projects import PYTEST_IMAGE, MakeProject

BUILD = "{context: ., dockerfile: Dockerfile.test}"
COMPOSE = f"""
    services:
      test:
        build: {BUILD}
        command: pytest -q
"""
DOCKERFILE = f"""
    # The package is there already, so no registry is asked.
    FROM {PYTEST_IMAGE}
    ARG WHAT=pytest
    WORKDIR /app
    COPY . .
    RUN --mount=type=cache,target=/root/.cache/uv \\
        python -m pip install "$WHAT"
"""


def test_lines_that_spoil_the_cache_are_named_with_the_seconds_that_they_cost(
    project: MakeProject,
) -> None:
    shop = project(compose=COMPOSE)
    shop.write("Dockerfile.test", DOCKERFILE)
    # So that the builder has never seen it; trials no longer change what it is sent.
    shop.write(".venv/pyvenv.cfg", secrets.token_hex())
    trial = run_trial(shop).record
    assert trial.build is not None
    install = next(step for step in trial.build.steps if "pip install" in step.instruction)

    ended = seatrial("doctor", "--json", cwd=shop.folder)

    assert ended.code == 0
    found = [check for check in json.loads(ended.stdout) if check["name"] == "build cache"]
    assert [check["where"] for check in found] == ["Dockerfile.test:5"] * 2 + ["Dockerfile.test:6"]
    order, context, mount = found
    assert "before pip installs packages (line 6)" in order["found"]
    assert ".venv" in context["found"]
    assert ".seatrial" not in context["found"]
    assert "pip caches in /root/.cache/pip; the mount is at /root/.cache/uv" in mount["found"]
    for check in order, mount:
        assert check["cost_seconds"] == install.seconds
        assert check["cost_trial"] == trial.id


@pytest.mark.parametrize(
    "build",
    [
        "{context: ., dockerfile: docker/Dockerfile.test}",
        f'{{context: ., dockerfile_inline: "FROM {PYTEST_IMAGE}\\nCOPY . /app\\nWORKDIR /app"}}',
    ],
)
def test_what_trials_leave_in_the_project_does_not_reach_its_build(
    project: MakeProject, build: str
) -> None:
    tests = """
        from pathlib import Path

        def test_the_image_holds_the_project_and_nothing_of_its_trials():
            names = sorted(path.name for path in Path().glob("*.*"))
            assert names == ["kept.txt", "test_sample.py"]
    """
    shop = project(compose=COMPOSE.replace(BUILD, build), tests=tests)
    shop.write("docker/Dockerfile.test", f"FROM {PYTEST_IMAGE}\nCOPY . /app\nWORKDIR /app\n")
    for name in ("docker/Dockerfile.test.dockerignore", ".dockerignore"):
        shop.write(name, "*.yml\n*.txt\n!kept.txt\n.*cache\n.dockerignore\n")
    shop.write("kept.txt", "")
    shop.write("left-out.txt", "")
    first = run_trial(shop)
    assert first.code == 0, first.stdout

    second = run_trial(shop, "--fresh").record

    assert second.build is not None
    copies = [step for step in second.build.steps if step.instruction.startswith("COPY")]
    assert [step.cached for step in copies] == [True]
    (told,) = [change for change in second.changes if change.where == "services.test.build"]
    assert told.what == ".seatrial is left out of what the builder is sent"


def test_a_project_without_a_compose_file_is_examined_all_the_same(project: MakeProject) -> None:
    bare = project()
    (bare.folder / "docker-compose.test.yml").unlink()

    ended = seatrial("doctor", "--json", cwd=bare.folder)

    assert ended.code == 0
    (cache,) = [check for check in json.loads(ended.stdout) if check["name"] == "build cache"]
    assert cache["state"] == "skipped"
    assert "no compose file" in cache["found"]
