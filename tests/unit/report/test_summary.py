import json
from pathlib import Path
from typing import Any

import pytest

from seatrial.evidence.doubt import Doubt
from seatrial.evidence.partial import Partial
from seatrial.evidence.record import (
    BudgetResult,
    CleanUp,
    Commit,
    Failure,
    Fault,
    Image,
    Phase,
    PhaseName,
    Record,
    Reused,
    Status,
)
from seatrial.report.summary import print_record, print_records, records_json
from unit.factories import make_pytest, make_record, make_service
from unit.report.screen import Screen

FOLDER = Path("/srv/shop/.seatrial/runs/t1")


def show(**values: Any) -> str:
    screen = Screen()
    print_record(screen.out, make_record(**values), FOLDER)
    return screen.text


def test_the_end_says_how_it_went_and_where_the_record_is() -> None:
    lines = show().splitlines()

    assert lines[-3].startswith("PASSED: 3 tests passed in 30.5 s")
    assert lines[-2] == (
        "cleaned up: removed 2 containers, 1 network, 0 volumes; nothing is left in the engine"
    )
    assert lines[-1] == f"record: {FOLDER}/record.json"


def test_a_record_that_is_returned_again_says_so_first_and_last() -> None:
    record = make_record()
    reused = Reused(
        trial=record.id,
        measured=record.finished,
        age_seconds=90,
        look_seconds=0.01,
        fingerprint="0" * 64,
    )

    lines = show(reused=reused).splitlines()

    assert lines[0] == f"nothing was run: what follows is of trial {record.id}"
    assert lines[-1] == (
        f"REUSED: nothing changed since trial {record.id}, measured 2026-01-02 03:04 UTC, "
        "1 min 30 s ago; nothing was run; measure anew: seatrial run --fresh"
    )


def test_every_phase_is_shown_with_its_time() -> None:
    text = show()

    for name in PhaseName:
        assert f"{name.value}" in text
    assert text.count("1.5 s") == 5


def test_a_phase_that_was_broken_off_is_marked() -> None:
    phase = Phase(name=PhaseName.BUILD, start=0, seconds=2, completed=False)

    assert "✗  build  2.0 s" in show(phases=(phase,))


def test_a_limit_stands_beside_its_phase() -> None:
    budget = BudgetResult(metric="test", limit=1, measured=1.5, met=False)

    assert "1.5 s  of 1 s" in show(budgets=(budget,))


def test_a_service_is_shown_with_the_proof_that_it_was_ready() -> None:
    assert "ready by health check after 1.2 s" in show(services=(make_service(),))


def test_a_service_that_was_only_started_is_not_called_ready() -> None:
    service = make_service(state="started", proof="none", ready_seconds=None, ready_at=None)

    text = show(services=(service,))

    assert "started" in text
    assert "ready" not in text


def test_an_image_that_stands_in_for_another_is_said_so() -> None:
    image = Image(name="postgres:16", id="sha256:1", built=False, stand_in="Debian's PostgreSQL")

    assert "Debian's PostgreSQL" in show(services=(make_service(image=image),))


def test_failures_are_listed_and_endless_ones_counted() -> None:
    failures = tuple(Failure(test=f"test_{n}", message="assert 1 == 2") for n in range(30))

    text = show(
        status=Status.FAILED, reason="30 tests failed", pytest=make_pytest(1, failures=failures)
    )

    assert "✗ test_0  assert 1 == 2" in text
    assert "test_25" not in text
    assert "and 10 more" in text


def test_a_fault_is_explained() -> None:
    fault = Fault(what="x", where="services.db", next_step="mend it", details=("FATAL: no",))

    text = show(status=Status.ENVIRONMENT, reason="service db ended", fault=fault)

    assert "│ FATAL: no" in text
    assert "where: services.db" in text
    assert "next:  mend it" in text
    assert "ENVIRONMENT FAILED: service db ended" in text


def test_what_was_left_behind_is_not_overlooked() -> None:
    assert "LEFT BEHIND: seatrial-x" in show(clean_up=CleanUp(left=("seatrial-x",)))


def test_doubts_are_shown_with_their_places() -> None:
    doubt = Doubt(key="clock", what="two clocks differ", where="a commit")

    assert "doubt: two clocks differ  a commit" in show(doubts=(doubt,))


def test_findings_are_noted() -> None:
    assert "note: service mail ended" in show(findings=("service mail ended",))


@pytest.mark.parametrize(
    "values",
    [
        {"reason": "\x1b[2J"},
        {"findings": ("\x1b[2J",)},
        {"pytest": make_pytest(failures=(Failure(test="\x1b[2J", message="\x1b[2J"),))},
        {"fault": Fault(what="\x1b[2J", details=("\x1b[2J",))},
        {"clean_up": CleanUp(left=("\x1b[2J",))},
        {"services": (make_service("\x1b[2J"),)},
        {"id": "\x1b[2J", "commit": Commit(id="\x1b[2J", dirty=False)},
    ],
)
def test_a_record_that_somebody_wrote_cannot_control_the_terminal(values: dict[str, Any]) -> None:
    screen = Screen()

    print_record(screen.out, make_record(**values), FOLDER)
    print_records(screen.out, [make_record(**values)])

    assert "\x1b" not in screen.text


def rows(*records: Record) -> list[list[str]]:
    screen = Screen()
    print_records(screen.out, list(records))
    return [[cell for cell in line.split("  ") if cell] for line in screen.lines]


def test_trials_are_listed_a_line_each() -> None:
    heading, first, second = rows(
        make_record(commit=Commit(id="0123456789abcdef", dirty=True)),
        make_record(
            id="t0",
            status=Status.FAILED,
            pytest=make_pytest(1, passed=3, failed=1, errors=1),
            seconds=75,
        ),
    )

    assert [cell.strip() for cell in heading] == [
        "trial",
        "status",
        "tests",
        "failed",
        "test phase",
        "total",
        "commit",
    ]
    assert first[0] == "20260102-030405-a1b2c3"
    assert first[-1].strip() == "0123456789 + changes"
    assert [cell.strip() for cell in second] == [
        "t0",
        "failed",
        "5",
        "2",
        "1.5 s",
        "1 min 15 s",
        "-",
    ]


def test_a_trial_that_came_to_no_tests_has_no_counts() -> None:
    _, row = rows(make_record(pytest=None, phases=(), status=Status.ENVIRONMENT))

    assert [cell.strip() for cell in row[2:5]] == ["-", "-", "-"]


def test_records_are_written_as_json() -> None:
    records = [make_record(id="b"), make_record(id="a")]

    assert [Record.model_validate(raw) for raw in json.loads(records_json(records))] == records
    assert json.loads(records_json([])) == []


def test_a_partial_trial_says_what_it_left_out() -> None:
    screen = Screen()
    partial = Partial(since="20260101-000000-aaaaaa", changed=("a.py",), selected=3, left_out=7)

    record = make_record(partial=partial)
    print_record(screen.out, record, Path("folder"))
    print_records(screen.out, [record])

    assert (
        "partial: a.py changed since trial 20260101-000000-aaaaaa, which can affect 3 of 10 "
        "tests; the others were not run"
    ) in " ".join(screen.lines)
    assert "3 of 10" in screen.lines[-1]
