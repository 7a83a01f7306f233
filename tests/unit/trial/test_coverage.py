import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from seatrial.errors import ExitCode
from seatrial.evidence.coverage import Coverage, CoverageFile, Threshold
from seatrial.trial.coverage_change import read_lines, write_lcov
from seatrial.trial.coverage_report import started_at
from seatrial.trial.outcome import judge_tests
from unit.factories import make_pytest, make_run

BELOW = Coverage(
    measured=True,
    percent=78.2,
    threshold=Threshold(percent=80, source=".coveragerc", met=False),
)


@pytest.mark.parametrize("exit_code", [0, 1, 2])
def test_coverage_below_its_threshold_fails_whatever_the_command_says(exit_code: int) -> None:
    outcome = judge_tests(make_run(exit_code=exit_code), make_pytest(passed=3), (), coverage=BELOW)

    assert outcome.exit_code is ExitCode.TESTS_FAILED
    assert outcome.reason == "coverage 78.2 % is below 80 % (.coveragerc)"


def test_failing_tests_come_first() -> None:
    outcome = judge_tests(make_run(exit_code=1), make_pytest(1, failed=1), (), coverage=BELOW)

    assert outcome.reason == "1 of 1 test failed"


def test_a_threshold_that_is_met_and_coverage_without_one_decide_nothing() -> None:
    met = BELOW.model_copy(
        update={"threshold": Threshold(percent=70, source=".coveragerc", met=True)}
    )

    for coverage in (met, Coverage(measured=False, reason="nobody asked"), None):
        outcome = judge_tests(make_run(), make_pytest(passed=1), (), coverage=coverage)
        assert outcome.exit_code is ExitCode.OK


@pytest.mark.parametrize(
    "text",
    [
        "2026-11-23T15:03:58.633524344Z",
        "2026-11-23T15:03:58.633524Z",
        "2026-11-23T16:03:58.633524344+01:00",
    ],
)
def test_the_engines_times_are_read(text: str) -> None:
    expected = datetime(2026, 11, 23, 15, 3, 58, 633524, UTC)

    assert started_at(text) == expected.timestamp()


def test_a_container_that_never_started_has_time_zero() -> None:
    assert started_at("") == 0
    assert started_at("0001-01-01T00:00:00Z") < 0


def test_lines_are_of_equal_files_only(tmp_path: Path) -> None:
    report = tmp_path / "coverage.json"
    entry = {"executed_lines": [1, 2], "missing_lines": [4]}
    report.write_text(json.dumps({"files": {"a.py": entry, "b.py": entry}}))
    rows = [
        CoverageFile(path="a.py", project_file="src/a.py", source="equal"),
        CoverageFile(path="b.py", project_file="src/b.py", source="differs"),
        CoverageFile(path="c.py", project_file="src/c.py", source="equal"),
    ]

    lines = read_lines(report, rows)

    assert lines == {"src/a.py": {1: True, 2: True, 4: False}}
    write_lcov(tmp_path / "x.info", lines)
    assert (tmp_path / "x.info").read_text() == (
        "SF:src/a.py\nDA:1,1\nDA:2,1\nDA:4,0\nend_of_record\n"
    )


@pytest.mark.parametrize("content", ["", "[]", '{"files": {"a.py": {}}}', '{"files": {"a.py": 1}}'])
def test_a_report_that_is_none_has_no_lines(tmp_path: Path, content: str) -> None:
    report = tmp_path / "coverage.json"
    report.write_text(content)

    assert read_lines(report, [CoverageFile(path="a.py", project_file="a", source="equal")]) is None
