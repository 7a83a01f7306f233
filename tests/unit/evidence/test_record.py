import json
from datetime import UTC, datetime
from typing import Any

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from seatrial.evidence.record import CleanUp, Fault, PhaseName, Plugin, Record, record_schema
from unit.factories import make_pytest, make_record


def with_plugins(plugins: list[dict[str, str]]) -> dict[str, Any]:
    return {"pytest": json.loads(make_pytest().model_dump_json()) | {"plugins": plugins}}


def test_the_schema_is_itself_valid() -> None:
    jsonschema.Draft202012Validator.check_schema(record_schema())


@pytest.mark.parametrize(
    "values",
    [
        {},
        {"pytest": None, "fault": Fault(what="x", details=("a",)), "commit": None},
        {"clean_up": CleanUp(left=("seatrial-x",), faults=("busy",))},
        {"pytest": make_pytest(None, running="test_x", not_run=("test_y",))},
        {"pytest": make_pytest(plugins=(Plugin(name="pytest-cov", version="7.1"),) * 200)},
    ],
)
def test_a_record_fits_its_schema(values: dict[str, Any]) -> None:
    document = json.loads(make_record(**values).model_dump_json())

    jsonschema.Draft202012Validator(record_schema()).validate(document)


@pytest.mark.parametrize(
    "change",
    [
        {"seconds": -1},
        {"status": "fine"},
        {"schema_version": 2},
        {"phases": None},
        {"files": [{"path": "x", "size": 1, "sha256": "no"}]},
        with_plugins([{"name": "n" * 201, "version": "1"}]),
        with_plugins([{"name": "n", "version": "1" * 201}]),
        with_plugins([{"name": "n", "version": "1"}] * 201),
    ],
)
def test_what_is_no_record_does_not_fit(change: dict[str, Any]) -> None:
    document = json.loads(make_record().model_dump_json()) | change

    with pytest.raises(jsonschema.ValidationError):
        jsonschema.Draft202012Validator(record_schema()).validate(document)
    with pytest.raises(ValidationError):
        Record.model_validate(document)


def test_a_record_that_is_written_and_read_is_the_same() -> None:
    record = make_record(settings={"timeouts.test": {"value": 5.0, "source": "command line"}})

    assert Record.model_validate_json(record.model_dump_json()) == record


@given(
    reason=st.text(st.characters(exclude_categories=["Cs"])),
    seconds=st.floats(0, 1e9),
    exit_code=st.integers(0, 255),
    counts=st.dictionaries(st.sampled_from(["passed", "failed", "skipped"]), st.integers(0, 9)),
)
def test_whatever_was_measured_survives_the_file(
    reason: str, seconds: float, exit_code: int, counts: dict[str, int]
) -> None:
    record = make_record(
        reason=reason, seconds=seconds, exit_code=exit_code, pytest=make_pytest(**counts)
    )

    assert Record.model_validate_json(record.model_dump_json()) == record


def test_a_field_of_a_later_version_is_passed_over() -> None:
    document = json.loads(make_record().model_dump_json()) | {"verdict": "approved"}

    assert Record.model_validate(document) == make_record()


def test_a_start_without_time_zone_is_refused() -> None:
    with pytest.raises(ValidationError):
        make_record(started=datetime(2026, 1, 1))  # noqa: DTZ001


def test_a_phase_is_found_by_its_name() -> None:
    record = make_record()

    phase = record.phase(PhaseName.TEST)
    assert phase is not None
    assert phase.name is PhaseName.TEST
    assert make_record(phases=()).phase(PhaseName.TEST) is None


def test_a_trial_finished_when_its_seconds_were_over() -> None:
    assert make_record(seconds=60).finished == datetime(2026, 1, 2, 3, 5, 5, tzinfo=UTC)
