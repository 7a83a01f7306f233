"""Trials of only the tests that a change can affect."""

import json

from seatrial.evidence.record import Record, Status

from .program import run_trial, seatrial
from .projects import MakeProject, Project, compose_with

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


def test_a_change_of_the_stack_runs_everything_and_says_why(project: MakeProject) -> None:
    made = watched(project)
    made.write("docker-compose.test.yml", compose_with(test="environment: {MODE: other}"))

    record = run_trial(made, "--changed").record

    assert record.partial is None
    assert len(ran(made, record)) == 3
    assert any("docker-compose.test.yml shapes the containers" in f for f in record.findings)


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
