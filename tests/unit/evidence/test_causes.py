import re
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seatrial.evidence.causes import Source, find_causes, known_causes

SAMPLES = [
    (line.partition(": ")[0], line.partition(": ")[2])
    for line in (Path(__file__).parent / "cause_samples.txt").read_text().splitlines()
]
"""Pairs of a cause's key and a line that some program really prints."""
HARMLESS = (
    "1 failed, 20 passed in 3.21s",
    "E   AssertionError: assert 1 == 2",
    "E   KeyError: 'user_id'",
    "E   fixture 'ship' not found",
    "LOG:  database system is ready to accept connections",
    "E   FileNotFoundError: [Errno 2] No such file or directory: 'data.txt'",
    "E   AttributeError: module 'shop' has no attribute 'orders'",
)


@pytest.mark.parametrize(("key", "line"), SAMPLES)
def test_a_cause_is_recognised_by_what_it_leaves_in_a_log(key: str, line: str) -> None:
    (cause,) = find_causes([Source("logs/test.log", [line])])

    assert cause.key == key
    assert (cause.where, cause.line) == ("logs/test.log", " ".join(line.split()))
    assert "{" not in cause.what + cause.remedy


def test_every_cause_has_a_sample_and_there_are_at_least_twenty() -> None:
    assert {known.key for known in known_causes()} == {key for key, _ in SAMPLES}
    assert len(known_causes()) >= 20


@pytest.mark.parametrize("line", HARMLESS)
def test_common_lines_are_signs_of_nothing(line: str) -> None:
    assert find_causes([Source("logs/test.log", [line])]) == ()


def test_the_sentence_names_what_the_line_names() -> None:
    (cause,) = find_causes([Source("x", ["ModuleNotFoundError: No module named 'shop.models'"])])

    assert "shop.models" in cause.what


def test_of_several_signs_the_one_that_names_something_is_told() -> None:
    (cause,) = find_causes(
        [
            Source("the engine", ["service test: exit code 127"]),
            Source("logs/test.log", ["sh: 1: alembic: not found"]),
        ]
    )

    assert (cause.where, "alembic" in cause.what) == ("logs/test.log", True)


def test_what_follows_from_another_fault_is_not_told_beside_it() -> None:
    found = find_causes(
        [
            Source("logs/test.log", ["ConnectionRefusedError: [Errno 111] Connection refused"]),
            Source("logs/db.log", [dict(SAMPLES)["database-password-not-set"]]),
        ]
    )

    assert [cause.key for cause in found] == ["database-password-not-set"]


def test_each_cause_is_told_once_and_at_most_three_are() -> None:
    lines = [line for _, line in SAMPLES for _ in range(2)]

    keys = [cause.key for cause in find_causes([Source("x", lines)])]

    assert len(keys) == len(set(keys)) == 3


def test_signs_are_told_without_escape_codes() -> None:
    line = "\x1b[31mOSError\x1b[0m: No module\x1b]0;title\x07 named 'a'\x1b[2J"

    (cause,) = find_causes([Source("x", [line])])

    assert cause.line == "OSError: No module named 'a'"


@pytest.mark.parametrize(
    "piece",
    ["a", "A_", "a: ", '"', "'", "/", "/a/", " exec /a", "permission denied: /",
     "could not create ", "health check", "exec: ", "\x1b]", "\x1b[0", "No module named ",
     "encoding ", "\\r'", "("],
)  # fmt: skip
def test_a_line_made_to_be_slow_is_not(piece: str) -> None:
    lines = [piece * (1_000_000 // len(piece))] * 300

    began = time.perf_counter()
    find_causes([Source("x", lines)])

    # 300 such lines take about a quarter of a second; catastrophic backtracking takes for ever.
    assert time.perf_counter() - began < 5


def test_no_sign_repeats_a_repetition() -> None:
    nested = re.compile(r"[+*}]\)(?:[+*]|\{\d+,\})")

    assert [k.key for k in known_causes() if nested.search(k.sign.pattern)] == []


@given(st.lists(st.text(max_size=400), max_size=20))
def test_any_text_can_be_looked_at(lines: list[str]) -> None:
    for cause in find_causes([Source("x", lines)]):
        assert cause.line.isprintable() or cause.line
