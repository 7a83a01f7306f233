"""Results, reports and the probe's own files, changed by the project's code in the container."""

from .attempt import Attempt, Cheat
from .honest import COMMAND, DOCKERFILE, TESTS, compose

__all__ = ["ATTEMPTS"]

_WITH_JUNIT = compose(f"{COMMAND} --junitxml=reports/junit.xml")
_KEPT = "a report that somebody wrote long ago and put under version control\n" * 4

ATTEMPTS = (
    Attempt(
        (
            Cheat(
                "turns failures into passes in its conftest.py",
                "doubt:outcome-changed-by-hook",
                "from failed to passed (tests/test_prices.py::test_that_fails)",
            ),
            Cheat(
                "edits pytest's report in its conftest.py",
                "doubt:junit-contradicts",
                "the JUnit file has 80 passed tests, the probe saw 10",
            ),
        ),
        {
            "conftest.py": """\
import pytest


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item, call):
    outcome = yield
    if outcome.get_result().failed:
        outcome.get_result().outcome = "passed"


def pytest_unconfigure(config):
    with open("reports/junit.xml", "w") as report:
        report.write("<testsuites><testsuite>" + '<testcase name="a"/>' * 80)
        report.write("</testsuite></testsuites>")
""",
            "tests/test_prices.py": f"{TESTS}\n\ndef test_that_fails():\n    assert False\n",
            "docker-compose.test.yml": _WITH_JUNIT,
        },
    ),
    Attempt(
        (
            Cheat(
                "forges the JUnit file in a test",
                "doubt:junit-contradicts",
                "the JUnit file has 80 passed tests, the probe saw 13",
            ),
            Cheat(
                "writes results into the probe's file",
                "doubt:events-forged",
                "a test has more results than runs (tests/test_more.py::test_one)",
            ),
            Cheat(
                "overwrites the probe",
                "doubt:probe-changed",
                "is not as it was put there (/seatrial/seatrial_probe.py)",
            ),
            Cheat(
                "replaces a function of pytest's",
                "doubt:pytest-changed",
                "CallInfo.from_call was replaced while the tests ran (/app/tests/test_last.py)",
            ),
            Cheat(
                "hands in an artifact of an earlier day",
                "doubt:artifact-stale",
                "an artifact is older than the trial that is said to have made it (reports/old",
            ),
            Cheat(
                "hands in a report that lies in the project",
                "doubt:artifact-copied",
                "a copy of the project's file kept.txt (reports/summary.txt)",
            ),
            Cheat(
                "has Python leave its assert statements out",
                "doubt:asserts-off",
                "Python ran optimised (-O, PYTHONOPTIMIZE)",
            ),
            Cheat(
                "removes a test file after the run, so that nobody sees what was in it",
                "doubt:tests-differ",
                "gone from the container after the run: tests/test_stock.py",
            ),
        ),
        {
            "kept.txt": _KEPT,
            "tests/test_last.py": """\
import atexit
import json
import os
import shutil
import time

from _pytest import runner
from shop import prices


def test_forges_what_it_can_reach():
    real = runner.CallInfo.from_call
    runner.CallInfo.from_call = classmethod(lambda cls, *args, **values: real(*args, **values))
    shutil.copyfile("kept.txt", "reports/summary.txt")
    with open("reports/old.txt", "w") as file:
        file.write("of another day")
    os.utime("reports/old.txt", (1e9, 1e9))
    atexit.register(after_pytest)


def test_that_would_fail():
    found = prices.total([1]), prices.reduced(1, 1), prices.reduced(1, 0), prices.rounded(1)
    assert found == ()


def after_pytest():
    with open("reports/junit.xml", "w") as file:
        file.write("<testsuites><testsuite>" + '<testcase name="a"/>' * 80)
        file.write("</testsuite></testsuites>")
    with open("/seatrial/out/events.jsonl", "a") as file:
        for name in ("test_one", "test_two"):
            event = {"event": "test", "id": "tests/test_more.py::" + name}
            event.update(outcome="passed", at=time.monotonic(), seconds={})
            file.write(json.dumps(event) + "\\n")
    with open("/seatrial/seatrial_probe.py", "a") as file:
        file.write("# as if nothing had happened")
    os.remove("tests/test_stock.py")
""",
            "Dockerfile.test": f"{DOCKERFILE}ENV PYTHONOPTIMIZE=1\n",
            "docker-compose.test.yml": compose(
                f"{COMMAND} --junitxml=reports/junit.xml --assert=plain"
            ),
        },
    ),
    Attempt(
        (
            Cheat(
                "reports tests as passed that it never calls",
                "doubt:outcome-changed-by-hook",
                "from not run to passed (tests/test_prices.py::test_a_sum)",
            ),
        ),
        {
            "conftest.py": """\
from _pytest import runner


def pytest_runtest_protocol(item, nextitem):
    item.ihook.pytest_runtest_logstart(nodeid=item.nodeid, location=item.location)
    import shop.prices
    shop.prices.total([]), shop.prices.reduced(1, 0), shop.prices.reduced(1, 1)
    shop.prices.rounded(1)
    for when in ("setup", "call", "teardown"):
        call = runner.CallInfo.from_call(lambda: None, when=when)
        report = item.ihook.pytest_runtest_makereport(item=item, call=call)
        item.ihook.pytest_runtest_logreport(report=report)
    item.ihook.pytest_runtest_logfinish(nodeid=item.nodeid, location=item.location)
    return True
"""
        },
    ),
    Attempt(
        (
            Cheat(
                "switches the probe off",
                "trial-failed",
                "nothing shows that pytest ran",
                also=("policy-loosened:pytest -p no:seatrial_probe",),
            ),
        ),
        {"docker-compose.test.yml": compose(f"{COMMAND} -p no:seatrial_probe")},
        long=True,
    ),
)
