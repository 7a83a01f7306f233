"""The JUnit file that is written from a trial's results, read by those who know the format."""

import xml.etree.ElementTree as ET
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from junitparser import Error, Failure, JUnitXml, Skipped, TestSuite

from seatrial.evidence.junit import MAX_NAME, write_junit
from seatrial.evidence.tests import Outcome, TestResult, read_results, write_results


def result(test: str, outcome: Outcome = "passed", **values: str | float) -> TestResult:
    return TestResult(id=test, outcome=outcome, container="c", **values)  # type: ignore[arg-type]


def written(folder: Path, *results: TestResult, started: datetime | None = None) -> TestSuite:
    path = folder / "junit.xml"
    write_junit(path, results, started=started)
    (suite,) = JUnitXml.fromfile(str(path))
    assert isinstance(suite, TestSuite)
    return suite


def test_every_outcome_is_told_as_pytest_tells_it(tmp_path: Path) -> None:
    suite = written(
        tmp_path,
        result("tests/a/test_x.py::TestA::test_one[x::y/z.py]", setup=0.1, call=0.25, teardown=0.1),
        result("t.py::test_failed", "failed", message="assert 1 == 2", text="the <whole> text"),
        result("t.py::test_error", "error", message="boom"),
        result("t.py::test_skipped", "skipped"),
        result("t.py::test_xfailed", "xfailed"),
        result("t.py::test_xpassed", "xpassed"),
        result("t.py::test_killed", "unfinished"),
        result("t.py", "error", message="ImportError: x"),
        started=datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC),
    )

    assert (suite.tests, suite.failures, suite.errors, suite.skipped) == (8, 1, 3, 2)
    assert suite.time == 0.45
    assert suite.timestamp == "2026-01-02T03:04:05+00:00"
    cases = [(c.classname, c.name, [type(r) for r in c.result]) for c in suite]
    assert cases == [
        ("tests.a.test_x.TestA", "test_one[x::y/z.py]", []),
        ("t", "test_failed", [Failure]),
        ("t", "test_error", [Error]),
        ("t", "test_skipped", [Skipped]),
        ("t", "test_xfailed", [Skipped]),
        ("t", "test_xpassed", []),
        ("t", "test_killed", [Error]),
        ("", "t", [Error]),
    ]
    failure = list(suite)[1].result[0]
    assert (failure.message, failure.text) == ("assert 1 == 2", "the <whole> text")


def test_what_a_failed_test_printed_stands_where_pytest_puts_it(tmp_path: Path) -> None:
    out, err, log = "printed <b>]]>&\x00", "warned", "logged"
    suite = written(
        tmp_path,
        result("t.py::all", "failed", stdout=out, stderr=err, log=log),
        result("t.py::out", "error", stdout=out),
        result("t.py::nothing", "failed", text="t"),
    )

    whole, only_out, nothing = suite
    told = whole.system_out.splitlines()
    assert [line.strip("-") for line in told] == [
        " Captured Log ",
        "logged",
        " Captured Out ",
        "printed <b>]]>&#x00",
    ]
    assert whole.system_err.splitlines()[1:] == ["warned"]
    assert "Log" not in only_out.system_out
    assert only_out.system_err is nothing.system_out is nothing.system_err is None


def test_a_trial_without_tests_has_an_empty_suite(tmp_path: Path) -> None:
    assert written(tmp_path).tests == 0


def test_the_files_of_several_workers_make_one_suite(tmp_path: Path) -> None:
    for name in "ab":
        with write_results(tmp_path / name) as sink:
            sink(result(f"{name}.py::test", call=1.5))

    suite = written(tmp_path, *read_results(tmp_path / "a", tmp_path / "b"))

    assert [case.classname for case in suite] == ["a", "b"]
    assert suite.time == 3.0


def test_names_without_end_are_cut(tmp_path: Path) -> None:
    written(tmp_path, result("n" * 10**6, "failed", message="m" * 10**6))

    assert (tmp_path / "junit.xml").stat().st_size < 3 * MAX_NAME


ANY_TEXT = st.text(st.characters(exclude_categories=()))


@given(ANY_TEXT, ANY_TEXT, ANY_TEXT, st.sampled_from(["failed", "error", "skipped", "passed"]))
def test_any_text_gives_a_file_that_can_be_read(
    tmp_path_factory: pytest.TempPathFactory, test: str, message: str, text: str, outcome: Outcome
) -> None:
    path = tmp_path_factory.mktemp("junit") / "junit.xml"

    write_junit(path, [result(test, outcome, message=message, text=text)], name=message)

    (case,) = ET.parse(path).getroot().iter("testcase")
    if text.isprintable() and outcome == "failed":
        assert case[0].text == (text or None)
