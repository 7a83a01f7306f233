import re
from collections.abc import Sequence

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


def of_workers(
    *parts: tuple[int, int], failures: Sequence[Sequence[tuple[str, str]]] = ((), ())
) -> TestsProgress:
    workers = tuple(
        TestsProgress(done, total, len(failed), f"test_{number}", tuple(failed), number)
        for number, ((done, total), failed) in enumerate(zip(parts, failures, strict=True), 1)
    )
    done, total = map(sum, zip(*parts, strict=True))
    all_failed = tuple(failure for failed in failures for failure in failed)
    return TestsProgress(
        done, total, len(all_failed), "", all_failed, workers=workers, expected_s=61.0
    )


def test_each_workers_tests_are_shown_and_the_time_left_is_what_it_took_before() -> None:
    screen = Screen()

    with PlainProgress(screen.out) as progress:
        progress.tests_changed(of_workers((2, 4), (1, 5)))
        progress._due = 0.0
        progress.tests_changed(of_workers((3, 4), (1, 5)))

    first, *parts, second, one, two = without_clock(screen.lines)
    assert first == "3/9 tests"
    assert parts == ["  worker 1: 2/4 tests  test_1", "  worker 2: 1/5 tests  test_2"]
    assert second.startswith("4/9 tests")
    assert second.endswith("1 min 01 s left")
    assert re.fullmatch(r"  worker 1: 3/4 tests · [\d.]+/s · .* left  test_1", one)
    assert two == "  worker 2: 1/5 tests  test_2"


def test_a_failure_is_told_once_with_the_worker_that_it_is_of() -> None:
    screen = Screen()
    a, b, c = (("a", "no"), ("b", "no"), ("c", "no"))

    with PlainProgress(screen.out) as progress:
        progress._due = float("inf")
        progress.tests_changed(of_workers((2, 4), (1, 5), failures=((), (b,))))
        progress.tests_changed(of_workers((2, 4), (1, 5), failures=((a,), (b,))))
        progress.tests_changed(of_workers((2, 4), (1, 5), failures=((a, c), (b,))))

    assert without_clock(screen.lines) == [
        "✗ worker 2: b  no",
        "✗ worker 1: a  no",
        "✗ worker 1: c  no",
    ]


def test_a_terminal_has_a_row_for_each_worker_as_long_as_tests_run() -> None:
    screen = Screen()
    progress = LiveProgress(screen.out)
    progress.phase_started(PhaseName.TEST)
    progress.tests_changed(of_workers((2, 4), (1, 5), failures=((("a", "no"),), ())))

    screen.out.print(progress._render())
    progress.phase_ended(PhaseName.TEST, 1.0, completed=True)
    ended = Screen()
    ended.out.print(progress._render())

    rows = [line.split() for line in screen.lines if "tests" in line]
    assert rows[1][:3] == ["worker", "1", "2/4"]
    assert rows[1][-3:] == ["1", "failed", "test_1"]
    assert rows[2][:3] == ["worker", "2", "1/5"]
    assert not [line for line in ended.lines if "worker" in line]


def test_a_hundred_workers_leave_room_on_the_screen() -> None:
    screen = Screen()
    progress = LiveProgress(screen.out)
    progress.phase_started(PhaseName.TEST)
    progress.tests_changed(of_workers(*[(1, 2)] * 100, failures=[()] * 100))

    screen.out.print(progress._render())

    assert len(screen.lines) < 25
