"""A bench of a small project: real trials, its files, and that it can be gone on with."""

import csv
import json
import signal

from seatrial.evidence.bench import BenchReport
from seatrial.evidence.folder import list_records

from .program import assert_nothing_left, running_trial, seatrial
from .projects import PYTEST_IMAGE, MakeProject

COMPOSE = """
    services:
      test:
        build: {context: ., dockerfile: Dockerfile.test}
        command: pytest -q -p no:cacheprovider
"""
DOCKERFILE = f"""
    FROM {PYTEST_IMAGE}
    RUN date +%s%N > /made
    WORKDIR /app
    COPY test_sample.py pytest.ini ./
"""
TESTS = """
    import pytest

    def test_one():
        pass

    @pytest.mark.quick
    def test_two():
        pass
"""
FILES = {"pytest.ini": "[pytest]\nmarkers = quick\n", "seatrial.toml": "budgets.total = 0.001\n"}
"""The budget cannot be kept."""
ARGUMENTS = ("--repeats", "2", "--workers", "1")


def test_cold_warm_and_quick_runs_are_measured_against_the_budgets(project: MakeProject) -> None:
    shop = project(compose=COMPOSE, tests=TESTS, files=FILES)
    shop.write("Dockerfile.test", DOCKERFILE)

    ended = seatrial(
        *("bench", "--repeats", "1", "--workers", "1", "--cold", "--quick", "quick", "--json"),
        cwd=shop.folder,
    )

    assert ended.code == 4, ended.stderr
    report = BenchReport.model_validate_json(ended.stdout)
    figures = {one.metric: one for one in report.metrics}
    assert {run.scenario for run in report.runs} == {"cold", "warm", "quick"}
    assert len(report.runs) == 3
    assert (figures["cold.tests"].value, figures["quick.tests"].value) == (2, 1)
    assert figures["warm.cached_steps"].value == 100
    assert figures["cold.cached_steps"].value != 100
    assert (figures["warm.total"].status, figures["warm.total"].n) == ("not met", 1)
    assert figures["quick.total"].status == "no budget"
    results = shop.folder / "performance_results"
    with (results / "metrics.csv").open() as file:
        rows = {row["metric"]: row for row in csv.DictReader(file)}
    assert rows.keys() == figures.keys()
    assert f"{figures['warm.test'].value:.3f}" == rows["warm.test"]["value"]
    assert json.loads((results / "report.json").read_text()) == json.loads(ended.stdout)
    assert "not met" in (results / "report.md").read_text()
    assert_nothing_left(shop)


def test_a_failing_suite_stops_the_bench_with_the_name_of_its_trial(project: MakeProject) -> None:
    broken = project(tests="def test_fails(): assert False")

    ended = seatrial("bench", "--repeats", "2", "--workers", "1", cwd=broken.folder)

    assert ended.code == 1
    (record,) = list_records(broken.folder)
    assert f"stopped at trial {record.id}" in ended.stdout
    assert not (broken.folder / "performance_results").exists()
    assert_nothing_left(broken)


def test_an_interrupted_bench_goes_on_where_it_was(project: MakeProject) -> None:
    slow = project(tests="import time\n\ndef test_waits(): time.sleep(1.5)\n")
    with running_trial(slow, *ARGUMENTS, command=("bench",)) as running:
        running.wait_for(lambda: len(slow.trials()) == 2, "the second trial")
        running.send(signal.SIGINT)
        stopped = running.finish()
    assert stopped.code == 130
    assert_nothing_left(slow)
    done = [record for record in list_records(slow.folder) if record.exit_code == 0]
    assert len(done) == 1

    ended = seatrial("bench", *ARGUMENTS, "--json", cwd=slow.folder)

    assert ended.code == 0, ended.stderr
    report = BenchReport.model_validate_json(ended.stdout)
    assert report.runs[0].trial == done[0].id
    assert len(report.runs) == 2
    assert_nothing_left(slow)
