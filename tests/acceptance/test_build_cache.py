"""The doctor's findings in a Dockerfile, with what they cost in a real build."""

import json

from .program import run_trial, seatrial
from .projects import PYTEST_IMAGE, MakeProject

COMPOSE = """
    services:
      test:
        build: {context: ., dockerfile: Dockerfile.test}
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
    trial = run_trial(shop).record
    assert trial.build is not None
    install = next(step for step in trial.build.steps if "pip install" in step.instruction)

    ended = seatrial("doctor", "--json", cwd=shop.folder)

    assert ended.code == 0
    found = [check for check in json.loads(ended.stdout) if check["name"] == "build cache"]
    assert [check["where"] for check in found] == ["Dockerfile.test:5"] * 2 + ["Dockerfile.test:6"]
    order, context, mount = found
    assert "before pip installs packages (line 6)" in order["found"]
    assert ".seatrial" in context["found"]
    assert "pip caches in /root/.cache/pip; the mount is at /root/.cache/uv" in mount["found"]
    for check in order, mount:
        assert check["cost_seconds"] == install.seconds
        assert check["cost_trial"] == trial.id


def test_a_project_without_a_compose_file_is_examined_all_the_same(project: MakeProject) -> None:
    bare = project()
    (bare.folder / "docker-compose.test.yml").unlink()

    ended = seatrial("doctor", "--json", cwd=bare.folder)

    assert ended.code == 0
    (cache,) = [check for check in json.loads(ended.stdout) if check["name"] == "build cache"]
    assert cache["state"] == "skipped"
    assert "no compose file" in cache["found"]
