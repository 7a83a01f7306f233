from pathlib import Path
from typing import Any

import pytest

from seatrial.settings import Settings
from seatrial.trial.whereabouts import gets_elsewhere, reaches_containers, shaping_files
from unit.stack.forms import bind
from unit.trial.plans import make_plan_of

DOCKERFILE = """\
FROM python AS base
COPY shared.py ./
FROM base AS gateway
COPY stubs/*.py stubs/
RUN --mount=type=bind,source=tools,target=/tools true
FROM base AS tests
COPY --from=gateway /x /y
COPY . .
"""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    (tmp_path / "Dockerfile").write_text(DOCKERFILE)
    (tmp_path / ".dockerignore").write_text("docs\n")
    for name in ("src/app.py", "stubs/gateway.py", "tools/x.sh", "docs/a.md", "shared.py"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("")
    return tmp_path


def build(project: Path, target: str) -> dict[str, Any]:
    return {"build": {"context": str(project), "target": target}, "image": target}


def test_what_another_container_is_built_from_gets_elsewhere(project: Path) -> None:
    services = {"test": build(project, "tests"), "gateway": build(project, "gateway")}

    elsewhere = gets_elsewhere(make_plan_of(project, services))

    assert elsewhere("stubs/gateway.py")
    assert elsewhere("shared.py")
    assert elsewhere("tools/x.sh")
    assert not elsewhere("src/app.py")


def test_what_another_container_mounts_gets_elsewhere(project: Path) -> None:
    mount = bind(project / "src", "/srv", read_only=True)
    services = {"test": build(project, "tests"), "web": {"image": "nginx", "volumes": [mount]}}

    elsewhere = gets_elsewhere(make_plan_of(project, services))

    assert elsewhere("src/app.py")
    assert not elsewhere("stubs/gateway.py")


def test_everything_gets_into_a_container_whose_dockerfile_cannot_be_read(project: Path) -> None:
    other = {"build": {"context": str(project), "dockerfile": "Gone"}, "image": "web"}
    services = {"test": build(project, "tests"), "web": other}

    assert gets_elsewhere(make_plan_of(project, services))("src/app.py")


def test_what_is_ignored_and_not_mounted_reaches_no_container(project: Path) -> None:
    plan = make_plan_of(project, {"test": build(project, "tests")})

    reaches = reaches_containers(plan, Settings())

    assert reaches("src/app.py")
    assert not reaches("docs/a.md")
    assert reaches("src/gone.py")


def test_compose_files_and_dockerfiles_shape_the_stack(project: Path) -> None:
    plan = make_plan_of(project, {"test": build(project, "tests")})

    assert shaping_files(plan) == {"compose.test.yml", "Dockerfile"}
