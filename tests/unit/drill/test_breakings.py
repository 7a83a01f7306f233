from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from seatrial.drill.breakings import CONTROL, DRILLS, SUMMARIES, Breaking
from seatrial.drill.dockerfile import BUILD_FAILS_WITH
from seatrial.drill.injected import FAILING_TESTS
from seatrial.evidence.coverage import Coverage, Threshold
from seatrial.evidence.diagnosis import Cause
from seatrial.evidence.record import Fault, Record, Resources
from unit.drill.subjects import make_subject
from unit.factories import make_pytest, make_record, make_service

MIB = 1 << 20


def broken(key: str, folder: Path, *, ran: Record | None = None, **options: Any) -> Breaking:
    breaking = DRILLS[key](make_subject(folder, **options), ran or make_record())
    assert not isinstance(breaking, str), breaking
    return breaking


def why_not(key: str, folder: Path, *, ran: Record | None = None, **options: Any) -> str:
    breaking = DRILLS[key](make_subject(folder, **options), ran or make_record())
    assert isinstance(breaking, str)
    return breaking


def covered(percent: float | None, threshold: float | None) -> Record:
    found = None
    if threshold is not None:
        found = Threshold(percent=threshold, source=".coveragerc", met=False)
    return make_record(
        coverage=Coverage(measured=percent is not None, percent=percent, threshold=found)
    )


def test_every_drill_is_described_and_says_what_it_breaks(tmp_path: Path) -> None:
    assert list(SUMMARIES) == list(DRILLS)
    ran = covered(5.0, 80.0)
    for key in DRILLS:
        assert broken(key, tmp_path, ran=ran, record=covered(95.0, 80.0)).what


def test_the_control_changes_nothing(tmp_path: Path) -> None:
    breaking = broken(CONTROL, tmp_path)

    assert not breaking.files
    assert not breaking.services
    assert not breaking.settings
    assert breaking.act == "nothing"


def test_the_build_is_broken_in_the_stage_of_the_test_service(tmp_path: Path) -> None:
    text = broken("build-fails", tmp_path).files["Dockerfile"]

    assert BUILD_FAILS_WITH in text
    assert text.index(BUILD_FAILS_WITH) < text.index("FROM test")


def test_without_anything_to_build_the_build_cannot_fail(tmp_path: Path) -> None:
    assert why_not("build-fails", tmp_path, build=None, image="app") == (
        "the trial builds no image"
    )


@pytest.mark.parametrize("key", ["dependency-dies", "never-healthy"])
def test_without_a_service_that_keeps_running_none_can_fail(tmp_path: Path, key: str) -> None:
    record = make_record(services=(make_service(state="completed"),))

    assert "no service that keeps running" in why_not(key, tmp_path, record=record)


def test_the_service_that_was_ready_first_is_the_one_that_dies(tmp_path: Path) -> None:
    record = make_record(
        services=(make_service("db", ready_seconds=2.0), make_service("test", role="test"))
    )

    breaking = broken("dependency-dies", tmp_path, record=record)

    assert (breaking.act, breaking.service) == ("kill the dependency", "db")


def test_a_health_check_fails_and_the_others_still_have_the_time_they_need(
    tmp_path: Path,
) -> None:
    ran = make_record(services=(make_service("db", ready_seconds=3.5),))

    breaking = broken("never-healthy", tmp_path, ran=ran)

    check = breaking.services["db"]["healthcheck"]
    assert check["test"] == ["CMD-SHELL", "exit 1"]
    assert check["disable"] is False  # the project may have switched it off
    assert breaking.settings["timeouts.start"] >= 2 * 3.5


def test_failing_tests_are_expected_one_by_one_in_each_folder(tmp_path: Path) -> None:
    expected = broken("test-fails", tmp_path).expected

    assert len(expected.outcomes) == 2 * len(FAILING_TESTS)
    count = len(expected.outcomes)
    reported = make_record(
        reason=f"{count} of {count} tests failed", pytest=make_pytest(1, failed=count)
    )
    assert expected.names_cause(reported)
    fewer = make_record(
        reason=f"{count - 1} of {count} tests failed",
        pytest=make_pytest(1, failed=count - 1, passed=1),
    )
    assert not expected.names_cause(fewer)


def test_a_hanging_test_is_given_more_time_than_one_that_passes_took(tmp_path: Path) -> None:
    subject = replace(make_subject(tmp_path), test_seconds=3.2)

    breaking = DRILLS["test-hangs"](subject, make_record())

    assert isinstance(breaking, Breaking)
    assert breaking.settings == {"timeouts.one_test": 8}


def test_the_tests_get_twice_the_memory_that_they_took(tmp_path: Path) -> None:
    used = Resources(
        cpu_seconds=1,
        cpu_mean=None,
        memory_peak_bytes=200 * MIB,
        memory_peak_source="kernel",
        received_bytes=0,
        sent_bytes=0,
        read_bytes=0,
        written_bytes=0,
        samples=1,
    )
    ran = make_record(services=(make_service("test", role="test", resources=used),))

    breaking = broken("out-of-memory", tmp_path, ran=ran)

    assert breaking.services == {"test": {"mem_limit": 400 * MIB, "memswap_limit": 400 * MIB}}


def test_a_limit_of_the_projects_own_is_changed_where_it_stands(tmp_path: Path) -> None:
    deploy = {"resources": {"limits": {"memory": "1073741824"}}}

    changed = broken("out-of-memory", tmp_path, deploy=deploy, mem_reservation="5").services

    assert "mem_limit" not in changed["test"]  # Compose refuses two that differ
    limit = changed["test"]["memswap_limit"]
    assert changed["test"]["deploy"]["resources"]["limits"]["memory"] == str(limit)
    assert changed["test"]["mem_reservation"] < limit


def test_memory_that_ran_out_must_be_told_as_such(tmp_path: Path) -> None:
    expected = broken("out-of-memory", tmp_path).expected
    cause = Cause(key="x", what="it ran out of memory", remedy="", where="", line="")

    assert expected.names_cause(make_record(reason="the test container ran out of memory"))
    assert expected.names_cause(
        make_record(reason="cut off", fault=Fault(what="cut off", causes=(cause,)))
    )
    assert not expected.names_cause(make_record(reason="pytest was cut off: exit code 137"))


def test_coverage_falls_below_the_projects_own_threshold(tmp_path: Path) -> None:
    breaking = broken(
        "coverage-falls", tmp_path, ran=covered(13.0, None), record=covered(95.0, 80.0)
    )

    assert breaking.keeps_thresholds
    assert breaking.settings == {}
    told = make_record(reason="coverage 13.0 % is below 80 % (.coveragerc)")
    assert breaking.expected.names_cause(told)
    assert not breaking.expected.names_cause(make_record(reason="exit code 1"))


def test_a_threshold_that_one_test_reaches_is_raised_above_it(tmp_path: Path) -> None:
    breaking = broken(
        "coverage-falls", tmp_path, ran=covered(60.5, None), record=covered(95.0, 50.0)
    )

    assert breaking.settings == {"coverage.fail_under": 61}


@pytest.mark.parametrize(
    ("earlier", "ran", "said"),
    [
        (covered(95.0, None), covered(5.0, None), "no coverage threshold"),
        (covered(95.0, 80.0), covered(None, None), "was not measured"),
        (covered(100.0, 80.0), covered(100.0, None), "cannot fall"),
    ],
)
def test_where_coverage_cannot_fall_it_is_said_why(
    tmp_path: Path, earlier: Record, ran: Record, said: str
) -> None:
    assert said in why_not("coverage-falls", tmp_path, ran=ran, record=earlier)
