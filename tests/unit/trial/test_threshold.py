import pytest
from hypothesis import given
from hypothesis import strategies as st

from seatrial.evidence.coverage import Threshold
from seatrial.evidence.coverage_events import CoverageSession
from seatrial.evidence.coverage_result import ReportedResult
from seatrial.trial.threshold import find_threshold, is_below, shortfall


def session(option: float | None = None) -> CoverageSession:
    return CoverageSession("/app/.coverage", None, option, switched_on=False)


def reported(percent: float = 85, fail_under: float = 0, **values: object) -> ReportedResult:
    return ReportedResult.model_validate(
        {"percent": percent, "fail_under": fail_under, "config_file": "/app/setup.cfg", **values}
    )


def test_without_a_threshold_anywhere_there_is_none() -> None:
    assert find_threshold(None, "", [session()], reported(), folder="/app") is None


@pytest.mark.parametrize(
    ("setting", "options", "fail_under", "percent", "source"),
    [
        pytest.param(70, [60], 50, 70, "seatrial.toml", id="the setting wins"),
        pytest.param(None, [60], 50, 60, "--cov-fail-under", id="then the option"),
        pytest.param(None, [60, None, 65], 50, 65, "--cov-fail-under", id="of the last session"),
        pytest.param(None, [None], 50, 50, "setup.cfg", id="then the file"),
    ],
)
def test_the_first_that_is_set_holds_and_is_named(
    setting: float | None,
    options: list[float | None],
    fail_under: float,
    percent: float,
    source: str,
) -> None:
    found = find_threshold(
        setting,
        "seatrial.toml",
        [session(option) for option in options],
        reported(fail_under=fail_under),
        folder="/app",
    )

    assert found == Threshold(percent=percent, source=source, met=True)


def test_an_option_of_zero_overrules_the_file() -> None:
    assert find_threshold(None, "", [session(0)], reported(fail_under=90)) is None


def test_a_file_outside_the_folder_is_named_in_full() -> None:
    found = find_threshold(None, "", [session()], reported(fail_under=90), folder="/srv")

    assert found == Threshold(percent=90, source="/app/setup.cfg", met=False)


def test_a_threshold_that_no_total_can_have_is_none() -> None:
    assert find_threshold(None, "", [session(900)], reported()) is None


def test_what_was_not_measured_meets_nothing() -> None:
    assert find_threshold(0.1, "seatrial.toml") == Threshold(
        percent=0.1, source="seatrial.toml", met=False
    )


@pytest.mark.parametrize(
    ("total", "threshold", "precision", "below"),
    [
        (79.4, 80, 0, True),
        (79.5, 80, 0, False),
        (79.5, 80, 1, True),
        (80.44, 80.5, 0, True),
        (80.46, 80.5, 0, False),
        (99.999, 100, 0, True),
        (100.0, 100, 0, False),
    ],
)
def test_totals_are_rounded_as_coverage_rounds_them(
    total: float, threshold: float, precision: int, *, below: bool
) -> None:
    from coverage.results import should_fail_under

    assert is_below(total, threshold, precision) is below
    assert should_fail_under(total, threshold, precision) is below


@given(st.floats(0, 99.999), st.floats(0.01, 100))
def test_the_sentence_never_shows_a_total_that_is_not_below(total: float, percent: float) -> None:
    threshold = Threshold(percent=percent, source="x", met=False)

    text = shortfall(total, threshold)

    if total < percent - 1e-8:
        assert float(text.split()[1]) < percent


def test_the_sentence_is_short_where_it_can_be() -> None:
    threshold = Threshold(percent=80, source=".coveragerc", met=False)

    assert shortfall(78.2345, threshold) == "coverage 78.2 % is below 80 % (.coveragerc)"
    assert shortfall(79.98, threshold) == "coverage 79.98 % is below 80 % (.coveragerc)"
