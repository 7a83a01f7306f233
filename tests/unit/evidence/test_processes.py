"""Reading what processes told that tests started, and finding those that told nothing."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seatrial.evidence.processes import Processes, Report, read_report
from seatrial.evidence.trace_lines import TRACER_VERSION

HEAD: dict[str, Any] = {"version": TRACER_VERSION, "child": 20, "by": 7, "keys": ["a", "b"]}
LINES: list[Any] = [
    HEAD,
    {"file": 0, "path": "/app/main.py"},
    {"imported": 0},
    {"ran": 0},
    {"start": 0, "key": "c"},
]


def report(pid: int, by: int, *keys: str, starts: tuple[str, ...] = (), **values: Any) -> Report:
    return Report(pid, by, keys, starts=dict(enumerate(starts)), **values)


def write(folder: Path, *lines: Any) -> Path:
    path = folder / "dependencies-child-7-20-1.jsonl"
    text = [line if isinstance(line, str) else json.dumps(line) for line in lines]
    path.write_text("".join(f"{line}\n" for line in text), encoding="utf-8")
    return path


def test_a_report_that_was_broken_off_between_two_lines_is_whole(tmp_path: Path) -> None:
    found = read_report(write(tmp_path, *LINES))

    assert found is not None
    assert (found.pid, found.by, found.keys) == (20, 7, ("a", "b"))
    assert found.used == {"ran": {0}, "read": set(), "listed": set(), "imported": {0}}
    assert found.starts == {0: "c"}
    assert not found.process
    assert read_report(write(tmp_path, *LINES[:3])) is not None


@pytest.mark.parametrize(
    "lines",
    [
        [],
        LINES[1:],
        [{**HEAD, "version": TRACER_VERSION - 1}],
        [{**HEAD, "child": -1}],
        [{**HEAD, "by": "7"}],
        [{**HEAD, "keys": [1]}],
        [*LINES, {"ran": 1}],
        [*LINES, {"ran": True}],
        [*LINES, {"keeps": 0}],
        [*LINES, {"ran": 0, "read": 0}],
        [*LINES, {"file": 1, "path": "x" * 5000}],
        [*LINES, {"start": 0}],
        [*LINES, "[" * 100_000],
        [*LINES, "[]"],
    ],
)
def test_a_report_that_is_not_whole_counts_as_none(tmp_path: Path, lines: list[Any]) -> None:
    assert read_report(write(tmp_path, *lines)) is None


def test_a_line_cut_short_or_a_link_counts_as_none(tmp_path: Path) -> None:
    path = write(tmp_path, *LINES)
    (tmp_path / "dependencies-child-1.jsonl").symlink_to(path)
    assert read_report(tmp_path / "dependencies-child-1.jsonl") is None

    path.write_bytes(path.read_bytes()[:-1])
    assert read_report(path) is None


def test_each_start_leads_to_what_it_started_and_that_to_more() -> None:
    processes = Processes(
        {7: {0: "a", 1: "b"}},
        {
            "one": report(20, 7, "a", starts=("c",)),
            "two": report(21, 20, "c"),
            "three": report(22, 7, "b"),
        },
    )

    assert processes.of_starts(7, [0]) == (frozenset({"one", "two"}), False)
    assert processes.of_starts(7, [1]) == (frozenset({"three"}), False)
    assert processes.of_reports(["one"]) == (frozenset({"one", "two"}), False)
    assert processes.of_starts(7, []) == (frozenset(), False)


@pytest.mark.parametrize(
    "reports",
    [
        {},
        {"one": report(20, 8, "a"), "two": report(21, 7, "a")},
        {"one": report(20, 7, "b"), "two": report(21, 7, "a")},
        {"one": report(20, 7, "a")},
        {"one": report(20, 7, "a"), "two": report(21, 7, "a"), "three": report(22, 7, "a")},
        {"one": report(20, 7, "a"), "two": report(21, 7, "a", process=True)},
        {"one": report(20, 7, "a"), "two": report(21, 7, "a", starts=("c",))},
    ],
)
def test_nobody_knows_what_was_used_if_starts_and_reports_do_not_match(
    reports: dict[str, Report],
) -> None:
    processes = Processes({7: {0: "a", 1: "a"}}, reports)

    assert processes.of_starts(7, [0])[1]
    assert processes.of_starts(7, [1])[1]


def test_a_report_proves_one_start_only() -> None:
    processes = Processes({7: {0: "full", 1: "name"}}, {"one": report(20, 7, "full", "name")})

    assert not processes.of_starts(7, [0])[1]
    assert processes.of_starts(7, [1])[1]


def test_a_report_that_is_asked_for_and_missing_leaves_something_unknown() -> None:
    processes = Processes({}, {"one": report(20, 7, "a")})

    assert processes.of_reports(["one"]) == (frozenset({"one"}), False)
    assert processes.of_reports(["one", "gone"]) == (frozenset({"one"}), True)


PIDS = st.integers(1, 4)
KEYS = st.sampled_from("abc")


@given(
    started=st.dictionaries(PIDS, st.dictionaries(st.integers(0, 3), KEYS)),
    told=st.lists(st.builds(lambda p, b, k, s: report(p, b, *k, starts=tuple(s)), PIDS, PIDS,
                            st.lists(KEYS, max_size=3), st.lists(KEYS, max_size=3)), max_size=6),
)  # fmt: skip
def test_whatever_is_told_an_answer_comes_and_no_start_goes_unnoticed(
    started: dict[int, dict[int, str]], told: list[Report]
) -> None:
    processes = Processes(started, {str(number): each for number, each in enumerate(told)})

    for pid, starts in started.items():
        for number in starts:
            names, unknown = processes.of_starts(pid, [number])
            assert unknown or names
