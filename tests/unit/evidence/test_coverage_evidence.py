"""Reading what the container tells of coverage, none of which can be trusted."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seatrial.evidence.coverage import Coverage, CoverageCounts
from seatrial.evidence.coverage_events import CoverageReading, CoverageSightings
from seatrial.evidence.coverage_result import ReportedResult, read_result

START = {"event": "start", "executable": "/usr/bin/python3", "folder": "/app", "pytest_cov": True}
COVERAGE = {
    "event": "coverage",
    "data_file": "/app/.coverage",
    "config_file": "/app/tox.ini",
    "fail_under_option": 70,
    "switched_on": True,
}
TOTALS = {"lines": 4, "covered_lines": 3, "branches": 2, "covered_branches": 1}
ANY_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=9), inner),
    max_leaves=6,
)


def see(*events: dict[str, Any]) -> CoverageSightings | None:
    reading = CoverageReading()
    for event in events:
        reading.take(event)
    return reading.sightings()


def test_the_place_and_the_measured_sessions_are_seen() -> None:
    seen = see(START, COVERAGE, START, {**COVERAGE, "data_file": "/tmp/b", "config_file": None})

    assert seen is not None
    assert (seen.executable, seen.folder, seen.has_pytest_cov) == ("/usr/bin/python3", "/app", True)
    assert [s.data_file for s in seen.sessions] == ["/app/.coverage", "/tmp/b"]
    assert seen.sessions[0].fail_under_option == 70
    assert seen.sessions[0].switched_on
    assert seen.sessions[1].config_file is None


def test_without_a_session_nothing_is_seen() -> None:
    assert see(COVERAGE) is None


@pytest.mark.parametrize("path", ["relative", "/nul\0", "/" + "x" * 5000, 7, None])
def test_a_path_that_cannot_be_one_is_left_out(path: object) -> None:
    assert see({**START, "executable": path}) is None
    seen = see(START, {**COVERAGE, "data_file": path})
    assert seen is not None
    assert seen.sessions == ()


@given(st.dictionaries(st.sampled_from([*START, *COVERAGE]), ANY_JSON))
def test_any_event_is_survived(event: dict[str, Any]) -> None:
    see(START, {**event, "event": "coverage"}, {**event, "event": "start"})


def read(tmp_path: Path, result: object) -> ReportedResult | None:
    path = tmp_path / "result.json"
    path.write_text(json.dumps(result))
    return read_result(path)


def test_a_result_is_read_and_its_texts_are_cleaned(tmp_path: Path) -> None:
    found = read(
        tmp_path,
        {"percent": 66.7, "totals": TOTALS, "version": "7\x1b[31m.1", "notes": ["a\nb\x07"]},
    )

    assert found is not None
    assert found.totals == CoverageCounts.model_validate(TOTALS)
    assert found.version == "7.1"
    assert found.notes == ("a b",)


@pytest.mark.parametrize(
    "result",
    [
        pytest.param([], id="no object"),
        pytest.param({}, id="neither figures nor a reason"),
        pytest.param({"percent": 101, "totals": TOTALS}, id="over 100"),
        pytest.param({"percent": 50}, id="no totals"),
        pytest.param({"percent": 50, "totals": {**TOTALS, "covered_lines": 9}}, id="over all"),
        pytest.param({"percent": 50, "totals": {**TOTALS, "lines": -1}}, id="negative"),
        pytest.param({"error": "x" * 9999}, id="a text without end"),
        pytest.param({"error": "", "fail_under": float("inf")}, id="infinite"),
    ],
)
def test_a_result_that_cannot_be_is_none(tmp_path: Path, result: object) -> None:
    assert read(tmp_path, result) is None


def test_a_result_that_is_missing_or_too_large_is_none(tmp_path: Path) -> None:
    large = tmp_path / "large.json"
    with large.open("wb") as file:
        file.truncate(1 << 30)

    assert read_result(tmp_path / "none.json") is None
    assert read_result(large) is None


def test_percentages_of_nothing_are_none() -> None:
    assert CoverageCounts().line_percent is None
    assert CoverageCounts(lines=4, covered_lines=3).line_percent == 75
    assert Coverage(measured=False).percent is None
