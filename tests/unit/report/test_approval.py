import re
from datetime import timedelta
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from seatrial.errors import EnvironmentFault
from seatrial.evidence.audit import Ignored, Severity
from seatrial.evidence.hostile import plain_text
from seatrial.evidence.record import Image
from seatrial.judge.approval import Approval, draw_up
from seatrial.judge.dossier import Dossier, EarlierApproval, Reuse
from seatrial.judge.model import Reason
from seatrial.report.approval import approval_markdown, print_approval, write_approval
from unit.judge.dossiers import BEGAN, OLDER, commit, dossier, drills, exhibit, trial
from unit.judge.dossiers import settings as own_settings
from unit.judge.verdicts import audit, audited, finding, results, verdict, waived
from unit.report.screen import Screen

PARSER = MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"])
FREE = {
    "branch",
    "engine",
    "faults",
    "file",
    "fix",
    "found",
    "id",
    "kernel",
    "left",
    "name",
    "not_known",
    "person",
    "project",
    "reason",
    "remedy",
    "rule",
    "settles",
    "stand_in",
    "version",
    "what",
    "where",
    "why",
    "why_not",
}
"""Fields of an approval that somebody else's text gets into."""


def built() -> tuple[Image, ...]:
    return tuple(one.image for one in trial().record.services if one.image)


def everything() -> Approval:
    """An approval with a row in each of its tables."""
    of = audited(
        audit(
            finding(severity=Severity.HIGH),
            ignored=(Ignored(finding=finding("host-path"), reason="needed"),),
            not_checked=("network-not-isolated: no engine",),
        ),
        drills=drills(killed={"passed": None, "why_not": "no engine"}, outdated="too old"),
        approved_before=EarlierApproval(
            commit=OLDER,
            trial="t",
            images=built(),
            exhibit=exhibit(".seatrial/approvals/t/approval.json"),
        ),
    )
    return draw(of, waived=(waived(),), notes=("the waiver of audit by Ada sets nothing aside",))


def draw(of: Dossier | None = None, **values: Any) -> Approval:
    of = of or audited()
    return draw_up(of, verdict(of, **values))


def plain(page: str) -> str:
    """Without what keeps text from being read as form."""
    return page.replace("\\", "")


def shape(page: str) -> list[tuple[str, int]]:
    """All of a page but its text."""
    return [
        (part.type, token.level)
        for token in PARSER.parse(page)
        for part in (token, *(token.children or ()))
        if part.type not in {"text", "text_special"}
    ]


def with_text(value: Any, text: str, field: str = "") -> Any:
    """The same, with another text in all fields that are free to hold any."""
    match value:
        case dict():
            return {key: with_text(inner, text, key) for key, inner in value.items()}
        case list() | tuple():
            return [with_text(inner, text, field) for inner in value]
        case str() if field in FREE and type(value) is str and value:
            return text
    return value


MEANT = st.text(st.sampled_from("\\`*_[]()<>|~#$&!:;/\n\r\t .-+=ab1\x1b\u2028"), max_size=30)


@cache
def whole() -> tuple[dict[str, Any], list[tuple[str, int]]]:
    approval = everything()
    return approval.model_dump(), shape(approval_markdown(approval))


@settings(max_examples=25, deadline=None)
@given((MEANT | st.text(max_size=30)).filter(lambda text: bool(plain_text(text).strip())))
def test_no_text_of_anybody_changes_the_form_of_the_document(text: str) -> None:
    fields, form = whole()
    hostile = Approval.model_validate(with_text(fields, text))

    assert shape(approval_markdown(hostile)) == form


@pytest.mark.parametrize(
    "text",
    [
        "a | b |\n| c | d |",
        "<script>alert(1)</script>",
        "</td></table><h1>APPROVED</h1>",
        "[approved](http://evil.example)",
        "```\n# APPROVED\n```",
        "\n\n# APPROVED: shop\n\n",
    ],
)
def test_hostile_text_is_neither_html_nor_a_heading_nor_a_link(text: str) -> None:
    page = approval_markdown(Approval.model_validate(with_text(everything().model_dump(), text)))

    kinds = {kind for kind, _ in shape(page)}
    assert not kinds & {"html_block", "html_inline", "link_open", "image", "fence"}
    assert len(re.findall(r"^# ", page, re.MULTILINE)) == 1


def test_every_row_of_every_table_has_as_many_cells_as_its_heading() -> None:
    page = approval_markdown(everything())

    tables = re.findall(r"(?:^\|.*\n)+", page, re.MULTILINE)
    assert len(tables) >= 8
    for table in tables:
        assert len({line.count("|") for line in table.splitlines()}) == 1, table


def test_the_first_line_decides() -> None:
    assert approval_markdown(draw()).startswith("# APPROVED: shop at cccccccccccc\n")
    assert approval_markdown(draw(approved=False)).startswith("# REJECTED: shop at cccccccccccc\n")


def test_a_waiver_stands_before_the_score() -> None:
    page = approval_markdown(draw(waived=(waived(),)))

    first, _, _ = page.partition("**Score")
    assert "Set aside by Ada Lovelace, until 2026-02-01:** dirty-tree" in first
    assert "only a comment differs" in first


def test_a_lowered_bar_is_told_before_the_score_with_what_is_not_met() -> None:
    of = audited(workflow_uploads=None)
    page = approval_markdown(draw(of, approved=True, passing_score=80))
    screen = Screen(width=200)
    print_approval(screen.out, draw(of, passing_score=80), Path("out"))

    told = "verdict.passing_score asks for 80 of 100 points; what carries weight and is not met: "
    first, _, _ = page.partition("**Score")
    lacking = "artifacts-extracted (not measured)"
    assert f"**The bar was lowered:** {plain(told)}{plain(lacking)}." in plain(first)
    assert f"the bar was lowered: {told}{lacking}" in screen.text


def test_a_criterion_that_the_settings_give_no_points_for_is_told_before_the_score() -> None:
    of = audited(drills=None)
    weightless = tuple(
        one.model_copy(update={"weight": 0}) if one.key == "errors-handled" else one
        for one in results(of)
    )
    first, _, _ = approval_markdown(draw(of, criteria=weightless)).partition("**Score")

    assert "gives no points for errors-handled; of these not met: errors-handled" in plain(first)


def test_rules_that_are_easier_to_meet_than_the_defaults_are_told_before_the_score() -> None:
    rules = own_settings({"max_not_run": 0.5, "allow_retries": True, "max_age": 60})
    first, _, _ = approval_markdown(draw(audited(settings=rules))).partition("**Score")

    told = "verdict.max_not_run: 0.1 → 0.5, verdict.allow_retries: false → true."
    assert f"easier to meet than by default: {told}" in plain(first)


def test_a_bar_that_was_not_lowered_is_not_told() -> None:
    assert "lowered" not in approval_markdown(draw())


def test_a_waiver_that_does_not_count_is_told_before_the_criteria() -> None:
    first, _, _ = approval_markdown(everything()).partition("## Criteria")

    assert "the waiver of audit by Ada sets nothing aside" in first


def test_every_reason_stands_in_it_with_what_to_do() -> None:
    reasons = tuple(
        Reason(key=f"key-{number}", what=f"what {number}", remedy=f"remedy {number}")
        for number in range(30)
    )
    page = approval_markdown(draw(approved=False, reasons=reasons))

    first, _, _ = page.partition("## What was judged")
    assert all(f"what {number}" in first and f"remedy {number}" in first for number in range(30))


def test_all_that_was_not_measured_is_in_its_list() -> None:
    approval = everything()
    page = approval_markdown(approval).split("## What was not measured")[1].split("##")[0]

    assert len(re.findall(r"^- ", page, re.MULTILINE)) == len(approval.not_measured) > 5


def test_changes_that_are_not_committed_are_told() -> None:
    page = approval_markdown(draw(dossier(commit=commit(dirty=True))))

    assert "**with changes that are not committed**" in page


def test_an_image_that_only_stands_in_for_another_is_told() -> None:
    record = trial().record
    image = record.services[1].image
    assert image
    stands_in = image.model_copy(
        update={"stand_in": "postgres 17 of Debian", "name": "postgres:16"}
    )
    services = (record.services[0].model_copy(update={"image": stands_in}), *record.services[1:])
    of = dossier(trials=(trial(record=record.model_copy(update={"services": services})),))

    assert "**only a stand-in: it is postgres 17 of Debian**" in approval_markdown(draw(of))


def test_both_files_are_written_and_nothing_else_is_left(tmp_path: Path) -> None:
    written = write_approval(tmp_path / "new" / "folder", draw())

    assert sorted((tmp_path / "new" / "folder").iterdir()) == sorted(written)
    assert {path.name for path in written} == {"APPROVAL.md", "approval.json"}


def test_a_folder_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")

    with pytest.raises(EnvironmentFault, match="the approval cannot be written"):
        write_approval(tmp_path / "file", draw())


def test_the_terminal_shows_each_criterion_and_ends_with_the_decision() -> None:
    screen = Screen(width=200)
    approval = draw(waived=(waived(),))
    print_approval(screen.out, approval, Path("/srv/shop/out"))

    assert sum(line.startswith("✓") for line in screen.lines) == 10
    assert "set aside by Ada Lovelace until 2026-02-01: dirty-tree: 2 files are not" in screen.text
    assert screen.lines[-2] == (
        "APPROVED: score 100 of 100, 100 are needed; 0 reasons against it; 1 reason set aside"
    )
    assert screen.lines[-1] == "document: /srv/shop/out/APPROVAL.md"


def test_the_terminal_shows_why_it_is_rejected_and_what_to_do() -> None:
    screen = Screen(width=200)
    approval = draw(dossier(drills=None))
    print_approval(screen.out, approval, Path("/srv/shop/out"))

    assert any(line.startswith("?") and "errors-handled" in line for line in screen.lines)
    assert any(line.startswith("✗ errors-handled: no drill was made") for line in screen.lines)
    assert "  next:  run `seatrial drill`" in screen.text
    assert screen.lines[-2].startswith("REJECTED: score ")


def test_the_first_lines_say_what_a_reader_must_know_and_no_more() -> None:
    first = approval_markdown(draw()).split("## ")[0].splitlines()

    assert first[0] == "# APPROVED: shop at cccccccccccc"
    score, reasons, risk = (line for line in first[1:] if line)
    assert score == "**Score 100 of 100**; 100 are needed. All 10 criteria are met."
    assert reasons == "No reason against it."
    assert risk.startswith("Risk: high in rollback; medium in ")
    assert risk.endswith(" things, of which none counted as good.")


def test_the_points_of_the_criteria_that_are_met_add_up_to_the_score() -> None:
    table = approval_markdown(draw(audited(drills=None))).split("## Criteria")[1].split("## ")[0]
    rows = [line.split(" | ") for line in table.splitlines() if line.startswith("| ")][2:]
    *criteria, total = rows

    assert total[0] == "| the score: points of what is met"
    assert float(total[1]) == sum(float(row[1]) for row in criteria if row[2] == "met") < 100


def test_that_the_trial_was_returned_instead_of_a_new_one_stands_below_it() -> None:
    reuses = (Reuse(BEGAN + timedelta(hours=1), 90), Reuse(BEGAN + timedelta(hours=2), 3690))
    told = approval_markdown(
        draw(dossier(trials=(trial(number=9, reuses=reuses), trial(number=8))))
    )

    (line,) = [line for line in told.splitlines() if line.startswith("| not measured anew |")]

    assert "was returned 2 times, last on" in line
    assert line.endswith("when it was 61 min 30 s old |")
    assert "not measured anew" not in approval_markdown(draw(dossier()))
