"""The probe beside the plug-ins that many projects have; pytest's own JUnit file is the judge."""

import re
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from junitparser import Error, Failure, JUnitXml, Skipped, TestSuite

from seatrial.evidence.events import read_events
from seatrial.evidence.junit import write_junit

from .conftest import Run, RunPytest
from .interpreters import MATRIX

if TYPE_CHECKING:
    from seatrial.evidence.tests import TestResult

CHEAP = "oldest pytest"
"""The one that `make test` has, if there is a registry."""

pytestmark = [
    pytest.mark.foreign,
    pytest.mark.parametrize(
        "interpreter",
        [
            pytest.param(wanted, id=name, marks=[] if name == CHEAP else [pytest.mark.long])
            for name, wanted in MATRIX.items()
        ],
        indirect=True,
    ),
]

OWN_FILE = "--junitxml=own.xml"
DJANGO = {"DJANGO_SETTINGS_MODULE": "settings"}
SETTINGS = """
DATABASES = {"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}}
INSTALLED_APPS = ["django.contrib.contenttypes", "django.contrib.auth"]
USE_TZ = True
"""
TESTS = """
import asyncio, os, pytest

tries = []

@pytest.fixture
def broken_setup():
    raise RuntimeError("no database")

@pytest.fixture
def broken_teardown():
    yield
    raise RuntimeError("cannot close")

def test_passes(): pass
def test_fails(): assert 1 == 2
def test_set_up(broken_setup): pass
def test_teardown(broken_teardown): pass
@pytest.mark.skip
def test_skips(): pass
@pytest.mark.xfail
def test_xfails(): assert False
@pytest.mark.xfail
def test_xpasses(): pass
@pytest.mark.parametrize("value", ["a b", "ü", "[x]", "a::b", "it's"])
def test_names(value): pass

@pytest.mark.asyncio
async def test_waits(): await asyncio.sleep(0)

@pytest.mark.django_db
def test_counts_users():
    from django.contrib.auth.models import User
    assert User.objects.count() == 0

@pytest.mark.timeout(60)
def test_has_a_limit(): pass

@pytest.mark.flaky(reruns=3)
def test_passes_at_the_third_try():
    tries.append(1)
    assert len(tries) == 3

class TestClass:
    def test_method(self): pass
"""


@pytest.mark.parametrize("workers", [(), ("-n", "2")], ids=["alone", "xdist"])
def test_every_outcome_is_what_pytest_writes_itself(
    run: RunPytest, workers: tuple[str, ...]
) -> None:
    asked = (*workers, OWN_FILE)
    done = run(*asked, shuffled=True, environ=DJANGO, settings=SETTINGS, test_it=TESTS)

    assert done.code == done.seen.exit_status == 1, done.output
    assert our_outcomes(done) == junit_outcomes(Path(done.events[0]["junit"]))
    assert our_outcomes(done) == junit_outcomes(file_of(done))
    assert done.seen.counts.collected == sum(our_outcomes(done).values()) == 17
    reruns = {
        event["id"].partition("::")[2]: event["reruns"]
        for event in done.events
        if event["event"] == "test" and event["reruns"]
    }
    assert reruns == {"test_passes_at_the_third_try": 2}
    for word in ("asyncio", "django", "randomly", "rerunfailures", "timeout", "xdist"):
        assert word in done.output.partition("plugins:")[2].partition("\n")[0]


@pytest.mark.parametrize("workers", [(), ("-n", "2")], ids=["alone", "xdist"])
def test_plugins_that_run_tests_again_or_elsewhere_change_no_result_and_a_cheat_does(
    run: RunPytest, workers: tuple[str, ...]
) -> None:
    hooks = """
    import pytest

    @pytest.hookimpl(hookwrapper=True)
    def pytest_runtest_makereport(item, call):
        outcome = yield
        {change}

    @pytest.hookimpl(hookwrapper=True)
    def pytest_runtest_protocol(item, nextitem):
        yield
    """
    options = {"shuffled": True, "environ": DJANGO, "settings": SETTINGS, "test_it": TESTS}
    honest = run(*workers, conftest=hooks.format(change="outcome.get_result()"), **options)
    kinds = Counter(event["event"] for event in honest.events)
    (honest.folder / "out/events.jsonl").unlink()
    change = "outcome.get_result().outcome = 'passed'"
    cheating = run(*workers, "-k", "not teardown", conftest=hooks.format(change=change), **options)

    assert kinds["hooks"] == (3 if workers else 1)  # the controller looks too
    assert kinds["changed"] == kinds["patched"] == kinds["deselected"] == 0
    changed = {e["id"].partition("::")[2] for e in cheating.events if e["event"] == "changed"}
    assert {"test_fails", "test_set_up"} <= changed
    assert cheating.seen.counts.deselected == 1


def test_a_worker_of_xdist_that_dies_costs_only_the_test_that_it_ran(run: RunPytest) -> None:
    done = run(
        "-n",
        "2",
        OWN_FILE,
        test_it="""
        import os, pytest
        @pytest.mark.parametrize("n", range(20))
        def test_ok(n): pass
        def test_dies(): os._exit(3)
        """,
    )

    assert Counter(done.outcomes.values()) == {"passed": 20, "failed": 1}
    assert done.outcomes["test_dies"] == "failed"
    assert "crashed" in done.seen.failures[0].message
    assert done.code == done.seen.exit_status == 1
    assert our_outcomes(done) == junit_outcomes(Path(done.events[0]["junit"]))


def test_a_test_that_hangs_in_a_worker_of_xdist_is_ended_and_its_stacks_are_kept(
    run: RunPytest,
) -> None:
    done = run(
        "-n",
        "2",
        environ={"SEATRIAL_TEST_TIMEOUT": "1"},
        test_it="""
        import pytest, threading
        @pytest.mark.parametrize("n", range(20))
        def test_ok(n): pass
        def test_hangs(): waits_for_ever()
        def waits_for_ever(): threading.Event().wait()
        """,
    )

    assert Counter(done.outcomes.values()) == {"passed": 20, "failed": 1}
    assert done.outcomes["test_hangs"] == "failed"
    (stacks,) = [event for event in done.events if event["event"] == "stacks"]
    assert stacks["id"].endswith("::test_hangs")
    assert "in waits_for_ever" in stacks["text"]
    assert done.code == done.seen.exit_status == 1


def test_a_hang_that_pytest_timeout_ends_first_is_a_failure_like_any_other(
    run: RunPytest,
) -> None:
    done = run(
        "--timeout=1",
        test_it="""
        import threading
        def test_ok(): pass
        def test_hangs(): threading.Event().wait()
        def test_also_ok(): pass
        """,
    )

    assert done.outcomes == {"test_ok": "passed", "test_hangs": "failed", "test_also_ok": "passed"}
    assert "Timeout" in done.seen.failures[0].message
    assert done.code == done.seen.exit_status == 1


def test_a_rerun_that_only_a_teardown_asked_for_is_counted(run: RunPytest) -> None:
    done = run(
        "--reruns=2",
        test_it="""
        import pytest
        tries = []
        @pytest.fixture
        def closes_at_the_second_try():
            yield
            tries.append(1)
            assert len(tries) == 2
        def test_ok(): pass
        def test_flaky(closes_at_the_second_try): pass
        """,
    )

    assert done.code == 0, done.output
    assert done.outcomes == {"test_ok": "passed", "test_flaky": "passed"}
    reruns = [event["reruns"] for event in done.events if event["event"] == "test"]
    assert reruns == [0, 1]


@pytest.mark.parametrize(
    ("body", "outcome", "stage"),
    [
        ("yield", "failed", "call"),
        ("if tries: wait()\n    yield", "error", "set-up"),
        ("yield\n    if len(tries) > 1: wait()", "error", "teardown"),
    ],
    ids=["call", "set-up", "teardown"],
)
def test_a_test_that_hangs_at_its_second_try_is_ended_and_named(
    run: RunPytest, body: str, outcome: str, stage: str
) -> None:
    done = run(
        "--reruns=2",
        environ={"SEATRIAL_TEST_TIMEOUT": "1"},
        test_it=f"""
import pytest, threading
tries = []
wait = threading.Event().wait
@pytest.fixture
def resource():
    {body}
def test_ok(): pass
def test_hangs(resource):
    tries.append(1)
    if len(tries) > 1 and {stage == "call"}: wait()
    assert len(tries) > 1
""",
    )

    assert done.outcomes == {"test_ok": "passed", "test_hangs": outcome}
    (hung,) = [event for event in done.events if event.get("hung")]
    assert hung["reruns"] == 1
    assert f"(in its {stage})" in hung["message"]
    assert done.code == done.seen.exit_status == 2


def our_outcomes(done: Run) -> Counter[tuple[str, str]]:
    """What the events say of each test, under the name and the word that JUnit has for it."""
    words = {"xfailed": "skipped", "xpassed": "passed", "error": "failed"}
    return Counter(
        (junit_name(event["id"]), words.get(event["outcome"], event["outcome"]))
        for event in done.events
        if event["event"] == "test"
    )


def file_of(done: Run) -> Path:
    """The JUnit file that Seatrial makes of the events."""
    results: list[TestResult] = []
    read_events(done.folder / "out/events.jsonl", results.append)
    write_junit(done.folder / "junit.xml", results)
    return done.folder / "junit.xml"


def junit_outcomes(path: Path) -> Counter[tuple[str, str]]:
    """What a JUnit file says, each attempt of a rerun but the last left out."""
    found: dict[str, list[str]] = {}
    for suite in JUnitXml.fromfile(str(path)):
        assert isinstance(suite, TestSuite)
        for case in suite:
            kinds = {type(result) for result in case.result}
            bad = bool(kinds & {Failure, Error})
            outcome = "failed" if bad else "skipped" if Skipped in kinds else "passed"
            found.setdefault(f"{case.classname}::{case.name}", []).append(outcome)
    return Counter((name, outcomes[-1]) for name, outcomes in found.items())


def junit_name(node: str) -> str:
    """A node id as pytest's JUnit files have it: dots for folders, classes before the name."""
    address, bracket, parameters = node.partition("[")
    names = address.split("::")
    names[0] = re.sub(r"\.py$", "", Path(names[0]).as_posix().replace("/", "."))
    return f"{'.'.join(names[:-1])}::{names[-1]}{bracket}{parameters}"
