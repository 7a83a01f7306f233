import pytest
from hypothesis import given
from hypothesis import strategies as st

from seatrial.words import counted, duration, ending


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
    assert duration(value) == words


@given(st.floats(0, 1e6))
def test_no_duration_has_sixty_seconds(value: float) -> None:
    assert "60" not in duration(value).rpartition("min")[2]


@pytest.mark.parametrize(("count", "words"), [(0, "0 tests"), (1, "1 test"), (2, "2 tests")])
def test_a_count_fits_its_word(count: int, words: str) -> None:
    assert counted(count, "test") == words


@pytest.mark.parametrize(
    ("code", "words"),
    [
        (0, "exit code 0"),
        (128, "exit code 128"),
        (139, "killed by SIGSEGV (exit code 139)"),
        (255, "exit code 255"),
    ],
)
def test_an_exit_code_names_the_signal_that_it_stands_for(code: int, words: str) -> None:
    assert ending(code) == words
