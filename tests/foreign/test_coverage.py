"""Coverage of suites that nobody here wrote: what Seatrial reports is what the run itself reports.

The test command measures itself with a plain `coverage run` (the example: with pytest-cov), writes
its own report, and Seatrial is not told where; every file, line and branch must agree.
"""

import json
import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from .fetch import NoRegistry, fetch, load_sources
from .trial import run_trial

pytestmark = [pytest.mark.engine, pytest.mark.foreign, pytest.mark.long]

EXAMPLE = Path(__file__).parents[2] / "examples" / "shop"
COVERAGE = "coverage==7.10.7"
RCFILE = "[run]\nbranch = true\nsource =\n    {package}\n"
RUN_TESTS = "sh -c 'python -m coverage run -m pytest tests"
ONE_WORKER = ("--workers", "1")
"""A report of the test command is of one container."""
JUDGE = "python -m coverage json -q -o reports/plain.json"


def rq(folder: Path) -> Path:
    """Redis: one command line, in `/app`."""
    project = fetched("rq", folder)
    measured(project, package="rq")
    path = project / "docker-compose.test.yml"
    text = path.read_text(encoding="utf-8")
    text = text.replace("pytest tests --junitxml=reports/junit.xml", RUN_TESTS)
    path.write_text(f"{text.rstrip()}; {JUDGE}'\n", encoding="utf-8")
    return project


def sqlalchemy_utils(folder: Path) -> Path:
    """PostgreSQL: a script, in `/src`, which nothing is mounted into."""
    project = fetched("sqlalchemy-utils", folder)
    measured(project, package="sqlalchemy_utils")
    path = project / "docker-compose.test.yml"
    text = path.read_text(encoding="utf-8")
    text = text.replace("exec pytest tests", "python -m coverage run -m pytest tests")
    text = f"{text.rstrip()}\n        {JUDGE}\n    volumes:\n      - ./reports:/src/reports\n"
    path.write_text(text, encoding="utf-8")
    return project


def shop(folder: Path) -> Path:
    """The example, which measures itself with pytest-cov."""
    project = folder / "shop"
    ignored = shutil.ignore_patterns(".seatrial", "reports", "__pycache__")
    shutil.copytree(EXAMPLE, project, ignore=ignored)
    settings = project / "seatrial.toml"
    # How long it takes is not what is looked at, and this machine may be busy.
    settings.write_text(settings.read_text(encoding="utf-8").partition("[budgets]")[0])
    script = project / "scripts" / "run-tests.sh"
    text = script.read_text(encoding="utf-8").replace("exec pytest", "pytest")
    script.write_text(f"{text.rstrip()}\n{JUDGE}\n", encoding="utf-8")
    return project


@pytest.mark.parametrize("make", [shop, rq, sqlalchemy_utils])
def test_the_coverage_of_a_suite_is_that_of_its_own_report(
    make: Callable[[Path], Path], tmp_path: Path
) -> None:
    try:
        project = make(tmp_path)
    except NoRegistry as error:
        pytest.skip(f"no package registry answers: {error}")

    record = run_trial(project, *ONE_WORKER)

    folder = project / ".seatrial" / "latest"
    plain = report(folder / "output" / "reports" / "plain.json")
    assert report(folder / "coverage" / "coverage.json") == plain
    assert record.coverage is not None
    assert record.coverage.percent == plain["totals"]["percent_covered"]
    assert plain["totals"]["covered_lines"] > 500


def test_the_examples_coverage_is_that_of_a_plain_run_to_the_last_line(tmp_path: Path) -> None:
    # Another run, without Seatrial: its hypothesis tests take the same examples in every run.
    project = shop(tmp_path)
    compose("run", "--rm", "--build", "test", project=project)
    plain = report(project / "reports" / "plain.json")
    shutil.rmtree(project / "reports")

    run_trial(project, *ONE_WORKER)

    assert report(project / ".seatrial" / "latest" / "coverage" / "coverage.json") == plain
    assert plain["totals"]["covered_lines"] > 500


def compose(*arguments: str, project: Path) -> None:
    """Run Compose on a project as its users do, and take down what it made."""
    common = ["docker", "compose", "-p", f"plain-{os.getpid()}", "-f", "docker-compose.test.yml"]
    try:
        subprocess.run([*common, *arguments], cwd=project, capture_output=True, check=True)
    finally:
        down = [*common, "down", "--volumes", "--remove-orphans", "--rmi", "local"]
        subprocess.run(down, cwd=project, capture_output=True, check=True)


def fetched(name: str, folder: Path) -> Path:
    """A released package with our files, ready to try."""
    return fetch(load_sources()[name], folder / name)


def measured(project: Path, *, package: str) -> None:
    """Give its image coverage.py, and its sources settings of their own."""
    with (project / "requirements-test.txt").open("a", encoding="utf-8") as requirements:
        requirements.write(f"{COVERAGE}\n")
    (project / ".coveragerc").write_text(RCFILE.format(package=package), encoding="utf-8")


def report(path: Path) -> dict[str, Any]:
    """A JSON report without the moment at which it was made."""
    read: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    del read["meta"]["timestamp"]
    return read
