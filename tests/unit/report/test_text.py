import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seatrial.errors import UsageFault
from seatrial.evidence.record import Fault
from seatrial.report.text import console, counted, print_error, print_fault, seconds
from unit.report.screen import Screen


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (0, "0.00 s"),
        (0.424, "0.42 s"),
        (0.999, "1.0 s"),
        (1, "1.0 s"),
        (12.34, "12.3 s"),
        (59.94, "59.9 s"),
        (59.96, "1 min 00 s"),
        (60, "1 min 00 s"),
        (119.6, "2 min 00 s"),
        (125, "2 min 05 s"),
        (3725, "62 min 05 s"),
    ],
)
def test_a_duration_is_said_as_people_say_it(value: float, words: str) -> None:
    assert seconds(value) == words


@given(st.floats(0, 1e6))
def test_no_duration_has_sixty_seconds(value: float) -> None:
    assert "60" not in seconds(value).rpartition("min")[2]


@pytest.mark.parametrize(("count", "words"), [(0, "0 tests"), (1, "1 test"), (2, "2 tests")])
def test_a_count_fits_its_word(count: int, words: str) -> None:
    assert counted(count, "test") == words


def test_an_error_says_what_where_and_what_next_and_its_details_first() -> None:
    screen = Screen()

    print_error(
        screen.out, UsageFault("it broke", where="x.yml", next_step="mend it", details=("why",))
    )

    assert screen.lines == [
        "  │ why",
        "error: it broke",
        "  where: x.yml",
        "  next:  mend it",
    ]


def test_what_is_not_known_is_left_out() -> None:
    screen = Screen()

    print_fault(screen.out, Fault(what="x"), title="error")

    assert screen.lines == ["error: x"]


@given(st.text(), st.lists(st.text(), max_size=2))
def test_no_text_can_control_the_terminal(text: str, details: list[str]) -> None:
    screen = Screen()

    fault = Fault(what=text, where=text, next_step=text, details=tuple(details))
    print_fault(screen.out, fault, title="error")

    assert "\x1b" not in screen.text
    assert "\x07" not in screen.text


def test_brackets_are_no_markup() -> None:
    screen = Screen()

    print_error(screen.out, UsageFault("[bold]test[a-b][/] :smile:"))

    assert screen.lines == ["error: [bold]test[a-b][/] :smile:"]


@pytest.mark.parametrize(("color", "coloured"), [(True, True), (False, False)])
def test_color_is_as_it_was_asked_for(
    color: bool, coloured: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setenv("TERM", "xterm")
    out = console(color=color)
    out.file = io.StringIO()

    print_error(out, UsageFault("x"))

    assert ("\x1b[" in out.file.getvalue()) is coloured
