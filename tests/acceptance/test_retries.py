"""Failed tests that are run again, and what the record tells of them."""

import json

from seatrial.evidence.record import Status

from .program import run_trial
from .projects import MakeProject

ALONE_AND_TOGETHER = """
    import pytest

    state = []

    def test_first():
        state.append(1)

    def test_passes_only_alone():
        assert not state

    @pytest.mark.parametrize("value", [1, 2])
    def test_fails_for_two(value):
        assert value != 2
"""


def test_a_test_that_passes_when_run_again_is_flaky_and_the_others_have_failed(
    project: MakeProject,
) -> None:
    flaky = project(tests=ALONE_AND_TOGETHER)

    ended = run_trial(flaky, "--retries", "2")

    record = ended.record
    assert ended.code == 1
    assert record.status is Status.FAILED
    assert record.flaky == ("test_sample.py::test_passes_only_alone",)
    assert [retry.failed for retry in record.retries] == [
        ("test_sample.py::test_fails_for_two[2]",),
        ("test_sample.py::test_fails_for_two[2]",),
    ]
    results = flaky.runs / record.id / "retry-1" / "tests.jsonl"
    ran = {json.loads(line)["id"] for line in results.read_text(encoding="utf-8").splitlines()}
    assert ran == set(record.retries[0].tests)
    assert len(record.clean_up.removed_containers) == 3


def test_a_trial_whose_failures_were_all_flaky_passes_and_says_so(project: MakeProject) -> None:
    tests = ALONE_AND_TOGETHER.replace("value != 2", "value")

    ended = run_trial(project(tests=tests), "--retries", "1")

    assert ended.code == 0
    assert ended.record.reason == "4 tests passed, 1 of them only when run again"
    assert ended.record.pytest is not None
    assert [f.test for f in ended.record.pytest.failures] == list(ended.record.flaky)


def test_nothing_is_run_again_unless_it_was_asked_for(project: MakeProject) -> None:
    ended = run_trial(project(tests=ALONE_AND_TOGETHER))

    assert ended.code == 1
    assert ended.record.retries == ()
