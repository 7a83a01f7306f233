import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seatrial.evidence.tests import TEST_RESULTS_FILE, Outcome
from seatrial.selection.durations import Durations, durations_in, read_durations
from unit.factories import make_pytest
from unit.selection.trials import add_lines, make_result, make_trial


def test_a_project_without_trials_has_no_durations(tmp_path: Path) -> None:
    assert read_durations(tmp_path) == Durations()


def test_a_test_takes_as_long_as_its_three_parts(tmp_path: Path) -> None:
    result = make_result("test_a.py::test_one", 1.0, setup=0.25, teardown=None)
    make_trial(tmp_path, 1, {result.id: result})

    assert read_durations(tmp_path).tests == {"test_a.py::test_one": 1.25}


def test_a_file_takes_as_long_as_all_its_tests(tmp_path: Path) -> None:
    make_trial(tmp_path, 1, {"d/a.py::A::t[x::y]": 1.0, "d/a.py::t": 2.0, "b.py::t": 4.0})

    assert read_durations(tmp_path).files == {"d/a.py": 3.0, "b.py": 4.0}


def test_one_trial_on_a_busy_machine_does_not_count(tmp_path: Path) -> None:
    for number, seconds in enumerate([1.0, 9.0, 1.5]):
        make_trial(tmp_path, number, {"a.py::t": seconds})

    durations = read_durations(tmp_path)

    assert (durations.tests, durations.trials) == ({"a.py::t": 1.5}, 3)


def test_a_change_shows_after_two_trials(tmp_path: Path) -> None:
    for number, seconds in enumerate([1.0, 1.0, 1.0, 1.0, 5.0, 5.0]):
        make_trial(tmp_path, number, {"a.py::t": seconds})

    assert read_durations(tmp_path).tests == {"a.py::t": 5.0}


@pytest.mark.parametrize("exit_status", [None, 2, 3, 5])
def test_a_trial_that_did_not_come_to_its_own_end_does_not_count(
    tmp_path: Path, exit_status: int | None
) -> None:
    make_trial(tmp_path, 1, {"a.py::t": 1.0})
    make_trial(tmp_path, 2, {"a.py::t": 7.0}, exit_status=exit_status)

    assert read_durations(tmp_path).tests == {"a.py::t": 1.0}


def test_a_trial_without_a_probes_report_does_not_count(tmp_path: Path) -> None:
    make_trial(tmp_path, 1, {"a.py::t": 1.0}, pytest=None)

    assert read_durations(tmp_path) == Durations()


def test_runs_of_a_few_tests_do_not_push_out_those_of_all(tmp_path: Path) -> None:
    make_trial(tmp_path, 1, {f"a.py::t{n}": 1.0 for n in range(10)})
    for number in range(2, 8):
        make_trial(tmp_path, number, {"a.py::t0": 1.0})

    assert len(read_durations(tmp_path).tests) == 10


def test_only_the_newest_trials_are_looked_at(tmp_path: Path) -> None:
    make_trial(tmp_path, 0, {f"a.py::t{n}": 1.0 for n in range(10)})
    for number in range(1, 21):
        make_trial(tmp_path, number, {"a.py::new": 1.0})

    assert read_durations(tmp_path).tests == {"a.py::new": 1.0}


@pytest.mark.parametrize("outcome", ["failed", "error", "unfinished"])
def test_the_time_of_a_failure_counts_only_if_the_test_never_passed(
    tmp_path: Path, outcome: Outcome
) -> None:
    for number in range(2):
        failing = make_result("a.py::t", 60.0, outcome=outcome)
        never = make_result("a.py::never", 3.0, outcome=outcome)
        make_trial(tmp_path, number, {"a.py::t": failing, "a.py::never": never}, exit_status=1)
    make_trial(tmp_path, 2, {"a.py::t": 1.0, "a.py::never": never}, exit_status=1)

    assert read_durations(tmp_path).tests == {"a.py::t": 1.0, "a.py::never": 3.0}


def test_a_test_that_two_sessions_of_a_trial_ran_takes_the_time_of_both(tmp_path: Path) -> None:
    folder = make_trial(tmp_path, 1, {"a.py::t": 1.0})
    add_lines(folder, {"id": "a.py::t", "outcome": "passed", "call": 2.0})

    assert read_durations(tmp_path).tests == {"a.py::t": 3.0}


def test_a_file_that_could_not_be_collected_has_no_duration(tmp_path: Path) -> None:
    broken = make_result("a.py", None, outcome="error", setup=None, teardown=None)
    make_trial(tmp_path, 1, {"a.py": broken}, pytest=make_pytest(1, errors=1))

    assert read_durations(tmp_path) == Durations()


@pytest.mark.parametrize(
    "line",
    [
        b"",
        b"\xff\xfe",
        b'{"id": "b.py::t", "outcome": "passed", "call"',
        b"[" * 100_000,
        b'{"id": "b.py::t", "outcome": "passed", "call": NaN}',
        b'{"id": "b.py::t", "outcome": "passed", "call": 1e999}',
        b'{"id": "b.py::\\ud800", "outcome": "passed", "call": 1}',
        b"null",
        ["b.py::t", "passed"],
        {"id": "b.py::t", "outcome": "passed", "call": -1},
        {"id": "b.py::t", "outcome": "passed", "call": "long"},
        {"id": "b.py::t", "outcome": "passed", "call": {}},
        {"id": ["b.py::t"], "outcome": "passed", "call": 1},
        {"id": "b.py::\x1b[31m", "outcome": "passed", "call": 1},
        {"id": "b" * 3000, "outcome": "passed", "call": 1},
        {"id": "b.py::t", "outcome": "passed", "call": 1, "text": "x" * (1 << 21)},
        {"call": 1},
    ],
    ids=range(17),
)
def test_a_line_that_is_not_a_result_is_passed_over(tmp_path: Path, line: object) -> None:
    folder = make_trial(tmp_path, 1, {})
    add_lines(folder, line, {"id": "a.py::t", "outcome": "passed", "call": 1.0})

    assert durations_in([folder.path / TEST_RESULTS_FILE]).tests == {"a.py::t": 1.0}


@given(content=st.binary(max_size=400))
def test_whatever_the_file_holds_nothing_is_raised(
    tmp_path_factory: pytest.TempPathFactory, content: bytes
) -> None:
    path = tmp_path_factory.getbasetemp() / "tests.jsonl"
    path.write_bytes(content)

    assert durations_in([path]).tests == {}


def test_a_broken_record_is_passed_over(tmp_path: Path) -> None:
    make_trial(tmp_path, 1, {"a.py::t": 1.0})
    make_trial(tmp_path, 2, {"a.py::t": 2.0}).record.write_text("{", encoding="utf-8")

    assert read_durations(tmp_path).tests == {"a.py::t": 1.0}


def test_a_link_out_of_the_trials_folder_is_not_followed(tmp_path: Path) -> None:
    folder = make_trial(tmp_path, 1, {"a.py::t": 1.0})
    results = folder.path / TEST_RESULTS_FILE
    results.rename(tmp_path / "elsewhere.jsonl")
    results.symlink_to(tmp_path / "elsewhere.jsonl")

    assert read_durations(tmp_path) == Durations()


def test_a_pipe_in_the_place_of_the_results_is_not_waited_for(tmp_path: Path) -> None:
    folder = make_trial(tmp_path, 1, {"a.py::t": 1.0})
    (folder.path / TEST_RESULTS_FILE).unlink()
    os.mkfifo(folder.path / TEST_RESULTS_FILE)

    assert read_durations(tmp_path) == Durations()


def test_what_is_set_up_for_several_tests_is_the_files_and_not_the_first_tests(
    tmp_path: Path,
) -> None:
    results = {
        "a.py::one": make_result("a.py::one", 1.0, setup=5.5, shared=5.0),
        "a.py::two": make_result("a.py::two", 2.0),
    }
    make_trial(tmp_path, 1, dict(results))

    durations = read_durations(tmp_path)

    assert durations.tests == {"a.py::one": 1.5, "a.py::two": 2.0}
    assert durations.shared == {"a.py": 5.0}


def test_a_split_file_is_not_charged_with_the_set_up_of_all_its_workers(tmp_path: Path) -> None:
    results = {
        name: make_result(name, 1.0, setup=seconds, shared=seconds, container=name[-1])
        for name, seconds in (("a.py::x", 5.0), ("a.py::y", 4.0))
    }
    make_trial(tmp_path, 1, dict(results))

    assert read_durations(tmp_path).shared == {"a.py": 5.0}


def test_no_more_is_shared_than_the_set_up_took(tmp_path: Path) -> None:
    make_trial(tmp_path, 1, {"a.py::x": make_result("a.py::x", 1.0, setup=2.0, shared=9.0)})

    durations = read_durations(tmp_path)

    assert (durations.tests, durations.shared) == ({"a.py::x": 1.0}, {"a.py": 2.0})
