"""Trials of only the tests that a change can affect."""

import json
import time
from collections.abc import Iterator

import pytest

from seatrial.evidence.record import Record, Status

from .engine_state import docker
from .program import run_trial, seatrial
from .projects import PYTEST_IMAGE, MakeProject, Project, compose_with

FILES = {
    "prices.py": "def total(prices):\n    return sum(prices)\n",
    "greet.py": "def greet():\n    return 'hello'\n",
    "test_prices.py": """
        from prices import total

        def test_total():
            assert total([1, 2]) == 3
    """,
    "test_greet.py": """
        from greet import greet

        def test_greet():
            assert greet() == "hello"
    """,
    "test_neither.py": "def test_neither():\n    pass\n",
}


def ran(project: Project, record: Record) -> list[str]:
    path = project.runs / record.id / "tests.jsonl"
    lines = path.read_text(encoding="utf-8").splitlines()
    return sorted(json.loads(line)["id"] for line in lines)


def watched(project: MakeProject, **values: object) -> Project:
    """A project whose tests have been watched once."""
    made = project(**{"tests": None, "files": FILES, **values})
    first = run_trial(made, "--changed").record
    assert first.status is Status.PASSED
    assert first.partial is None
    assert "all tests were run: no earlier trial says what the tests use" in first.findings
    return made


def test_only_the_tests_of_what_changed_are_run_and_the_record_says_so(
    project: MakeProject,
) -> None:
    made = watched(project)
    made.write("prices.py", "def total(prices):\n    return sum(list(prices))\n")

    record = run_trial(made, "--changed").record

    assert record.status is Status.PASSED
    assert ran(made, record) == ["test_prices.py::test_total"]
    assert record.partial is not None
    assert record.partial.changed == ("prices.py",)
    assert (record.partial.selected, record.partial.left_out) == (1, 2)


def test_a_failure_that_the_change_brings_is_found_and_run_again_until_it_is_mended(
    project: MakeProject,
) -> None:
    made = watched(project)
    made.write("prices.py", "def total(prices):\n    return 0\n")

    failed = run_trial(made, "--changed")
    made.write("greet.py", "def greet():\n    return 'hel' + 'lo'\n")
    again = run_trial(made, "--changed")

    assert failed.code == again.code == 1
    assert ran(made, failed.record) == ["test_prices.py::test_total"]
    assert ran(made, again.record) == ["test_greet.py::test_greet", "test_prices.py::test_total"]


def test_several_workers_share_what_is_to_be_run(project: MakeProject) -> None:
    made = watched(project)
    made.write("prices.py", "def total(prices):\n    return sum(list(prices))\n")
    made.write("test_new.py", "def test_new():\n    pass\n")

    record = run_trial(made, "--changed", "--workers", "2").record

    assert record.status is Status.PASSED, record.reason
    assert ran(made, record) == ["test_new.py::test_new", "test_prices.py::test_total"]


def test_a_change_that_reaches_no_test_runs_nothing(project: MakeProject) -> None:
    made = watched(project)
    trials = made.trials()

    ended = seatrial("run", "--changed", "--fresh", cwd=made.folder)

    assert ended.code == 0
    assert "nothing to run: no file changed" in ended.stderr
    assert made.trials() == trials


OWN_IMAGE = "seatrial-tests-changed-base:1"


@pytest.fixture
def own_image() -> Iterator[str]:
    docker("tag", PYTEST_IMAGE, OWN_IMAGE)
    yield OWN_IMAGE
    docker("image", "rm", "--force", OWN_IMAGE)


def test_only_what_was_seen_of_the_same_request_on_the_same_stack_narrows_a_trial(
    project: MakeProject, own_image: str
) -> None:
    made = watched(
        project, compose=compose_with(image=own_image, test="environment: {MODE: '${MODE:-a}'}")
    )

    def run(*arguments: str, **env: str) -> tuple[list[str], str]:
        ended = seatrial("run", "--json", "--changed", *arguments, cwd=made.folder, env=env)
        assert ended.record.status is Status.PASSED, ended.stdout
        findings = [f for f in ended.record.findings if f.startswith("all tests were run: ")]
        return ran(made, ended.record), "".join(findings)

    tests, why = run("--", "test_greet.py")
    assert tests == ["test_greet.py::test_greet"]
    assert why.endswith(", what pytest is asked for changed")

    made.write("prices.py", "def total(prices):\n    return sum(list(prices))\n")
    assert run() == (["test_prices.py::test_total"], "")

    tests, why = run(MODE="b")
    assert len(tests) == 3
    assert why.endswith(", service test changed")

    another = f"FROM {PYTEST_IMAGE}\nLABEL changed={time.time_ns()}\n"
    docker("build", "--quiet", "--tag", own_image, "-", stdin=another)
    tests, why = run(MODE="b")
    assert len(tests) == 3
    assert why.endswith(f", image {own_image} changed")


def test_part_of_the_tests_is_not_held_against_a_threshold_for_all(
    project: MakeProject, coverage_image: str
) -> None:
    files = {**FILES, ".coveragerc": "[report]\nfail_under = 90\n"}
    command = "pytest -q -p no:cacheprovider --cov=."
    made = watched(
        project, files=files, compose=compose_with(image=coverage_image, command=command)
    )
    made.write("prices.py", "def total(prices):\n    return sum(list(prices))\n")

    record = run_trial(made, "--changed").record

    assert record.status is Status.PASSED, record.reason
    assert record.partial is not None
    assert record.coverage is not None
    assert record.coverage.threshold is None
