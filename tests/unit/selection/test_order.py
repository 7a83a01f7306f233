from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seatrial.evidence.record import Failure, Retry, Status
from seatrial.selection.order import AT_MOST, PastTrial, first, read_past_trials
from unit.factories import make_pytest
from unit.selection.trials import make_trial

IDS = st.frozensets(st.sampled_from([f"a.py::t{n}" for n in range(12)]), max_size=6)
TRIALS = st.lists(st.builds(PastTrial, st.integers(0, 12), IDS, IDS), max_size=20)


def trial(*failed: str, flaky: str = "", tests: int = 10) -> PastTrial:
    """One in which these failed; `flaky` ones among them passed when run again."""
    return PastTrial(tests, frozenset(failed), frozenset(flaky.split()))


def test_without_a_past_no_test_comes_first() -> None:
    assert first([]) == ()
    assert first([trial(), trial()]) == ()


def test_what_failed_last_leads_however_often_others_failed() -> None:
    past = [trial("new"), *[trial("often") for _ in range(10)]]

    assert first(past) == ("new", "often")


def test_of_two_that_failed_last_the_one_that_fails_more_leads() -> None:
    assert first([trial("a", "b"), trial("b"), trial("b")]) == ("b", "a")


def test_a_failure_weighs_less_the_older_it_is() -> None:
    assert first([trial(), trial("newer"), trial("older")]) == ("newer", "older")


def test_several_older_failures_outweigh_a_newer_one() -> None:
    past = [trial(), trial("once"), trial("often"), trial("often"), trial("often"), trial("often")]

    assert first(past) == ("often", "once")


def test_a_flaky_failure_is_half_a_failure_and_did_not_fail_last() -> None:
    past = [trial("shaky", flaky="shaky"), trial("broken"), trial()]

    assert first(past) == ("broken", "shaky")


def test_a_trial_of_a_few_tests_says_little_of_the_others() -> None:
    shaky, broken = trial("shaky", flaky="shaky"), trial("broken", tests=100)

    assert first([shaky, *[trial(tests=1)] * 5, broken]) == ("broken", "shaky")
    assert first([shaky, *[trial(tests=100)] * 5, broken]) == ("shaky", "broken")


def test_no_more_than_asked_for_come_first() -> None:
    assert first([trial("a", "b", "c")], at_most=2) == ("a", "b")


def test_ten_thousand_failures_are_bounded() -> None:
    assert len(first([trial(*map(str, range(10_000)))])) == AT_MOST


@given(TRIALS)
def test_each_test_is_named_once_and_has_failed_before(past: list[PastTrial]) -> None:
    ranked = first(past)

    assert len(set(ranked)) == len(ranked)
    assert set(ranked) == {test for each in past for test in each.failed | each.flaky}


@given(TRIALS, IDS)
def test_those_that_failed_last_are_in_front(past: list[PastTrial], failed: frozenset[str]) -> None:
    ranked = first([PastTrial(12, failed), *past])

    assert set(ranked[: len(failed)]) == failed


def test_failures_are_read_from_the_records_newest_first(tmp_path: Path) -> None:
    make_failing(tmp_path, 1, "a.py::old")
    make_failing(tmp_path, 2, "a.py::new", "b.py")

    assert read_past_trials(tmp_path) == (
        PastTrial(5, frozenset({"a.py::new", "b.py"})),
        PastTrial(5, frozenset({"a.py::old"})),
    )


def test_a_test_that_passed_when_run_again_is_read_as_flaky(tmp_path: Path) -> None:
    retry = Retry(
        folder="retry-1", seconds=1, tests=("a", "b"), failed=("b",), reason="1 test failed"
    )
    make_failing(tmp_path, 1, "a", "b", retries=(retry,))

    assert read_past_trials(tmp_path) == (PastTrial(5, frozenset({"a", "b"}), frozenset({"a"})),)


@pytest.mark.parametrize("status", [Status.ENVIRONMENT, Status.USAGE])
def test_failures_that_the_environment_caused_do_not_count(tmp_path: Path, status: Status) -> None:
    make_failing(tmp_path, 1, "a.py::t", status=status)

    assert read_past_trials(tmp_path) == ()


def test_a_trial_that_ran_no_test_does_not_count(tmp_path: Path) -> None:
    make_trial(tmp_path, 1, {}, pytest=make_pytest(5))
    make_trial(tmp_path, 2, {}, pytest=None)

    assert read_past_trials(tmp_path) == ()


def test_only_the_newest_records_are_read(tmp_path: Path) -> None:
    for number in range(25):
        make_failing(tmp_path, number, f"t{number}")

    assert len(read_past_trials(tmp_path)) == 20


def make_failing(project: Path, number: int, *tests: str, **values: Any) -> None:
    failures = tuple(Failure(test=test, message="assert 0") for test in tests)
    seen = make_pytest(1, passed=5 - len(tests), failed=len(tests), failures=failures)
    defaults: dict[str, Any] = {"pytest": seen, "status": Status.FAILED}
    make_trial(project, number, {}, **(defaults | values))
