import json

import pytest

from seatrial.selection.division import Division, Known, divide
from seatrial.selection.share import EVERYTHING, Share

KNOWN = Known(
    {"a.py::test_a": 3.0, "b.py::test_b": 2.0, "b.py::test_c": 1.0},
    "durations",
    first=("b.py::test_c",),
)


def test_one_worker_without_wishes_needs_to_be_told_nothing() -> None:
    assert divide(Known(), 1, reason="") == Division((EVERYTHING,), "")
    assert EVERYTHING.to_json() is None


def test_workers_get_equal_shares_and_say_what_they_expect() -> None:
    division = divide(KNOWN, 2, reason="why not", take_over_xdist=True)

    assert len(division.shares) == 2
    assert division.reason == "why not"
    assert division.expected == pytest.approx((3.0, 3.0))
    assert all(share.take_over_xdist for share in division.shares)
    owners = division.shares[0].assignment.files
    assert owners["a.py"] != owners["b.py"]


def test_sizes_of_files_are_no_durations() -> None:
    assert divide(Known({"a.py": 900.0}, "sizes"), 2, reason="").expected == (None, None)


def test_only_the_tests_that_are_named_count() -> None:
    division = divide(KNOWN, 1, reason="", tests=["b.py", "a.py::test_gone"])

    assert division.expected == pytest.approx((3.0,))
    assert division.shares[0].tests == ["b.py", "a.py::test_gone"]


def test_a_file_that_stays_whole_keeps_its_order_though_a_test_of_it_failed() -> None:
    share = divide(KNOWN, 2, reason="", whole=["b.py"]).shares[0]

    assert share.first == ()
    assert set(share.assignment.files) == {"a.py", "b.py"}


def test_a_single_worker_never_takes_over_from_xdist() -> None:
    assert not divide(KNOWN, 1, reason="", take_over_xdist=True).shares[0].take_over_xdist


@pytest.mark.parametrize("share", [Share(tests=()), Share(first=("a",)), Share(fail_fast=True)])
def test_a_wish_of_a_single_worker_is_told(share: Share) -> None:
    told = share.to_json()

    assert told is not None
    assert json.loads(told)["workers"] == 1
