from typing import Any

from seatrial.evidence.record import PhaseName
from seatrial.trial.observer import SilentObserver, TestsProgress
from seatrial.trial.together import OneView, Together


class Shown(SilentObserver):
    """Remembers what it was told."""

    def __init__(self) -> None:
        self.told: list[Any] = []

    def phase_started(self, name: PhaseName) -> None:
        self.told.append(name.value)

    def phase_ended(self, name: PhaseName, seconds: float, *, completed: bool) -> None:
        self.told.append((name.value, seconds, completed))

    def service_changed(self, service: str, state: str, detail: str = "") -> None:
        self.told.append((service, state))

    def output(self, source: str, line: str) -> None:
        self.told.append(line)

    def tests_changed(self, progress: TestsProgress) -> None:
        self.told.append(progress)

    def noted(self, text: str) -> None:
        self.told.append(text)


def progress(done: int, total: int, **values: Any) -> TestsProgress:
    defaults: dict[str, Any] = {"failed": 0, "running": "", "failures": ()}
    return TestsProgress(done, total, **(defaults | values))


def test_a_phase_is_shown_from_the_first_start_to_the_last_end() -> None:
    shown, times = Shown(), iter([1.0, 9.0])
    view = OneView(shown, 2, lambda: next(times))

    view.of(1).phase_started(PhaseName.TEST)
    view.of(2).phase_started(PhaseName.TEST)
    view.of(2).phase_ended(PhaseName.TEST, 1, completed=True)
    assert shown.told == ["test"]
    view.of(1).phase_ended(PhaseName.TEST, 1, completed=False)

    assert shown.told == ["test", ("test", 8.0, False)]


def test_a_service_is_shown_as_far_as_its_slowest_is() -> None:
    shown = Shown()
    view = OneView(shown, 2, lambda: 0.0)

    view.of(1).service_changed("db", "starting")
    view.of(1).service_changed("db", "ready")
    view.of(2).service_changed("db", "starting")
    view.of(2).service_changed("db", "ready")

    assert shown.told == [("db", "starting"), ("db", "ready")]


def test_a_service_that_fails_anywhere_is_shown_at_once_and_stays_so() -> None:
    shown = Shown()
    view = OneView(shown, 2, lambda: 0.0)

    view.of(2).service_changed("db", "exited")
    view.of(1).service_changed("db", "ready")

    assert shown.told == [("db", "exited")]


def test_tests_are_added_up_and_the_longest_worker_decides_how_long_it_takes() -> None:
    shown = Shown()
    view = OneView(shown, 2, lambda: 0.0)

    view.of(2).tests_changed(progress(1, 5, expected_s=9.0))
    view.of(1).tests_changed(progress(2, 4, failed=1, failures=(("t", "m"),), expected_s=4.0))

    assert shown.told[-1] == progress(
        3,
        9,
        failed=1,
        failures=(("t", "m"),),
        workers=(
            progress(2, 4, failed=1, failures=(("t", "m"),), expected_s=4.0, worker=1),
            progress(1, 5, expected_s=9.0, worker=2),
        ),
        expected_s=9.0,
    )


def test_what_all_workers_note_is_told_once() -> None:
    shown = Shown()
    view = OneView(shown, 2, lambda: 0.0)

    view.of(1).noted("odd")
    view.of(2).noted("odd")
    view.of(2).output("test", "line")

    assert shown.told == ["odd", "2| line"]


def test_the_last_worker_knows_that_it_is() -> None:
    together = Together(2)

    assert [together.arrive(), together.arrive()] == [False, True]
