import re
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from seatrial.evidence.hostile import plain_text
from seatrial.report.markdown import MAX_CELL, escape

PARSER = MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"])
MEANT = st.text(st.sampled_from("\\`*_[]()<>|~#$&!:;/\n\r\t .-+=ab1\x1b\u2028\x85"), max_size=40)


def tokens(text: str) -> list[Any]:
    found = []
    for token in PARSER.parse(text):
        found += [token, *(token.children or ())]
    return found


@given(MEANT | st.text(max_size=40), MEANT | st.text(max_size=40))
@example("a\\", "| b |")
@example("\\|", "<script>alert(1)</script>")
@example("![x](http://evil)", "`code|`")
@example("&lt;b&gt;", "&#124;")
def test_a_cell_holds_its_text_as_text_and_nothing_gets_out_of_it(first: str, second: str) -> None:
    page = f"| x | y |\n| --- | --- |\n| {escape(first)} | {escape(second)} |\n| c | d |\n"

    cells = [token for token in tokens(page) if token.type == "inline"]

    texts = ["".join(part.content for part in cell.children) for cell in cells]
    want = [" ".join(plain_text(text).split()) for text in (first, second)]
    assert texts == ["x", "y", *want, "c", "d"]
    assert {part.type for cell in cells for part in cell.children} <= {"text", "text_special"}


@given(MEANT | st.text(max_size=40))
@example("- a")
@example("1. a")
@example("---")
@example("=")
@example("+")
@example("    a")
def test_an_item_of_a_list_and_a_paragraph_hold_their_text_and_no_block(text: str) -> None:
    want = " ".join(plain_text(text).split())
    for page in (f"- {escape(text)}\n- b\n", f"a:\n{escape(text)}\n", f"# a {escape(text)}\n"):
        held = [token for token in tokens(page) if token.type == "inline"]
        kinds = {part.type for cell in held for part in cell.children}
        text_of = ["".join(part.content for part in cell.children) for cell in held]
        assert kinds <= {"text", "text_special", "softbreak"}
        assert not want or any(one.endswith(want) for one in text_of)
        assert not {"hr", "code_block", "fence"} & {token.type for token in tokens(page)}
        assert sum(token.type == "list_item_open" for token in tokens(page)) in {0, 2}
        assert sum(token.type == "heading_open" for token in tokens(page)) == page.startswith("#")


def test_long_text_is_cut() -> None:
    assert len(escape("a" * 10_000)) == MAX_CELL
    assert escape("a" * 10_000).endswith("…")


@pytest.mark.parametrize("text", ["https://evil.example/x", "see www.evil.example"])
def test_what_makes_a_link_of_a_bare_address_is_escaped(text: str) -> None:
    assert not re.search(r"(?<!\\)://|www\.", escape(text))


def test_no_sign_of_html_stays() -> None:
    assert not set("<>&|") & set(escape("<b>&amp;|").replace("&lt;b&gt;&amp;amp;&#124;", ""))


def test_names_of_files_stay_readable() -> None:
    assert escape("tests/unit/test_money.py:3") == "tests/unit/test_money.py:3"
