"""Comments that set findings aside."""

import pytest

from seatrial.audit.rules import found
from seatrial.audit.sources import Source
from seatrial.audit.suppress import suppress


def split(text: str, *lines: int, rule: str = "privileged") -> tuple[list[str], list[str]]:
    source = Source("compose.yml", text)
    findings = [found(rule, "compose.yml", line, "what") for line in lines]
    counting, ignored = suppress(findings, {"compose.yml": source})
    return [one.rule for one in counting], [one.reason for one in ignored]


@pytest.mark.parametrize(
    "text",
    [
        "a: 1  # seatrial: ignore[privileged] needs a loop device",
        "# seatrial: ignore[privileged] needs a loop device\na: 1",
        "# seatrial: ignore[x, privileged] needs a loop device\n# another\na: 1",
        "#seatrial:ignore[privileged] needs a loop device\na: 1",
    ],
)
def test_a_comment_with_a_reason_sets_the_finding_aside(text: str) -> None:
    assert split(text, text.count("\n") + 1) == ([], ["needs a loop device"])


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("a: 1  # seatrial: ignore[other] reason enough", 1),
        ("a: 1  # seatrial: ignore[privileged] reason enough\nb: 2", 2),
        ("# seatrial: ignore[privileged] reason enough\na: 1\nb: 2", 3),
        ("# seatrial: ignore[] reason enough\na: 1", 2),
        ("# seatrial: ignore[*] reason enough\na: 1", 2),
    ],
)
def test_a_comment_holds_only_for_its_rule_and_line(text: str, line: int) -> None:
    assert split(text, line) == (["privileged"], [])


def test_without_a_reason_it_sets_nothing_aside_and_a_note_says_so() -> None:
    counting, ignored = split("a: 1  # seatrial: ignore[privileged]", 1)

    assert (counting, ignored) == (["privileged", "ignore-without-reason"], [])
