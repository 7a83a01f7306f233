"""Tests that did not run, or did not pass, and a command that ends well all the same."""

from .attempt import Attempt, Cheat
from .honest import COMMAND, TESTS, compose

__all__ = ["ATTEMPTS"]

FAILING = f"""{TESTS}

def test_that_fails():
    assert prices.total([1]) == 2
"""

ATTEMPTS = (
    Attempt(
        (
            Cheat(
                "runs its tests on the host, and shows a report of that in the container",
                "trial-failed",
                "no tests, the command ended with 0, but nothing shows that pytest ran",
                also=("doubt:artifact-copied",),
            ),
        ),
        {
            "kept/junit.xml": "<testsuites><testsuite>"
            + '<testcase classname="tests" name="test_passed_at_home"/>' * 8
            + "</testsuite></testsuites>\n",
            "docker-compose.test.yml": compose("cp kept/junit.xml reports/junit.xml"),
        },
    ),
    Attempt(
        (
            Cheat(
                "puts `|| true` behind pytest",
                "trial-failed",
                "1 of 10 tests failed (the command's exit code 0 hides it)",
            ),
            Cheat(
                "has `|| true` in its compose file",
                "audit:swallowed-exit-code",
                "docker-compose.test.yml:6, high",
            ),
        ),
        {
            "tests/test_prices.py": FAILING,
            "docker-compose.test.yml": compose(f'sh -c "{COMMAND} || true"'),
        },
        long=True,
    ),
    Attempt(
        (
            Cheat(
                "swallows pytest's exit code in a script",
                "trial-failed",
                "1 of 10 tests failed (the command's exit code 0 hides it)",
                also=("audit:swallowed-exit-code",),
            ),
        ),
        {
            "tests/test_prices.py": FAILING,
            "test.sh": f"#!/bin/sh\n{COMMAND}\necho all is well\nexit 0\n",
            "docker-compose.test.yml": compose("sh test.sh"),
        },
        long=True,
    ),
    Attempt(
        (Cheat("skips all its tests", "trial-failed", "no tests, no test ran (9 skipped)"),),
        {
            "conftest.py": """\
import pytest


@pytest.fixture(autouse=True)
def _later():
    pytest.skip("not today")
"""
        },
        long=True,
    ),
    Attempt(
        (
            Cheat(
                "expects all its tests to fail",
                "required:contained-tests",
                "4 of 9 tests were skipped or expected to fail, more than 10%",
            ),
        ),
        {
            "tests/test_prices.py": "import pytest\n"
            + TESTS.replace(" == ", " != ").replace("def ", "@pytest.mark.xfail\ndef ")
        },
    ),
    Attempt(
        (
            Cheat(
                "only collects its tests",
                "trial-failed",
                "no tests, no test ran",
                also=("policy-loosened:pytest --co",),
            ),
        ),
        {"docker-compose.test.yml": compose(f"{COMMAND} --co")},
        long=True,
    ),
    Attempt(
        (
            Cheat(
                "ends the process with 0 after its first test, and leaves a report of its own",
                "trial-failed",
                "failed, pytest was cut off while tests/test_prices.py::test_a_sum ran",
            ),
        ),
        {
            "tests/test_prices.py": TESTS.replace(
                "    assert prices.total([1, 2]) == 3",
                """\
    import os

    with open("reports/junit.xml", "w") as report:
        report.write('<testsuites><testsuite><testcase name="a"/></testsuite></testsuites>')
    os._exit(0)""",
            ),
            "docker-compose.test.yml": compose(f"{COMMAND} --junitxml=reports/junit.xml"),
        },
        long=True,
    ),
)
