"""Ctrl-C, SIGTERM and SIGKILL in every phase: how fast it ends, and that nothing stays."""

import os
import signal
import sys
import time
from pathlib import Path

import pytest

from seatrial.evidence.record import Record, Status

from .engine_state import containers, held, poll, programs_naming
from .program import Running, assert_nothing_left, running_trial, seatrial
from .projects import PYTEST_IMAGE, MakeProject, Project, compose_with, service

PROMISED_S = 2.0
ALLOWED_S = 5.0
"""What is promised, with room for a machine that does other things at the same time."""
SIGNALS = [signal.SIGINT, signal.SIGTERM]


@pytest.mark.parametrize("number", SIGNALS, ids=lambda number: number.name)
@pytest.mark.parametrize("phase", ["build", "start", "test"])
def test_a_signal_ends_the_trial_at_once_and_nothing_stays(
    project: MakeProject, phase: str, number: signal.Signals
) -> None:
    made = _project_that_hangs(project, phase)
    with running_trial(made) as running:
        _wait_for(running, phase)
        running.send(number)
        ended, seconds = running.finish_timed()

    # pytest -rP shows the figure.
    print(f"{number.name} in {phase}: ended in {seconds:.2f} s of {PROMISED_S:g} s")  # noqa: T201
    assert seconds < ALLOWED_S
    assert ended.code == 130
    assert ended.record.status is Status.INTERRUPTED
    assert ended.record.clean_up.left == ()
    broken_off = [one.name for one in ended.record.phases if not one.completed]
    assert phase in broken_off
    assert (
        Record.model_validate_json((made.runs / running.trial / "record.json").read_text())
        == ended.record
    )
    assert_nothing_left(made)
    assert programs_naming(running.trial) == []


@pytest.mark.parametrize("number", SIGNALS, ids=lambda number: number.name)
@pytest.mark.parametrize("phase", ["build", "test"])
def test_further_signals_change_nothing(
    project: MakeProject, phase: str, number: signal.Signals
) -> None:
    made = _project_that_hangs(project, phase)
    with running_trial(made) as running:
        _wait_for(running, phase)
        while running.process.poll() is None:
            running.send(number)
            time.sleep(0.05)
        ended = running.finish()

    assert ended.code == 130
    assert ended.record.status is Status.INTERRUPTED
    assert_nothing_left(made)
    assert programs_naming(running.trial) == []


@pytest.mark.parametrize("phase", ["build", "start", "test"])
def test_after_a_kill_everything_is_removed_all_the_same(project: MakeProject, phase: str) -> None:
    made = _project_that_hangs(project, phase)
    with running_trial(made) as running:
        _wait_for(running, phase)
        label = running.label
        assert held(label)
        assert programs_naming(running.trial)
        running.send(signal.SIGKILL)
        assert running.finish().code == -signal.SIGKILL

        poll(lambda: not held(label), "the engine holds nothing of the trial")
        poll(lambda: not programs_naming(running.trial), "no program of the trial runs")

    assert_nothing_left(made)
    log = (made.runs / running.trial / "reaper.log").read_text()
    assert log.startswith("Seatrial ended without cleaning up")
    assert "Traceback" not in log


def test_a_mistake_in_seatrial_itself_leaves_nothing_either(
    project: MakeProject, tmp_path: Path
) -> None:
    made = project()
    (tmp_path / "sitecustomize.py").write_text(
        "import seatrial.trial.worker as worker\n\n"
        "def collect(*arguments: object, **options: object) -> None:\n"
        "    raise ZeroDivisionError('a mistake')\n\n"
        "worker.collect = collect\n"
    )
    path = os.pathsep.join([str(tmp_path), *sys.path])

    ended = seatrial("run", cwd=made.folder, env={"PYTHONPATH": path}, foreseen=False)

    assert "a mistake" in ended.stderr
    assert_nothing_left(made)
    assert "removed 1 container" in (made.runs / made.trials()[0] / "reaper.log").read_text()


def _project_that_hangs(project: MakeProject, phase: str) -> Project:
    """A project whose trial comes to the phase and stays in it; a redis runs beside it."""
    redis = "  redis: {image: 'redis:7'}"
    match phase:
        case "build":
            return project(
                compose=f"""
services:
  test:
    build: {{context: ., dockerfile: Dockerfile.test}}
    command: pytest
{redis}
""",
                files={
                    "Dockerfile.test": f"""
                        FROM {PYTEST_IMAGE}
                        RUN echo "now it $((1 + 1)) hangs" && sleep 120
                    """
                },
            )
        case "start":
            never = service(
                "never",
                f"""
                image: {PYTEST_IMAGE}
                command: sh -c "echo it hangs; sleep 120"
                healthcheck: {{test: "false", retries: 100}}
                """,
            )
            needs = "depends_on: {never: {condition: service_healthy}}"
            return project(compose=compose_with(redis, never, test=needs))
        case _:
            return project(
                compose=compose_with(redis, command="pytest -q -s"),
                tests="""
                    import time

                    def test_endless():
                        print("it hangs", flush=True)
                        time.sleep(120)
                """,
            )


def _wait_for(running: Running, phase: str) -> None:
    match phase:
        case "build":
            running.wait_for_log("build.log", "now it 2 hangs")
            running.wait_for(
                lambda: containers(running.label, service="redis"), "redis runs meanwhile"
            )
        case "start":
            running.wait_for_log("never.log", "it hangs")
        case _:
            running.wait_for_log("test.log", "it hangs")
