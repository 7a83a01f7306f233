import json
from pathlib import Path

import pytest

from seatrial.evidence.windows import FailedWindow, python_executable, read_windows

START = {"event": "start", "at": 100.0, "wall": 5000.0, "executable": "/usr/bin/python3"}


def _events(tmp_path: Path, *events: object) -> Path:
    path = tmp_path / "events.jsonl"
    path.write_text("".join(json.dumps(event) + "\n" for event in events))
    return path


def _running(test: str, at: float) -> dict[str, object]:
    return {"event": "running", "id": test, "at": at}


def _ended(test: str, at: float, outcome: str = "failed", **more: object) -> dict[str, object]:
    return {"event": "test", "id": test, "at": at, "outcome": outcome, **more}


def test_a_failed_tests_times_are_the_wall_clocks(tmp_path: Path) -> None:
    path = _events(
        tmp_path,
        START,
        _running("good", 101.0),
        _ended("good", 102.0, "passed"),
        _running("bad", 103.0),
        _ended("bad", 104.5, message="boom", text="long"),
    )

    assert read_windows(path, count=20) == (FailedWindow("bad", 5003.0, 5004.5, "boom", "long"),)


def test_each_session_has_its_own_clock(tmp_path: Path) -> None:
    again = {"event": "start", "at": 200.0, "wall": 9000.0}
    path = _events(tmp_path, START, again, _running("bad", 201.0), _ended("bad", 202.0))

    (window,) = read_windows(path, count=20)

    assert (window.started, window.ended) == (9001.0, 9002.0)


def test_a_test_that_never_ended_has_no_end(tmp_path: Path) -> None:
    path = _events(
        tmp_path, START, _running("a", 101.0), _ended("a", 102.0, "passed"), _running("b", 102.5)
    )

    assert [(w.test, w.started, w.ended) for w in read_windows(path, count=20)] == [
        ("b", 5002.5, None)
    ]


def test_a_file_that_cannot_be_imported_reaches_from_the_sessions_start(tmp_path: Path) -> None:
    path = _events(tmp_path, START, {"event": "broken", "id": "test_a.py", "at": 103.0})

    assert [(w.started, w.ended) for w in read_windows(path, count=20)] == [(5000.0, 5003.0)]


def test_without_the_wall_clock_the_times_are_unknown(tmp_path: Path) -> None:
    path = _events(tmp_path, {"event": "start", "at": 1.0}, _running("a", 2.0), _ended("a", 3.0))

    assert [(w.started, w.ended) for w in read_windows(path, count=20)] == [(None, None)]


def test_only_the_first_failures_are_returned(tmp_path: Path) -> None:
    path = _events(tmp_path, START, *(_ended(f"t{n}", 101.0) for n in range(50)))

    assert [w.test for w in read_windows(path, count=3)] == ["t0", "t1", "t2"]


@pytest.mark.parametrize(
    "event",
    [
        {"event": "start", "at": "soon", "wall": -1},
        {"event": "test", "id": ["a"], "at": 1e300, "outcome": "failed", "message": {"a": 1}},
        {"event": "test", "id": "\x1b[31mred\n", "at": None, "outcome": "error", "text": 5},
        {"event": "running", "id": None},
        {"event": ["test"]},
        [1, 2],
        "text",
    ],
)
def test_no_event_breaks_the_reader_or_brings_in_escape_codes(
    tmp_path: Path, event: object
) -> None:
    for window in read_windows(_events(tmp_path, START, event), count=20):
        assert "\x1b" not in window.test + window.message + window.text


def test_the_python_that_ran_pytest_is_known(tmp_path: Path) -> None:
    assert python_executable(_events(tmp_path, START)) == "/usr/bin/python3"
    assert python_executable(tmp_path / "none") is None


@pytest.mark.parametrize("name", [7, "python", "/bin/\x1b[31m", None])
def test_an_odd_name_of_the_python_is_not_taken(tmp_path: Path, name: object) -> None:
    assert python_executable(_events(tmp_path, {**START, "executable": name})) is None
