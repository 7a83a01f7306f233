"""Trials whose tests are split among several stacks."""

import json

import pytest
from junitparser import JUnitXml

from seatrial.evidence.collected import read_collected
from seatrial.evidence.record import Status

from .engine_state import held
from .program import run_trial, running_trial
from .projects import MakeProject, Project, compose_with

FILES = {
    f"test_{name}.py": f"""
    import pytest

    @pytest.mark.parametrize("number", range({count}))
    def test_{name}(number):
        pass
"""
    for name, count in (("a", 3), ("b", 5), ("c", 2), ("d", 7))
}
ALONE_ON_ITS_STACK = """
    import os

    def test_nobody_else_writes_to_our_folder():
        path = "/app/shared.txt"
        assert not os.path.exists(path)
        with open(path, "w") as file:
            file.write("mine")
"""


def results(project: Project, trial: str) -> list[dict[str, str]]:
    path = project.runs / trial / "tests.jsonl"
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def test_workers_together_run_what_one_runs_each_test_once_and_prove_it(
    project: MakeProject,
) -> None:
    split = project(tests=None, files=FILES)

    alone = run_trial(split).record
    together = run_trial(split, "--workers", "3").record

    assert together.status is Status.PASSED
    assert together.pytest is not None
    assert alone.pytest is not None
    assert together.pytest.counts == alone.pytest.counts
    ids = [result["id"] for result in results(split, together.id)]
    assert sorted(ids) == sorted(result["id"] for result in results(split, alone.id))
    assert together.split is not None
    assert together.split.proof is not None
    assert together.split.proof.faults == ()
    assert together.split.proof.tests == 17
    assert together.split.weighed_by == "durations"
    assert sum(worker.tests for worker in together.split.workers) == 17
    containers = {worker.container for worker in together.split.workers}
    assert {result["container"] for result in results(split, together.id)} == containers
    assert len(containers) == 3
    assert sorted(read_collected(split.runs / together.id / "collected.jsonl")) == sorted(ids)
    assert together.pytest.junit[0] == "junit.xml"
    junit = JUnitXml.fromfile(str(split.runs / together.id / "junit.xml"))
    assert (junit.tests, junit.failures, junit.errors) == (17, 0, 0)

    automatic = run_trial(split, "--workers", "auto").record

    assert automatic.pytest is not None
    assert automatic.pytest.counts == alone.pytest.counts
    cores = automatic.host.cores
    assert len(automatic.split.workers if automatic.split else "1") == min(cores, 17)
    if automatic.split is not None:
        assert automatic.split.reason.endswith(f"the engine's machine has {cores} cores")
        assert automatic.split.weighed_by == "durations"
        assert automatic.split.proof is not None
        assert automatic.split.proof.faults == ()


def test_each_worker_has_a_stack_of_its_own(project: MakeProject) -> None:
    files = {f"test_{name}.py": ALONE_ON_ITS_STACK for name in "ab"}
    services = "  db:\n    image: redis:7\n"
    compose = compose_with(services, test="depends_on: [db]")

    record = run_trial(project(tests=None, files=files, compose=compose), "--workers", "2").record

    assert record.status is Status.PASSED
    assert sorted((service.name, service.worker) for service in record.services) == [
        ("db", 1),
        ("db", 2),
        ("test", 1),
        ("test", 2),
    ]
    assert len(record.clean_up.removed_containers) == 4
    assert len(record.clean_up.removed_networks) == 2


IN_ORDER = """
    import time

    done = []

    def test_first():
        time.sleep(0.5)
        done.append(1)

    def test_second():
        time.sleep(0.5)
        assert done
"""


def test_a_file_whose_tests_rely_on_their_order_is_named_and_stays_whole_if_it_is_to(
    project: MakeProject,
) -> None:
    split = project(tests=None, files={"test_order.py": IN_ORDER})
    run_trial(split)

    failed = run_trial(split, "--workers", "2").record
    (split.folder / "seatrial.toml").write_text('whole_files = ["test_order.py"]\n')
    whole = run_trial(split, "--workers", "2").record

    assert failed.status is Status.FAILED
    assert (
        "test_order.py, of which tests failed, was split among the workers: if they rely on those "
        "before them, name it in whole_files"
    ) in failed.findings
    assert whole.status is Status.PASSED
    assert whole.split is not None
    assert [worker.tests for worker in whole.split.workers] in ([0, 2], [2, 0])
    assert not any("whole_files" in finding for finding in whole.findings)


def test_workers_whose_pytest_never_began_are_out_of_time_though_a_file_was_split(
    project: MakeProject,
) -> None:
    split = project(tests=None, files={"test_order.py": IN_ORDER})
    run_trial(split)
    (split.folder / "seatrial.toml").write_text("timeouts.test = 2\n")

    record = run_trial(split, "--workers", "2", "--command", "sleep 60").record

    assert record.status is Status.FAILED
    assert record.reason == "the tests did not end in time"
    assert record.fewer_workers


def test_failed_tests_of_any_worker_fail_the_trial_and_are_looked_into(
    project: MakeProject,
) -> None:
    files = {**FILES, "test_e.py": "def test_e():\n    assert 1 == 2\n"}
    failing = project(tests=None, files=files)

    ended = run_trial(failing, "--workers", "2")

    record = ended.record
    assert ended.code == 1
    assert record.reason == "1 of 18 tests failed"
    assert record.pytest is not None
    assert [failure.test for failure in record.pytest.failures] == ["test_e.py::test_e"]
    assert record.diagnosis is not None
    (test,) = record.diagnosis.tests
    assert (failing.runs / record.id / test.file).is_file()
    assert record.fault is not None
    assert (failing.runs / record.id / record.fault.where).is_file()


def test_failed_tests_are_run_again_on_one_fresh_stack(project: MakeProject) -> None:
    flaky = """
        import json

        def test_passes_at_the_second_attempt():
            with open("/seatrial/share.json") as file:
                assert json.load(file)["workers"] == 1
    """
    files = {**FILES, "test_e.py": flaky}

    ended = run_trial(project(tests=None, files=files), "--workers", "2", "--retries", "1")

    assert ended.code == 0, ended.record.reason
    assert ended.record.flaky == ("test_e.py::test_passes_at_the_second_attempt",)


def test_a_worker_that_has_no_tests_is_no_fault(project: MakeProject) -> None:
    record = run_trial(project(), "--workers", "3").record

    assert record.status is Status.PASSED
    assert record.reason == "1 test passed"
    assert record.split is not None
    assert sorted(worker.exit_code or 0 for worker in record.split.workers) == [0, 5, 5]


def test_no_tests_on_any_worker_is_no_tests(project: MakeProject) -> None:
    ended = run_trial(project(tests="x = 1"), "--workers", "2")

    assert ended.code == 5


def test_tests_that_change_from_worker_to_worker_are_found_out(project: MakeProject) -> None:
    changing = """
        import os
        import pytest

        names = sorted(os.environ["HOSTNAME"])
        @pytest.mark.parametrize("name", ["same", os.environ["HOSTNAME"]])
        def test_it(name):
            pass
    """
    odd = project(tests=changing)
    first = run_trial(odd).record
    assert first.status is Status.PASSED
    # As if two tests had been measured, which are dealt out to two workers.
    path = odd.runs / first.id / "tests.jsonl"
    rows = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    for row in rows:
        row["call"] = 60.0
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")

    ended = run_trial(odd, "--workers", "2")

    assert ended.code == 1
    assert ended.record.reason.startswith("the workers' tests are not all of them, each once")


def test_coverage_is_that_of_all_workers(project: MakeProject, coverage_image: str) -> None:
    files = {
        "lib.py": "def f():\n    return 1\n\ndef g():\n    return 2\n",
        "test_f.py": "import lib\n\ndef test_f():\n    assert lib.f() == 1\n",
        "test_g.py": "import lib\n\ndef test_g():\n    assert lib.g() == 2\n",
        ".coveragerc": "[run]\nsource = .\nomit = test_*\n[report]\nfail_under = 100\n",
    }
    command = "pytest -q -p no:cacheprovider --cov"
    measured = project(
        tests=None, files=files, compose=compose_with(image=coverage_image, command=command)
    )
    run_trial(measured)

    record = run_trial(measured, "--workers", "2").record

    assert record.split is not None
    assert [worker.tests for worker in record.split.workers] == [1, 1]
    assert record.coverage is not None
    assert record.coverage.percent == 100
    assert record.status is Status.PASSED
    assert len(record.coverage.data_files) == 2


@pytest.mark.parametrize("handling", ["take-over", "leave"])
def test_xdist_is_taken_over_or_left_as_the_settings_say(
    project: MakeProject, coverage_image: str, handling: str
) -> None:
    command = "pytest -q -p no:cacheprovider -n 2"
    asking = project(
        tests=None,
        files={**FILES, "seatrial.toml": f'workers = 2\nxdist = "{handling}"\n'},
        compose=compose_with(image=coverage_image, command=command),
    )

    record = run_trial(asking).record

    assert record.status is Status.PASSED, record.reason
    assert record.reason == "17 tests passed"
    assert record.split is not None
    assert record.split.xdist == {"take-over": "taken over", "leave": "left"}[handling]
    assert record.split.proof is not None
    assert record.split.proof.faults == ()


@pytest.mark.parametrize(
    ("fails", "limit_s", "reason"),
    [
        pytest.param("time.sleep(0.1)", "6", "did not end in time", id="time"),
        pytest.param(
            "held.append(bytearray(b'x') * (8 << 20))", "60", "ran out of memory", id="memory"
        ),
    ],
)
def test_a_trial_that_ran_out_of_time_or_memory_is_tried_once_with_fewer_workers(
    project: MakeProject, fails: str, limit_s: str, reason: str
) -> None:
    # Tests of two workers never end, as if two were too many for the machine.
    fails_beside_another = f"""
        import json, os, time

        def test_fails():
            workers = json.load(open("/seatrial/share.json"))["workers"] if os.path.exists(
                "/seatrial/share.json") else 1
            held = []
            while workers > 1:
                {fails}
    """
    slow = project(
        compose=compose_with(test="mem_limit: 64m\nmemswap_limit: 64m"),
        tests=None,
        files={"test_a.py": fails_beside_another, "test_b.py": fails_beside_another},
    )

    ended = run_trial(slow, "--workers", "2", "--test-timeout", limit_s)

    record = ended.record
    assert ended.code == 0, record.reason
    assert record.fewer_workers is not None
    assert reason in record.fewer_workers.reason
    assert (record.fewer_workers.workers, record.fewer_workers.then) == (2, 1)
    assert record.split is None
    assert (slow.runs / record.id / "first-attempt/workers/2/logs/test.log").is_file()
    assert len(record.clean_up.removed_containers) == 3


def test_a_failure_ends_all_workers_if_it_is_to_be_fast(project: MakeProject) -> None:
    waits = """
        import time

        def test_waits():
            time.sleep(60)
    """
    fails = "def test_fails():\n    assert False\n"
    failing = project(tests=None, files={"test_a.py": fails, "test_b.py": waits})
    (failing.folder / "test_a.py").write_text("# long\n" * 200 + fails)

    ended = run_trial(failing, "--workers", "2", "--fail-fast")

    assert ended.code == 1
    assert ended.record.pytest is not None
    assert [f.test for f in ended.record.pytest.failures] == ["test_a.py::test_fails"]
    phase = next(p for p in ended.record.phases if p.name.value == "test")
    assert phase.seconds < 50


def test_an_interrupted_trial_leaves_none_of_its_stacks(project: MakeProject) -> None:
    import signal

    waits = "import time\n\ndef test_waits():\n    time.sleep(600)\n"
    slow = project(tests=None, files={"test_a.py": waits, "test_b.py": waits})

    with running_trial(slow, "--workers", "2") as trial:
        trial.wait_for(
            lambda: len([n for n in held(trial.label) if "test" in n]) >= 2, "both test containers"
        )
        trial.send(signal.SIGINT)
        ended = trial.finish()

    assert ended.code == 130
    assert held(trial.label) == []


def test_a_stack_that_cannot_be_there_twice_is_refused(project: MakeProject) -> None:
    fixed = """
        networks:
          default:
            ipam:
              config: [{subnet: 10.213.7.0/24}]
    """
    ended = run_trial(project(compose=compose_with(tail=fixed)), "--workers", "2")

    assert ended.code == 2
    assert "network default has a fixed subnet" in ended.fault.what
