"""How a trial ends whose environment worked: the exit code, and the reason in one sentence."""

import json
from collections.abc import Mapping

import pytest
from junitparser import JUnitXml

from seatrial.evidence.record import Status

from .program import run_trial
from .projects import MakeProject, compose_with

ONE_FAILS = """
    def test_good():
        pass

    def test_bad():
        assert 1 + 1 == 3
"""


def test_a_failing_test_fails_the_trial_and_is_named(project: MakeProject) -> None:
    ended = run_trial(project(tests=ONE_FAILS))

    record = ended.record
    assert ended.code == 1
    assert record.status is Status.FAILED
    assert record.reason == "1 of 2 tests failed"
    assert record.pytest is not None
    (failure,) = record.pytest.failures
    assert failure.test == "test_sample.py::test_bad"
    assert "assert (1 + 1) == 3" in failure.message
    assert any("test_bad" in line for line in ended.fault.details)
    assert ended.fault.where == "logs/test.log"


def test_what_failed_last_runs_before_all_else(project: MakeProject) -> None:
    names = ("passes", "fails")
    tests = "".join(f"def test_{name}(): assert {name == 'passes'}\n" for name in names)
    failing = project(tests=None, files={f"test_{letter}.py": tests for letter in "abc"})
    failing.write("test_b.py", "def test_passes(): pass\n")

    orders = []
    for _ in range(2):
        ended = run_trial(failing)
        assert ended.code == 1
        results = (failing.runs / ended.record.id / "tests.jsonl").read_text().splitlines()
        orders.append([json.loads(line)["id"] for line in results])

    failed = ["test_a.py::test_fails", "test_c.py::test_fails"]
    others = [f"test_{letter}.py::test_passes" for letter in "abc"]
    assert sorted(orders[0]) == sorted([*failed, *others])
    assert orders[0][0] not in failed
    assert orders[1] == [*failed, *others]


def test_a_command_that_hides_failing_tests_fails_all_the_same(project: MakeProject) -> None:
    ended = run_trial(
        project(compose=compose_with(command='sh -c "pytest -q || true"'), tests=ONE_FAILS)
    )

    assert ended.code == 1
    assert ended.record.command_exit_code == 0
    assert ended.record.reason == "1 of 2 tests failed (the command's exit code 0 hides it)"


@pytest.mark.parametrize(
    ("arguments", "reason", "ran", "status"),
    [
        # pytest itself runs nothing if it cannot collect everything.
        pytest.param((), "1 file could not be collected", {}, 2, id="as pytest does"),
        pytest.param(
            ("--continue-on-collection-errors",),
            "1 file could not be collected",
            {"test_good.py::test_one": "passed", "test_good.py::test_two": "passed"},
            1,
            id="going on",
        ),
    ],
)
def test_a_file_that_cannot_be_imported_fails_the_trial_and_is_named(
    project: MakeProject,
    arguments: tuple[str, ...],
    reason: str,
    ran: Mapping[str, str],
    status: int,
) -> None:
    made = project(
        tests="import no_such_module\n\ndef test_never(): pass\n",
        files={"test_good.py": "def test_one(): pass\ndef test_two(): pass\n"},
    )

    ended = run_trial(made, "--", "--junitxml=/tmp/own.xml", *arguments)

    record = ended.record
    assert (ended.code, record.status) == (1, Status.FAILED)
    assert record.reason == ended.fault.what == reason
    assert record.pytest is not None
    assert record.pytest.exit_status == status
    (failure,) = record.pytest.failures
    assert failure.test == "test_sample.py"
    assert "No module named 'no_such_module'" in failure.message
    assert "missing-module" in {cause.key for cause in ended.fault.causes}
    folder = made.runs / record.id
    lines = (folder / "tests.jsonl").read_text(encoding="utf-8").splitlines()
    results = {one["id"]: one["outcome"] for one in map(json.loads, lines)}
    assert results == {**ran, "test_sample.py": "error"}
    pytests = JUnitXml.fromfile(str(folder / record.pytest.junit[1]))
    assert (pytests.tests, pytests.errors) == (len(results), 1)


def test_a_step_after_pytest_that_fails_fails_the_trial(project: MakeProject) -> None:
    ended = run_trial(project(compose=compose_with(command='sh -c "pytest -q && exit 9"')))

    assert ended.code == 1
    assert ended.record.reason.startswith("no test failed, but the command ended with exit code 9")


@pytest.mark.parametrize(
    ("tests", "arguments", "reason"),
    [
        pytest.param(None, (), "no test ran", id="there are none"),
        pytest.param(
            "import pytest\n\n@pytest.mark.skip\ndef test_one(): pass\n",
            (),
            "no test ran (1 skipped)",
            id="all are skipped",
        ),
        pytest.param(ONE_FAILS, ("-k", "other"), "no test ran", id="none is selected"),
    ],
)
def test_a_trial_in_which_no_test_ran_has_not_passed(
    project: MakeProject, tests: str | None, arguments: tuple[str, ...], reason: str
) -> None:
    ended = run_trial(project(tests=tests), "--", *arguments)

    assert ended.code == 5
    assert ended.record.status is Status.NO_TESTS
    assert ended.record.reason == reason


def test_a_command_that_ends_well_without_pytest_has_no_tests(project: MakeProject) -> None:
    ended = run_trial(project(compose=compose_with(command="python -c 'print(1)'")))

    assert ended.code == 5
    assert "nothing shows that pytest ran" in ended.fault.what
    assert "pytest 7 or newer" in ended.fault.next_step


def test_arguments_that_pytest_rejects_are_a_usage_error(project: MakeProject) -> None:
    ended = run_trial(project(), "--", "--no-such-option")

    assert ended.code == 2
    assert ended.record.status is Status.USAGE
    assert "pytest rejected its arguments" in ended.fault.what
    assert any("--no-such-option" in line for line in ended.fault.details)


def test_a_script_that_replaces_pythonpath_is_told_how_to_keep_the_probe(
    project: MakeProject,
) -> None:
    ended = run_trial(project(compose=compose_with(command='sh -c "PYTHONPATH=/app pytest -q"')))

    assert ended.code == 2
    assert ended.record.status is Status.USAGE
    assert "probe" in ended.fault.what
    assert "PYTHONPATH" in ended.fault.next_step


def test_a_command_that_fails_before_pytest_is_not_taken_for_failing_tests(
    project: MakeProject,
) -> None:
    ended = run_trial(
        project(compose=compose_with(command='sh -c "echo no such table >&2; exit 7; pytest"'))
    )

    assert ended.code == 3
    assert "before pytest began: exit code 7" in ended.fault.what
    assert ended.fault.details[-1] == "no such table"


OVER = """
[budgets]
test = 0.01
total = 600
memory = "1 MiB"
cpu = 1
"""


def test_a_passed_trial_over_its_budget_says_which_one(project: MakeProject) -> None:
    # Memory is sampled once a second.
    works = """
        import time

        def test_works_for_some_seconds():
            while time.thread_time() < 2:
                pass
    """
    ended = run_trial(project(files={"seatrial.toml": OVER}, tests=works))

    assert ended.code == 4
    assert ended.record.status is Status.OVER_BUDGET
    assert "over budget: test " in ended.record.reason
    assert " MiB of 1.0 MiB" in ended.record.reason
    assert "total" not in ended.record.reason
    assert {b.metric: b.met for b in ended.record.budgets} == {
        "test": False,
        "total": True,
        "memory": False,
        "cpu": True,
    }


def test_tests_that_run_out_of_memory_fail_and_the_running_test_is_named(
    project: MakeProject,
) -> None:
    ended = run_trial(
        project(
            compose=compose_with(test="mem_limit: 64m\nmemswap_limit: 64m"),
            tests="def test_greedy():\n    assert len(bytearray(b'x') * (256 << 20))\n",
        )
    )

    assert ended.code == 1
    assert "ran out of memory while test_sample.py::test_greedy ran" in ended.record.reason
    assert next(s for s in ended.record.services if s.name == "test").out_of_memory


def test_tests_that_do_not_end_in_time_fail_and_the_running_test_is_named(
    project: MakeProject,
) -> None:
    ended = run_trial(
        project(
            # As process 1 of its container a program without a handler is deaf to SIGTERM.
            compose=compose_with(test="init: true"),
            tests="import time\n\ndef test_endless():\n    time.sleep(600)\n",
        ),
        "--test-timeout",
        "1.5",
    )

    assert ended.code == 1
    assert "did not end in time while test_sample.py::test_endless ran" in ended.record.reason


def test_tests_that_fail_because_a_needed_service_ended_are_the_environments_fault(
    project: MakeProject,
) -> None:
    ended = run_trial(
        project(
            compose=compose_with("  redis: {image: 'redis:7'}", test="depends_on: [redis]"),
            tests="""
                import socket

                def test_the_service_stays():
                    with socket.create_connection(("redis", 6379)) as redis:
                        redis.sendall(b"SHUTDOWN NOSAVE\\r\\n")
                        redis.recv(100)
                    with socket.create_connection(("redis", 6379)):
                        pass
            """,
        )
    )

    assert ended.code == 3
    assert ended.record.reason == "1 test failed after service redis ended"
