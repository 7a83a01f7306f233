from datetime import UTC, datetime
from pathlib import Path

from seatrial.evidence.diagnosis import Cause, Diagnosis, ServiceDiagnosis
from seatrial.report.diagnosis import print_causes, print_diagnosis
from unit.report.screen import Screen


def test_a_cause_is_followed_by_its_remedy_and_its_sign() -> None:
    screen = Screen()
    cause = Cause(key="k", what="It broke", remedy="mend it", where="logs/db.log", line="a sign")

    print_causes(screen.out, (cause,))

    assert screen.lines == [
        "likely cause: It broke",
        "  remedy: mend it",
        "  seen in logs/db.log: a sign",
    ]


def test_what_is_wrong_is_shown_with_the_place_of_the_rest() -> None:
    screen = Screen()
    diagnosis = Diagnosis(
        at=datetime(2026, 5, 17, tzinfo=UTC),
        seconds=1,
        services=(ServiceDiagnosis(service="db", state="exited", ending="exit \x1b[31mcode 1"),),
        summary="diagnostics/summary.txt",
    )

    print_diagnosis(screen.out, diagnosis, Path("/runs/1"))

    assert screen.lines == [
        "service db: exit code 1",
        "diagnostics: /runs/1/diagnostics/summary.txt",
    ]
