"""One small project per way to fail: what the record says, and that no finished result is lost."""

import json
from collections import Counter
from dataclasses import dataclass, field

import pytest
from junitparser import Error, Failure, JUnitXml, Skipped, TestSuite

from seatrial.evidence.collected import read_collected
from seatrial.evidence.record import Record, Status

from .program import run_trial
from .projects import MakeProject, Project, compose_with

ONE_TEST_2_S = "[timeouts]\none_test = 2\n"


@dataclass(frozen=True)
class Row:
    """A way to fail, and what has to come of it."""

    tests: str
    reason: str
    """The record's, as it begins."""
    outcomes: dict[str, str]
    """By the test's name: everything that `tests.jsonl` must hold, no more and no less."""
    code: int = 1
    status: Status = Status.FAILED
    pytest_exit: int | None = None
    compose: str = field(default_factory=compose_with)
    settings: str = ""
    causes: tuple[str, ...] = ()
    messages: dict[str, str] = field(default_factory=dict)
    """By the test's name: a part of the first line of its failure."""
    texts: dict[str, str] = field(default_factory=dict)
    """By the test's name: a part of its text."""


TABLE = {
    "a fixture that fails": Row(
        tests="""
            import pytest

            @pytest.fixture
            def database():
                raise RuntimeError("no such role")

            @pytest.fixture
            def queue():
                yield
                raise RuntimeError("cannot close")

            def test_before(): pass
            def test_set_up(database): pass
            def test_teardown(queue): pass
            def test_after(): pass
        """,
        reason="2 of 4 tests failed",
        outcomes={
            "test_before": "passed",
            "test_set_up": "error",
            "test_teardown": "error",
            "test_after": "passed",
        },
        messages={
            "test_set_up": "RuntimeError: no such role",
            "test_teardown": "RuntimeError: cannot close",
        },
        pytest_exit=1,
    ),
    "a crash by a signal": Row(
        tests="""
            import ctypes

            def test_before(): pass
            def test_crashes(): ctypes.string_at(0)
            def test_after(): pass
        """,
        reason="pytest was cut off while test_sample.py::test_crashes ran: killed by SIGSEGV",
        outcomes={"test_before": "passed", "test_crashes": "unfinished"},
        causes=("segmentation-fault",),
    ),
    "memory that runs out": Row(
        compose=compose_with(test="mem_limit: 64m\nmemswap_limit: 64m"),
        tests="""
            def test_before(): pass
            def test_greedy(): assert bytearray(b"x") * (256 << 20)
            def test_after(): pass
        """,
        reason="the test container ran out of memory while test_sample.py::test_greedy ran",
        outcomes={"test_before": "passed", "test_greedy": "unfinished"},
        causes=("out-of-memory",),
    ),
    "a test that hangs": Row(
        settings=ONE_TEST_2_S,
        tests="""
            import threading

            def test_before(): pass
            def test_hangs(): waits_for_ever()
            def test_after(): pass

            def waits_for_ever(): threading.Event().wait()
        """,
        reason="1 of 3 tests failed",
        outcomes={"test_before": "passed", "test_hangs": "failed"},
        messages={"test_hangs": "did not end within 2 s (in its call)"},
        texts={"test_hangs": "in waits_for_ever"},
        pytest_exit=2,
    ),
    "a teardown that hangs": Row(
        settings=ONE_TEST_2_S,
        tests="""
            import pytest, threading

            @pytest.fixture
            def server():
                yield
                waits_for_ever()

            def test_before(): pass
            def test_hangs(server): pass
            def test_after(): pass

            def waits_for_ever(): threading.Event().wait()
        """,
        reason="1 of 3 tests failed",
        outcomes={"test_before": "passed", "test_hangs": "error"},
        messages={"test_hangs": "did not end within 2 s (in its teardown)"},
        texts={"test_hangs": "in waits_for_ever"},
        pytest_exit=2,
    ),
    "an exit in the middle that looks like success": Row(
        tests="""
            import os

            def test_before(): pass
            def test_exits(): os._exit(0)
            def test_after(): pass
        """,
        reason="pytest was cut off while test_sample.py::test_exits ran: exit code 0",
        outcomes={"test_before": "passed", "test_exits": "unfinished"},
    ),
    "a database that is killed in the middle": Row(
        compose=compose_with("  redis: {image: 'redis:7'}", test="depends_on: [redis]"),
        tests="""
            import socket

            def ask(command):
                with socket.create_connection(("redis", 6379)) as redis:
                    redis.sendall(command + b"\\r\\n")
                    return redis.recv(100)

            def test_before(): assert ask(b"PING") == b"+PONG\\r\\n"
            def test_kills(): assert ask(b"SHUTDOWN NOSAVE") == b""
            def test_after(): ask(b"PING")
            def test_without_it(): pass
        """,
        reason="1 test failed after service redis ended",
        outcomes={
            "test_before": "passed",
            "test_kills": "passed",
            "test_after": "failed",
            "test_without_it": "passed",
        },
        code=3,
        status=Status.ENVIRONMENT,
        pytest_exit=1,
    ),
}


@pytest.mark.parametrize("row", [pytest.param(row, id=name) for name, row in TABLE.items()])
def test_a_failure_is_told_and_costs_no_finished_result(project: MakeProject, row: Row) -> None:
    made = project(compose=row.compose, tests=row.tests, files={"seatrial.toml": row.settings})

    ended = run_trial(made)  # it checks that the engine holds nothing of the trial

    record = ended.record
    assert (ended.code, record.status) == (row.code, row.status)
    assert record.reason.startswith(row.reason)
    assert ended.fault.what == record.reason
    found = results(made, record)
    assert {short(result["id"]): result["outcome"] for result in found} == row.outcomes
    assert len(found) == len(row.outcomes)
    assert record.pytest is not None
    assert record.pytest.exit_status == row.pytest_exit
    assert record.pytest.container_confirmed
    names = map(short, read_collected(made.runs / record.id / "collected.jsonl"))
    assert set(map(short, record.pytest.not_run)) == set(names) - row.outcomes.keys()
    # However the run ended: it is written from what the probe told until then.
    assert record.pytest.junit == ("junit.xml",)
    messages = {short(failure.test): failure.message for failure in record.pytest.failures}
    assert messages.keys() >= row.messages.keys()
    for name, message in row.messages.items():
        assert message in messages[name]
    texts = {short(result["id"]): result["text"] or "" for result in found}
    for name, text in row.texts.items():
        assert text in texts[name]
    assert {cause.key for cause in ended.fault.causes} >= set(row.causes)
    assert not record.clean_up.left
    assert record.doubts == ()


ODD_NAMES = """
    import pytest

    ODD = ["ü", "日本", "a\\nb", "a\\r\\nb", "it's", 'so "quoted"', "[x]", "x]", "[", "a::b", "a/b",
           "\\x1b[31mred\\x1b[0m", "\\x00", "\\udcff", " ", "", "\\u202e", "%s", "<&>", "\\\\"]

    @pytest.mark.parametrize("number", range(250))
    @pytest.mark.parametrize("text", ODD)
    def test_odd(text, number):
        if number % 50 == 7:
            pytest.skip(text)
        assert number % 50 != 8, text
"""


def test_five_thousand_tests_with_odd_names_are_all_told_as_pytest_tells_them(
    project: MakeProject,
) -> None:
    made = project(tests=ODD_NAMES)

    ended = run_trial(made, "--", "--junitxml=/tmp/own.xml")

    record = ended.record
    assert ended.code == 1
    assert record.reason == "100 of 5000 tests failed"
    assert record.doubts == ()
    assert record.pytest is not None
    counts = record.pytest.counts
    assert (counts.collected, counts.passed, counts.failed, counts.skipped) == (
        5000,
        4800,
        100,
        100,
    )
    found = results(made, record)
    assert len({result["id"] for result in found}) == len(found) == 5000
    assert all(result["id"].isprintable() for result in found)
    told = Counter((short(result["id"]), result["outcome"]) for result in found)
    ours, pytests = (
        JUnitXml.fromfile(str(made.runs / record.id / name)) for name in record.pytest.junit
    )
    assert told == junit_outcomes(pytests) == junit_outcomes(ours)


def test_much_output_is_kept_whole_and_costs_no_result(project: MakeProject) -> None:
    print_and_check(project, megabytes=20)


@pytest.mark.long
def test_very_much_output_is_kept_whole_and_costs_no_result(project: MakeProject) -> None:
    print_and_check(project, megabytes=200)


def print_and_check(project: MakeProject, *, megabytes: int) -> None:
    """Run tests that print so much, and one that fails, and look for all of it."""
    made = project(
        compose=compose_with(command="pytest -q -s -p no:cacheprovider"),
        tests=f"""
            import pytest

            @pytest.mark.parametrize("number", range({megabytes}))
            def test_prints(number):
                for _ in range(1000):
                    print("x" * 999)

            def test_fails():
                assert False, "at the very end"
        """,
    )

    ended = run_trial(made)

    record = ended.record
    assert ended.code == 1
    assert record.reason == f"1 of {megabytes + 1} tests failed"
    assert record.doubts == ()
    outcomes = Counter(result["outcome"] for result in results(made, record))
    assert outcomes == {"passed": megabytes, "failed": 1}
    with (made.runs / record.id / "logs/test.log").open("rb") as log:
        assert sum(b"x" * 999 in line for line in log) == megabytes * 1000
    assert any("at the very end" in line for line in ended.fault.details)
    assert len(ended.stdout) < 1 << 20


def results(project: Project, record: Record) -> list[dict[str, str]]:
    """The lines of the trial's `tests.jsonl`."""
    assert record.pytest is not None
    assert record.pytest.tests is not None
    path = project.runs / record.id / record.pytest.tests
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def short(test: str) -> str:
    """The test's name without its file."""
    return test.partition("::")[2]


def junit_outcomes(junit: JUnitXml) -> Counter[tuple[str, str]]:
    """What the JUnit file says of each test."""
    found: Counter[tuple[str, str]] = Counter()
    for suite in junit:
        assert isinstance(suite, TestSuite)
        for case in suite:
            kinds = {type(result) for result in case.result}
            bad = bool(kinds & {Failure, Error})
            outcome = "failed" if bad else "skipped" if Skipped in kinds else "passed"
            found[(str(case.name), outcome)] += 1
    return found
