"""An engine, a service or a machine that does not do its part: exit code 3, and what to do."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from seatrial.evidence.record import Status

from .program import assert_nothing_left, run_trial, seatrial
from .projects import PYTEST_IMAGE, MakeProject, compose_with, make_project, service
from .users import a_user, folder_for_everyone, needs_root, user_of_the_engine


def test_an_engine_that_does_not_answer_is_named_and_how_to_start_it(
    project: MakeProject,
) -> None:
    made = project()

    ended = seatrial(
        "run", "--json", cwd=made.folder, env={"DOCKER_HOST": "unix:///nonexistent.sock"}
    )

    assert ended.code == 3
    assert "nonexistent.sock" in ended.fault.what
    assert "DOCKER_HOST" in ended.fault.where
    assert "start" in ended.fault.next_step
    assert made.trials() == []


def test_an_address_that_is_none_is_refused(project: MakeProject) -> None:
    ended = seatrial("run", cwd=project().folder, env={"DOCKER_HOST": "nonsense"})

    assert ended.code == 3
    assert "DOCKER_HOST" in ended.fault.where + ended.fault.next_step


def test_without_compose_it_says_how_to_install_it(project: MakeProject, tmp_path: Path) -> None:
    made = project()
    programs = tmp_path / "programs"
    programs.mkdir()
    (programs / "python3").symlink_to(sys.executable)

    ended = seatrial("run", cwd=made.folder, env={"PATH": str(programs)})

    assert ended.code == 3
    assert ended.fault.what == "Docker Compose is missing"
    assert "docker-compose" in ended.fault.next_step
    assert made.trials() == []


@needs_root
def test_a_user_who_may_not_use_the_engine_is_told_so() -> None:
    with folder_for_everyone() as folder:
        made = make_project(folder)
        ended = seatrial("run", cwd=made.folder, user=a_user(), env={"HOME": str(folder)})

    assert ended.code == 3
    assert "ermission denied" in ended.fault.what
    assert "group" in ended.fault.next_step


@needs_root
def test_a_project_whose_folder_may_not_be_written_is_refused_before_anything_runs() -> None:
    with folder_for_everyone() as folder:
        made = make_project(folder)
        ended = seatrial(
            "run", cwd=made.folder, user=user_of_the_engine(), env={"HOME": str(folder)}
        )
        assert_nothing_left(made)

    assert ended.code == 3
    assert ended.fault.what == "the trial's folder cannot be written: Permission denied"
    assert str(made.folder) in ended.fault.where
    assert "permissions" in ended.fault.next_step


@needs_root
def test_a_disk_that_is_full_from_the_start_is_refused_before_anything_runs(
    project: MakeProject,
) -> None:
    made = project()
    with _small_disk(made.folder / ".seatrial") as disk:
        _fill(disk)

        ended = run_trial(made)

    assert ended.code == 3
    assert "No space left on device" in ended.fault.what
    assert str(made.folder) in ended.fault.where
    assert "space" in ended.fault.next_step


@needs_root
def test_a_disk_that_fills_up_while_the_tests_run_is_named(project: MakeProject) -> None:
    made = project(
        compose=compose_with(command="pytest -q -s"),
        tests="def test_talks_a_lot():\n    print('x' * (3 << 20))\n",
    )
    with _small_disk(made.folder / ".seatrial"):
        ended = run_trial(made)

    assert ended.code == 3
    assert "No space left on device" in ended.fault.what
    assert ".seatrial/runs/" in ended.fault.where
    assert "space" in ended.fault.next_step


def test_a_service_that_ends_at_once_is_shown_with_its_own_last_lines(
    project: MakeProject,
) -> None:
    ended = run_trial(
        project(
            compose=compose_with(
                service(
                    "db",
                    f"""
                    image: {PYTEST_IMAGE}
                    command: sh -c "echo the data folder is broken; exit 3"
                    """,
                ),
                "  other: {image: 'redis:7'}",
                test="depends_on: [db, other]",
            )
        )
    )

    assert ended.code == 3
    assert ended.record.status is Status.ENVIRONMENT
    assert ended.fault.what == "service db ended with exit code 3 while starting"
    assert ended.fault.where == "services.db, logs/db.log"
    assert ended.fault.details == ("the data folder is broken",)
    db = next(one for one in ended.record.services if one.name == "db")
    assert (db.state, db.exit_code) == ("exited", 3)


def test_a_service_that_never_becomes_healthy_is_shown_with_its_log_and_last_answer(
    project: MakeProject,
) -> None:
    ended = run_trial(
        project(
            compose=compose_with(
                service(
                    "db",
                    f"""
                    image: {PYTEST_IMAGE}
                    init: true
                    command: sh -c "echo still recovering; sleep 60"
                    healthcheck:
                      test: echo not yet && exit 1
                      interval: 100ms
                      timeout: 500ms
                      retries: 1
                    """,
                ),
                test="depends_on: {db: {condition: service_healthy}}",
            )
        ),
        "--start-timeout",
        "1",
    )

    assert ended.code == 3
    assert ended.fault.what.startswith("service db did not become ready within ")
    assert "still recovering" in ended.fault.details
    assert ended.fault.details[-1] == "last health output: exit code 1: not yet"
    assert "--start-timeout" in ended.fault.next_step


def test_a_health_check_whose_program_the_image_lacks_is_not_waited_for(
    project: MakeProject,
) -> None:
    ended = run_trial(
        project(
            compose=compose_with(
                service(
                    "web",
                    f"""
                    image: {PYTEST_IMAGE}
                    command: sleep 60
                    healthcheck: {{test: [CMD, curl, -f, "http://localhost"], start_period: 60s}}
                    """,
                ),
                test="depends_on: {web: {condition: service_healthy}}",
            )
        )
    )

    assert ended.code == 3
    assert "service web did not become ready" in ended.fault.what
    assert "the image lacks the program" in ended.fault.details[-1]
    assert "curl" in ended.fault.details[-1]


def test_a_one_shot_that_fails_keeps_the_tests_from_running(project: MakeProject) -> None:
    ended = run_trial(
        project(
            compose=compose_with(
                service(
                    "migrate",
                    f"""
                    image: {PYTEST_IMAGE}
                    command: sh -c "echo no such column; exit 1"
                    """,
                ),
                test="depends_on: {migrate: {condition: service_completed_successfully}}",
            )
        )
    )

    assert ended.code == 3
    assert "service migrate ended with exit code 1" in ended.fault.what
    assert ended.fault.details == ("no such column",)
    assert ended.record.pytest is None


def test_a_service_that_the_tests_do_not_need_fails_without_failing_the_trial(
    project: MakeProject,
) -> None:
    ended = run_trial(
        project(compose=compose_with(service("aside", f"image: {PYTEST_IMAGE}\ncommand: 'false'")))
    )

    assert ended.code == 0
    assert any("service aside ended with exit code 1" in note for note in ended.record.findings)


def test_a_test_container_whose_command_does_not_exist_is_told(project: MakeProject) -> None:
    ended = run_trial(project(compose=compose_with(command="no-such-program --version")))

    assert ended.code == 3
    assert "no-such-program" in ended.fault.what
    assert ended.fault.where == "service test"
    assert "check the service's command" in ended.fault.next_step


def test_a_setting_that_the_engine_refuses_is_told_with_its_service(project: MakeProject) -> None:
    ended = run_trial(project(compose=compose_with(test="mem_limit: 1k")))

    assert ended.code == 3
    assert "emory limit" in ended.fault.what
    assert "services.test" in ended.fault.where


@contextmanager
def _small_disk(path: Path) -> Iterator[Path]:
    """A disk of 1 MiB at `path`."""
    path.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(path)]
    done = subprocess.run(mount, capture_output=True, text=True, check=False)
    if done.returncode:
        pytest.skip(f"nothing can be mounted here: {done.stderr.strip()}")
    try:
        yield path
    finally:
        subprocess.run(["umount", "--lazy", str(path)], check=True)


def _fill(disk: Path) -> None:
    with (disk / "filler").open("wb", buffering=0) as file:
        try:
            while True:
                file.write(bytes(1 << 12))
        except OSError:
            return
