"""What hides a failure or waits by the clock in shell text."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seatrial.audit.shell import find_trouble, runs_tests


def told(text: str, **options: bool) -> list[tuple[str, int]]:
    return [(trouble.rule, trouble.line) for trouble in find_trouble(text, **options)]


@pytest.mark.parametrize(
    "text",
    [
        "pytest || true",
        "python -m pytest -q || :",
        "/opt/venv/bin/pytest tests || exit 0",
        "pytest \\\n  -q \\\n  || true",
        "pytest ||\n  true",
        "pytest || echo failed",
        "pytest ; true",
        "pytest -q; exit 0",
        "pytest | tee log",
        "pytest 2>&1 | tee log",
        "tox -e py313 || true",
        "make test || true",
        "scripts/run-tests.sh || true",
        "docker compose run --rm test || true",
        "cd app && pytest || true",
        "coverage report --fail-under=80 || true",
    ],
)
def test_a_dropped_exit_code_of_tests_is_told(text: str) -> None:
    assert told(text) == [("swallowed-exit-code", 1)]


@pytest.mark.parametrize(
    "text",
    [
        "pytest",
        "exec pytest -q",
        "pytest || exit 1",
        "pytest || { echo failed; exit 1; }",
        "pytest || code=$?",
        "set -o pipefail\npytest | tee log",
        "set -e\npytest\nexit 0",
        "pip install pytest tox",
        "echo run pytest",
        "# pytest || true",
        "cat pytest.ini",
        "if pytest; then exit 0; else exit 1; fi",
        "until pg_isready; do sleep 1; done",
        "while ! nc -z db 5432\ndo\n  sleep 0.5\ndone",
        "for i in 1 2 3; do\n  curl x && break\n  sleep 2\ndone",
        "sleep 0",
        "usleep 100",
    ],
)
def test_what_is_in_order_is_told_nothing(text: str) -> None:
    assert told(text) == []


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("sleep 5\npytest", 1),
        ("echo waiting for the db; sleep 10 && pytest", 1),
        ("set -e\nsleep 2.5s\npytest", 2),
        ("until x; do sleep 1; done; sleep 3; pytest", 1),
        ("python -c 'import time; time.sleep(5)'; pytest", 1),
    ],
)
def test_a_fixed_wait_is_told(text: str, line: int) -> None:
    assert told(text) == [("fixed-sleep", line)]


def test_a_script_that_ends_with_0_whatever_happens_is_told() -> None:
    assert told("pytest\necho done\nexit 0\n") == [("swallowed-exit-code", 1)]


def test_a_command_that_only_stays_alive_does_not_wait_for_anything() -> None:
    assert told("sleep 3600", is_script=False) == []
    assert told("sleep 5; exec app", is_script=False) == [("fixed-sleep", 1)]


def test_a_shell_that_was_started_with_pipefail_loses_no_exit_code() -> None:
    assert told("pytest | tee log", pipefail=True) == []


def test_other_ignored_failures_are_another_rule() -> None:
    assert told("rm x || true") == [("ignored-failure", 1)]


@pytest.mark.parametrize("text", ["pytest", "make test", "uv run pytest", "seatrial run"])
def test_commands_that_run_tests_are_known(text: str) -> None:
    assert runs_tests(text)
    assert not runs_tests(f"echo {text}")


@pytest.mark.parametrize(
    "piece", ["(", "a", "sleep ", "curl ", "pytest ", "|", "|| ", "for ", "\\\n"]
)
def test_long_text_takes_no_long_time(piece: str) -> None:
    text = piece * (200_000 // len(piece))
    began = time.process_time()

    told(text)

    assert time.process_time() - began < 5


@given(st.text(max_size=200), st.integers(0, 4))
def test_no_text_breaks_it(text: str, lines: int) -> None:
    assert all(line >= 1 for _, line in told("\n" * lines + text))
