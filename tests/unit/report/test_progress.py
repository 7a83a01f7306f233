import re

from seatrial.evidence.record import PhaseName
from seatrial.report.progress import LiveProgress, PlainProgress
from seatrial.trial.observer import TestsProgress
from unit.report.screen import Screen


def without_clock(lines: list[str]) -> list[str]:
    assert all(re.match(r"^\[ *\d+\.\d s\] ", line) for line in lines)
    return [line.partition("] ")[2] for line in lines]


def test_plain_progress_prints_a_line_for_each_thing() -> None:
    screen = Screen()

    with PlainProgress(screen.out) as progress:
        progress.phase_started(PhaseName.START)
        progress.service_changed("db", "waiting")
        progress.service_changed("db", "ready", "health check")
        progress.service_changed("mail", "exited")
        progress.noted("mail ended")
        progress.phase_ended(PhaseName.START, 1.5, completed=True)
        progress.phase_ended(PhaseName.TEST, 61, completed=False)

    assert without_clock(screen.lines) == [
        "start …",
        "service db: ready (health check)",
        "service mail: exited",
        "note: mail ended",
        "start done in 1.5 s",
        "test broken off in 1 min 01 s",
    ]


def test_plain_progress_shows_output_only_if_all_was_asked_for() -> None:
    quiet, verbose = Screen(), Screen()

    PlainProgress(quiet.out).output("build", "step 1")
    PlainProgress(verbose.out, verbose=True).output("build", "[red]step 1")

    assert quiet.lines == []
    assert verbose.lines == ["build | [red]step 1"]


def test_live_progress_keeps_notes_and_takes_its_table_away() -> None:
    screen = Screen()

    with LiveProgress(screen.out) as progress:
        progress.phase_started(PhaseName.BUILD)
        progress.output("build", "step 1")
        progress.service_changed("db", "ready")
        progress.phase_ended(PhaseName.BUILD, 1.0, completed=True)
        progress.noted("odd")

    assert "note: odd" in screen.lines


def test_a_long_detail_leaves_the_phases_readable() -> None:
    screen = Screen(width=60)
    progress = LiveProgress(screen.out)
    progress.phase_started(PhaseName.TEST)
    progress.tests_changed(TestsProgress(1, 2, failed=0, running="test_" * 40, failures=()))

    screen.out.print(progress._render())

    (line,) = [line for line in screen.lines if "1/2 tests" in line]
    assert line.split()[1] == "test"
    assert len(line) <= 60
    assert line.endswith("…")


def test_each_workers_tests_are_shown_and_the_time_left_is_what_it_took_before() -> None:
    screen = Screen()

    with PlainProgress(screen.out) as progress:
        progress.tests_changed(
            TestsProgress(3, 9, 0, "", (), workers=((2, 4), (1, 5)), expected_s=61.0)
        )
        progress._due = 0.0
        progress.tests_changed(
            TestsProgress(4, 9, 0, "", (), workers=((3, 4), (1, 5)), expected_s=61.0)
        )

    first, second = without_clock(screen.lines)
    assert first == "3/9 tests (2/4 + 1/5)"
    assert second.startswith("4/9 tests (3/4 + 1/5)")
    assert second.endswith("1 min 01 s left")
