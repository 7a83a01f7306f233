import unicodedata

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from seatrial.evidence.hostile import plain_text

HOSTILE = st.one_of(
    st.text(),
    st.lists(
        st.sampled_from(
            ["\x1b", "\x1b[", "\x1b]", "0;31m", "\x07", "\x1b\\", "\x9b", "\r", "\n", "a", "\u202e"]
        )
    ).map("".join),
    # What JSON can carry and no file can: half of a surrogate pair.
    st.text(st.characters(), max_size=10).map(lambda text: text + "\ud800"),
)


@given(HOSTILE)
@example("\x1b\x1b[31m")
@example("\x1b[\x1b[31m31m")
@example("\udcff")
@example("\u061c\u2066\u200f")
def test_no_escape_or_control_code_ever_survives(text: str) -> None:
    safe = plain_text(text)

    left = {
        char
        for char in safe
        if unicodedata.category(char) in {"Cc", "Cs"}
        or unicodedata.bidirectional(char) in {"RLO", "LRO", "RLE", "LRE", "PDF"}
    }
    assert left <= {"\t", "\n"}
    assert not set(safe) & set("\u061c\u200e\u200f\u2066\u2067\u2068\u2069")
    safe.encode()  # does not raise


@given(st.text(st.characters(exclude_categories=["Cc", "Cf", "Cs"], include_characters="\t\n")))
def test_text_without_them_is_unchanged(text: str) -> None:
    assert plain_text(text) == text


@given(HOSTILE)
def test_cleaned_text_is_clean(text: str) -> None:
    assert plain_text(plain_text(text)) == plain_text(text)


@pytest.mark.parametrize(
    ("text", "safe"),
    [
        ("\x1b[1;31mred\x1b[0m", "red"),
        ("\x1b]0;title\x07text", "text"),
        ("\x1b]8;;http://x\x1b\\link\x1b]8;;\x1b\\", "link"),
        ("\x1bPdevice\x1b\\text", "text"),
        ("\x1b(Btext", "text"),
        ("50%\r100%\r\ndone", "50%\n100%\ndone"),
        ("a\x00b\x08c", "abc"),
        ("ok\u202egnp.exe", "okgnp.exe"),
        ("naïve → 😀 日本", "naïve → 😀 日本"),
    ],
)
def test_what_is_meant_for_a_terminal_is_removed(text: str, safe: str) -> None:
    assert plain_text(text) == safe
