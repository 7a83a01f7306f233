from pathlib import Path
from typing import Any

import pytest

from seatrial.evidence.junit_doubts import JUnitCounts, count_junit, junit_doubts
from unit.factories import make_pytest

OPEN = '<?xml version="1.0" encoding="utf-8"?><testsuites name="pytest tests"><testsuite>'
CLOSE = "</testsuite></testsuites>"
CASES = (
    "<testcase name='a'/><testcase name='b'><failure message='x'>y</failure></testcase>"
    "<testcase name='c'><error/><system-out>z</system-out></testcase>"
    "<testcase name='d'><skipped type='pytest.xfail'/></testcase>"
)


def count(folder: Path, text: str) -> JUnitCounts | None:
    path = folder / "junit.xml"
    path.write_text(text, encoding="utf-8")
    return count_junit(path)


def test_test_cases_are_counted_by_what_stands_in_them(tmp_path: Path) -> None:
    assert count(tmp_path, OPEN + CASES + CLOSE) == JUnitCounts(passed=1, bad=2, skipped=1)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "no XML",
        OPEN + CASES,
        "<html><testsuite/></html>",
        '<!DOCTYPE a [<!ENTITY b "c">]><testsuites><testsuite>&b;</testsuite></testsuites>',
        "<testsuites>" + "<testsuite>" * 100 + "</testsuite>" * 100 + "</testsuites>",
    ],
)
def test_what_pytest_does_not_write_is_not_counted(tmp_path: Path, text: str) -> None:
    assert count(tmp_path, text) is None


def test_a_file_that_is_not_there_is_not_counted(tmp_path: Path) -> None:
    assert count_junit(tmp_path / "none.xml") is None


@pytest.mark.parametrize(
    ("told", "seen", "contradicts"),
    [
        (JUnitCounts(passed=3), {"passed": 3}, 0),
        (JUnitCounts(passed=3, skipped=1), {"passed": 2, "xpassed": 1, "skipped": 5}, 0),
        (JUnitCounts(passed=1, bad=3), {"exit_status": 1, "passed": 2, "failed": 2}, 0),
        (JUnitCounts(passed=4), {"passed": 3}, 1),
        (JUnitCounts(passed=3), {"exit_status": 1, "passed": 2, "failed": 1}, 2),
        (JUnitCounts(passed=2, bad=1), {"passed": 3}, 1),
        (JUnitCounts(passed=9), {"exit_status": 2, "passed": 3}, 0),
        (JUnitCounts(passed=9), {"exit_status": None, "passed": 3}, 0),
    ],
)
def test_more_passes_than_were_seen_and_failures_on_one_side_only_contradict(
    told: JUnitCounts, seen: dict[str, Any], contradicts: int
) -> None:
    found = junit_doubts([told], make_pytest(**seen), 1)

    assert [doubt.key for doubt in found] == ["junit-contradicts"] * contradicts


def test_files_of_some_sessions_alone_say_nothing_of_all() -> None:
    assert junit_doubts([JUnitCounts(passed=9)], make_pytest(passed=3), 2) == ()
