"""What docs/criteria.md says of the criteria is held against them."""

import re
from pathlib import Path

from seatrial.judge.criteria import CRITERIA

PAGE = (Path(__file__).parents[3] / "docs" / "criteria.md").read_text(encoding="utf-8")


def test_the_table_has_every_criterion_with_its_weight_and_statement() -> None:
    rows = re.findall(r"^\| `([\w-]+)` \| (\d+) \| (.+) \|$", PAGE, re.MULTILINE)

    assert rows == [(c.key, f"{c.weight:g}", c.statement) for c in CRITERIA]


def test_every_criterion_has_a_part_that_says_evidence_and_confidence() -> None:
    parts = dict(re.findall(r"^## ([\w-]+)\n(.*?)(?=^## )", PAGE, re.MULTILINE | re.DOTALL))

    assert list(parts)[: len(CRITERIA)] == [c.key for c in CRITERIA]
    for criterion in CRITERIA:
        for word in ("**Evidence**", "**Met**", "**Confidence**"):
            assert word in parts[criterion.key], criterion.key
