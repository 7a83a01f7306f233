import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seatrial.errors import UsageFault
from seatrial.evidence.record import Fault
from seatrial.report.text import console, print_error, print_fault
from unit.report.screen import Screen


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
