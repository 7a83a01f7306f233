"""Failures rehearsed on a small project: each is told, and nothing is left of it."""

import json
import signal
from collections.abc import Mapping
from pathlib import Path

import pytest

from seatrial.drill.breakings import DRILLS
from seatrial.drill.rehearse import REPORT_FILE
from seatrial.evidence.drills import DrillReport
from seatrial.evidence.environment import environment_hash
from seatrial.evidence.ledger import LEDGER, drills_name

from .engine_state import docker, held
from .program import Ended, running_trial, seatrial
from .projects import COVERAGE_IMAGE, MakeProject, Project, compose_with, service

REDIS = service("redis", 'image: redis:7\nhealthcheck: {test: ["CMD", "redis-cli", "ping"]}')
BUILT = f"""
services:
  test:
    build: {{context: ., target: test}}
    depends_on: {{redis: {{condition: service_healthy}}}}
{REDIS}
"""
DOCKERFILE = f"""
    FROM {COVERAGE_IMAGE} AS test
    WORKDIR /app
    COPY . .
    CMD ["sh", "-c", "pytest -q -p no:cacheprovider --cov=shop tests"]

    FROM test AS shipped
    CMD ["true"]
"""
SHOP = {
    "Dockerfile": DOCKERFILE,
    ".dockerignore": ".seatrial\n",
    ".coveragerc": "[report]\nfail_under = 60\n",
    "shop/__init__.py": "def price(x):\n    if x:\n        return 1\n    y = x\n    return y\n",
    "tests/test_price.py": """
        import sys
        sys.path.insert(0, "/app")
        import shop

        def test_price():
            assert shop.price(1) == 1
            assert shop.price(0) == 0
    """,
    "tests/more/test_more.py": "def test_more(): pass\n",
}
PASSES = "def test_it(): pass\n"
TURNS_FAILURES_INTO_PASSES = """
    import pytest

    @pytest.hookimpl(hookwrapper=True, tryfirst=True)
    def pytest_runtest_makereport(item, call):
        outcome = yield
        report = outcome.get_result()
        if report.failed:
            report.outcome, report.longrepr = "passed", None
"""


def drill(project: Project, *arguments: str, timeout_s: float = 120.0) -> Ended:
    ended = seatrial("drill", "--json", *arguments, cwd=project.folder, timeout_s=timeout_s)
    assert held_by_copies(project) == []
    return ended


def report_of(ended: Ended) -> DrillReport:
    assert ended.stdout.startswith("{"), ended.stderr
    return DrillReport.model_validate_json(ended.stdout)


def held_by_copies(project: Project) -> list[str]:
    """What the engine holds of the project's rehearsals, images included."""
    names = (path.name for path in (project.folder / ".seatrial/drills").glob("*"))
    return [one for name in names for one in held_by(f"drill-{name.rpartition('-')[2]}")]


def held_by(copy: str) -> list[str]:
    """What the engine holds of a copy with this name: all of it has the name in its own."""
    found = [name for name in held("dev.seatrial.trial") if f"seatrial-{copy}-" in name]
    images = docker("image", "ls", "--quiet", "--filter", f"reference=seatrial-{copy}-*")
    return found + images.split()


def tried(project: Project) -> Project:
    """The project after a trial that passed."""
    ended = seatrial("run", "--quiet", cwd=project.folder)
    assert ended.code == 0, ended.stderr + ended.stdout
    return project


def state(project: Project) -> Mapping[str, bytes]:
    """All files of the project, its trials included, but for the drills' own and the ledger."""
    home = project.folder / ".seatrial"
    return {
        path.relative_to(project.folder).as_posix(): path.read_bytes()
        for path in project.folder.rglob("*")
        if path.is_file() and not path.is_relative_to(home / "drills") and path != home / LEDGER
    }


def in_ledger(project: Project) -> list[str]:
    """What the ledger names, in its order; a record that was written twice counts once."""
    lines = (project.folder / ".seatrial" / LEDGER).read_text(encoding="utf-8").splitlines()
    return list(dict.fromkeys(json.loads(line)["trial"] for line in lines))


@pytest.mark.long
def test_every_drill_passes_on_a_project_that_has_what_it_takes(
    project: MakeProject, coverage_image: str
) -> None:
    made = tried(project(compose=BUILT, tests=None, files=SHOP))
    before = state(made)

    ended = drill(made, timeout_s=600)

    report = report_of(ended)
    assert [(one.key, one.passed, one.faults) for one in report.results] == [
        (key, True, ()) for key in DRILLS
    ]
    assert ended.code == 0
    assert state(made) == before
    failing = report.result("test-fails")
    assert failing is not None
    assert failing.reason == "14 of 14 tests failed"
    assert report.environment == environment_hash(made.folder)


def test_results_are_kept_with_their_hashes_and_nothing_else_of_the_project_changes(
    project: MakeProject,
) -> None:
    made = tried(project(tests=PASSES))
    before = state(made)

    ended = drill(made, "--only", "test-fails", "--only", "dependency-dies")

    assert ended.code == 0, ended.stderr
    report = report_of(ended)
    assert [one.key for one in report.results] == ["passes", "dependency-dies", "test-fails"]
    control, dies, fails = report.results
    assert (control.passed, fails.passed) == (True, True)
    assert fails.reason == "7 of 7 tests failed"
    assert dies.passed is None
    assert "no service that keeps running" in dies.why_not
    assert state(made) == before
    assert in_ledger(made) == [*made.trials(), drills_name(report.id)]
    (folder,) = (made.folder / ".seatrial/drills").iterdir()
    assert folder.name == report.id
    written = DrillReport.model_validate_json((folder / REPORT_FILE).read_text())
    assert written == report
    listed = {entry.path for entry in report.files}
    there = {p.relative_to(folder).as_posix() for p in folder.rglob("*") if p.is_file()}
    assert listed == there - {REPORT_FILE}
    assert {f"{one.key}/trial/record.json" for one in (control, fails)} <= listed
    assert json.loads((folder / (fails.record or "")).read_text())["exit_code"] == 1


@pytest.mark.parametrize("folder", ["deep/", pytest.param("", marks=pytest.mark.long)])
def test_a_conftest_that_turns_failures_into_passes_fails_the_drill(
    project: MakeProject, folder: str
) -> None:
    made = project(
        tests=PASSES,
        files={
            "deep/test_deep.py": PASSES,
            f"{folder}conftest.py": TURNS_FAILURES_INTO_PASSES,
        },
    )

    ended = drill(tried(made), "--only", "test-fails")

    result = report_of(ended).result("test-fails")
    assert ended.code == 1
    assert result is not None
    assert result.passed is False
    assert any("was told as passed" in fault for fault in result.faults)


@pytest.mark.long
def test_tests_are_chosen_by_name_where_pytests_root_is_not_where_it_runs(
    project: MakeProject,
) -> None:
    command = "pytest -q -p no:cacheprovider -m quick -x -c /app/checks/pytest.ini /app/checks"
    made = project(
        compose=compose_with(command=command),
        tests=None,
        files={
            "checks/pytest.ini": "[pytest]\nmarkers = quick\n",
            "checks/test_a.py": "import pytest\n\n@pytest.mark.quick\ndef test_a(): pass\n",
        },
    )

    ended = drill(tried(made), "--only", "test-fails")

    report = report_of(ended)
    assert [(one.key, one.passed, one.faults) for one in report.results] == [
        (key, True, ()) for key in ("passes", "test-fails")
    ]


def test_after_an_engine_that_was_away_and_after_a_kill_nothing_is_left(
    project: MakeProject,
) -> None:
    test = "depends_on: {redis: {condition: service_healthy}}"
    made = tried(project(compose=compose_with(REDIS, test=test), tests=PASSES))

    ended = drill(made, "--only", "engine-lost", "--only", "killed")

    report = report_of(ended)
    assert [(one.key, one.passed, one.faults) for one in report.results] == [
        (key, True, ()) for key in ("passes", "engine-lost", "killed")
    ]
    lost, killed = report.result("engine-lost"), report.result("killed")
    assert lost is not None
    assert "connect" in lost.reason
    assert lost.exit_code == 3
    assert killed is not None
    assert killed.record is None


def test_if_the_control_fails_no_other_drill_is_made_and_the_report_says_so(
    project: MakeProject,
) -> None:
    made = tried(project(tests=PASSES))
    made.write("conftest.py", "raise RuntimeError('broken since')\n")

    ended = seatrial("drill", "--only", "test-fails", cwd=made.folder)

    assert ended.code == 3
    assert "no drill means anything" in ended.stdout
    assert held_by_copies(made) == []
    (place,) = made.folder.glob(f".seatrial/drills/*/{REPORT_FILE}")
    control, fails = DrillReport.model_validate_json(place.read_text()).results
    assert control.passed is False
    assert control.faults
    assert fails.passed is None


def test_ctrl_c_ends_a_drill_in_order_and_leaves_nothing(project: MakeProject) -> None:
    made = tried(project(tests=PASSES))
    made.write("conftest.py", "import time\n\ndef pytest_sessionstart():\n    time.sleep(60)\n")

    with running_trial(made, command=("drill", "--json")) as running:
        running.wait_for(lambda: held_by_copies(made), "a trial of the copy runs")
        (copy,) = made.folder.glob(".seatrial/drills/*/work/drill-*")
        running.send(signal.SIGINT)
        ended = running.finish()

    assert ended.code == 130
    assert ended.stdout == ""
    assert held_by(copy.name) == []
    assert list((made.folder / ".seatrial/drills").iterdir()) == []


def test_without_a_trial_the_user_is_told_to_make_one(project: MakeProject) -> None:
    ended = seatrial("drill", cwd=project().folder)

    assert ended.code == 2
    assert "seatrial run" in ended.fault.next_step


@pytest.mark.parametrize("arguments", [("--only", "nope"), ("-C", "nowhere")])
def test_a_wrong_argument_is_told(tmp_path: Path, arguments: tuple[str, ...]) -> None:
    assert seatrial("drill", *arguments, cwd=tmp_path).code == 2


def test_the_drills_are_listed_without_an_engine(tmp_path: Path) -> None:
    ended = seatrial("drill", "--list", cwd=tmp_path, env={"DOCKER_HOST": "unix:///nowhere"})

    assert ended.code == 0
    assert [line.split()[0] for line in ended.stdout.splitlines()] == list(DRILLS)
