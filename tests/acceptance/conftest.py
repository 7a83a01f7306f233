"""The engine, the image that the projects use, and the projects."""

import os
import shutil
import subprocess
from collections.abc import Iterable, Iterator
from importlib.metadata import distribution, version
from pathlib import Path

import pytest

from .engine_state import remove_images
from .projects import (
    COMPILED_COVERAGE_IMAGE,
    COVERAGE_IMAGE,
    PYTEST_IMAGE,
    MakeProject,
    Project,
    make_project,
)

_DISTRIBUTIONS = ("pytest", "pluggy", "iniconfig", "packaging", "pygments")
"""pytest and what it needs on Linux: pure Python, so the files of this environment do."""

_DOCKERFILE = """\
FROM python:3.13-slim
COPY site /tmp/site
RUN python -c "import shutil, sysconfig; \
    into = sysconfig.get_path('purelib'); \
    shutil.copytree('/tmp/site', into, dirs_exist_ok=True); \
    __import__('compileall').compile_dir(into, quiet=1)" \
 && printf '#!/bin/sh\\nexec python -m pytest "$@"\\n' > /usr/local/bin/pytest \
 && chmod +x /usr/local/bin/pytest
ENV PYTHONDONTWRITEBYTECODE=1
"""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    here = Path(__file__).parent
    for item in items:
        if here in item.path.parents:
            item.add_marker("engine")


@pytest.fixture(scope="session", autouse=True)
def _engine() -> None:
    """Skip without an engine, or fail where a run without one would prove nothing."""
    for command in (["docker", "version"], ["docker", "compose", "version"]):
        try:
            done = subprocess.run(command, capture_output=True, text=True, check=False)
            reason = done.stderr.strip() if done.returncode else ""
        except FileNotFoundError:
            reason = "there is no docker program"
        if reason:
            _miss(f"{' '.join(command)}: {reason}")


@pytest.fixture(scope="session", autouse=True)
def _pytest_image(_engine: None, tmp_path_factory: pytest.TempPathFactory) -> None:
    """Make the image with pytest, out of this environment's own files: no registry is needed.

    It stays in the engine, so that the next session has it at once.
    """
    _make_image(PYTEST_IMAGE, _DISTRIBUTIONS, tmp_path_factory.mktemp("image"))


@pytest.fixture(scope="session")
def coverage_image(_engine: None, tmp_path_factory: pytest.TempPathFactory) -> str:
    """The same with pytest-cov and xdist; where coverage's compiled part does not fit, without."""
    names = (*_DISTRIBUTIONS, "coverage", "pytest-cov", "pytest-xdist", "execnet")
    _make_image(COVERAGE_IMAGE, names, tmp_path_factory.mktemp("coverage-image"))
    return COVERAGE_IMAGE


@pytest.fixture(scope="session")
def compiled_coverage_image(coverage_image: str, tmp_path_factory: pytest.TempPathFactory) -> str:
    """The same with coverage's compiled part, which only a package registry has for it."""
    context = tmp_path_factory.mktemp("compiled-coverage-image")
    wanted = f"coverage=={version('coverage')}"
    install = f"python -m pip install --quiet --no-deps --force-reinstall {wanted}"
    (context / "Dockerfile").write_text(
        f"FROM {coverage_image}\nRUN {install} && python -c 'import coverage.tracer'\n",
        encoding="utf-8",
    )
    _build(COMPILED_COVERAGE_IMAGE, context)
    return COMPILED_COVERAGE_IMAGE


def _make_image(tag: str, distributions: Iterable[str], context: Path) -> None:
    for name in distributions:
        for file in distribution(name).files or ():
            if ".." not in file.parts and file.suffix not in {".pyc", ".so"}:
                target = context / "site" / file
                target.parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(Path(str(file.locate())), target)
    (context / "Dockerfile").write_text(_DOCKERFILE, encoding="utf-8")
    _build(tag, context)


def _build(tag: str, context: Path) -> None:
    build = ["docker", "build", "--quiet", "--tag", tag, str(context)]
    done = subprocess.run(build, capture_output=True, text=True, check=False)
    if done.returncode:
        _miss(f"the image {tag} cannot be built: {done.stderr.strip()[-500:]}")


def _miss(reason: str) -> None:
    if os.environ.get("CI"):
        pytest.fail(f"in CI the acceptance tests must run: {reason}")
    pytest.skip(reason)


@pytest.fixture
def project(tmp_path: Path) -> Iterator[MakeProject]:
    """Makes projects below the test's folder; what was built for them goes with the test."""
    made: list[Project] = []

    def make(**options: object) -> Project:
        made.append(make_project(tmp_path, **options))  # type: ignore[arg-type]
        return made[-1]

    yield make
    for one in made:
        remove_images(f"seatrial-{one.folder.name}-*")
