"""What a trial measures beside the tests: use of resources, healing, and what the engine held."""

import csv
import secrets

import pytest

from seatrial.evidence.record import Record, ServiceRecord

from .engine_state import containers, docker
from .program import assert_nothing_left, running_trial
from .projects import MakeProject, compose_with, service

pytestmark = pytest.mark.alone

WORKS = """
    import socket
    import time
    from pathlib import Path

    def test_works_for_more_than_a_second():
        held = bytearray(b"x") * (64 << 20)
        with socket.create_connection(("heals", 6379)) as redis:
            redis.sendall(b"ECHO " + b"x" * 5000 + b"\\r\\n")
            redis.recv(100)
        while time.thread_time() < 1.5:
            pass
        assert held
"""
HEALS = """
    image: redis:7
    restart: always
    command: sh -c 'if [ -e /second ]; then exec redis-server; fi; touch /second; exit 7'
    healthcheck: {test: redis-cli ping}
"""
LATE = """
    image: redis:7
    init: true
    command: sh -c 'if [ -e /second ]; then touch /up; fi; touch /second; exec sleep 600'
    healthcheck: {test: test -e /up, interval: 1s, timeout: 1s, retries: 1}
"""
NEVER = """
    image: redis:7
    restart: on-failure
    command: sh -c 'exit 9'
"""


def test_services_heal_and_what_all_used_and_the_engine_held_is_in_the_record(
    project: MakeProject,
) -> None:
    made = project(
        compose=compose_with(
            service("heals", HEALS),
            service("late", LATE),
            service("never", NEVER),
            test="""
                depends_on:
                  heals: {condition: service_healthy}
                  late: {condition: service_healthy}
            """,
        ),
        tests=WORKS,
        files={"seatrial.toml": "[timeouts]\nstart = 4\n"},
    )
    foreign = f"seatrial-tests-{secrets.token_hex(4)}"
    try:
        with running_trial(made) as trial:
            trial.wait_for(lambda: containers(trial.label, service="test"), "the test container")
            docker("volume", "create", foreign)  # by somebody else, in the meantime
            ended = trial.finish()
    finally:
        docker("volume", "rm", "--force", foreign)

    assert_nothing_left(made)
    record = ended.record
    assert ended.code == 0, ended.stdout
    assert_healed(record)
    assert_measured(record)
    with (made.runs / record.id / "resources.csv").open(encoding="utf-8") as file:
        rows = [row for row in csv.DictReader(file) if row["service"] == "test"]
    used = one(record, "test").resources
    assert used is not None
    assert len(rows) == used.samples
    assert float(rows[-1]["cpu_seconds"]) == used.cpu_seconds
    assert_held(record, foreign)


def assert_healed(record: Record) -> None:
    states = {found.name: (found.state, found.restarts) for found in record.services}
    # On a busy machine the second start may take longer than its four seconds, too.
    assert states["heals"] in {("ready", 1), ("ready", 2)}
    assert states["late"] in {("ready", 1), ("ready", 2)}
    assert states["never"] == ("exited", 2)
    told = [text for text in record.findings if text.endswith("it was started again")]
    assert "service heals ended with exit code 7; it was started again" in told
    assert any(text.startswith("service late was not ready after 4 s") for text in told)
    assert "service never ended with exit code 9; it was started again" in told


def assert_measured(record: Record) -> None:
    used = one(record, "test").resources
    assert used is not None
    assert used.cpu_seconds > 0.5
    assert used.memory_peak_bytes > 64 << 20
    assert used.memory_peak_source in {"kernel", "samples"}
    assert used.sent_bytes > 5000
    idle = one(record, "late").resources
    assert idle is not None
    assert idle.cpu_mean is not None
    assert idle.cpu_mean < 0.5
    assert idle.memory_peak_bytes < used.memory_peak_bytes
    assert record.host.cpu
    assert record.host.cpu_from in {"this machine", "a container"}


def assert_held(record: Record, foreign: str) -> None:
    """What came meanwhile is told, whoever made it; what was the trial's own is gone."""
    clean_up = record.clean_up
    assert clean_up.held_before is not None
    assert clean_up.held_after is not None
    assert any(foreign in entry for entry in clean_up.difference)
    gone = (*clean_up.removed_containers, *clean_up.removed_networks, *clean_up.removed_volumes)
    assert len(gone) > 4
    assert not [name for name in gone if any(name in entry for entry in clean_up.difference)]


def one(record: Record, name: str) -> ServiceRecord:
    return next(found for found in record.services if found.name == name)
