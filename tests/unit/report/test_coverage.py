from typing import Any

from seatrial.evidence.coverage import (
    ChangeCoverage,
    Coverage,
    CoverageCounts,
    CoverageParts,
    SourceCheck,
    Threshold,
)
from seatrial.report.coverage import print_coverage
from unit.report.screen import Screen

COUNTS = CoverageCounts(lines=1000, covered_lines=914, branches=100, covered_branches=85)


def show(**values: Any) -> list[str]:
    screen = Screen()
    made = {"measured": True, "percent": 90.8, "line_percent": 91.4, "totals": COUNTS, **values}
    print_coverage(screen.out, Coverage.model_validate(made))
    return screen.lines


def test_lines_branches_and_the_threshold_stand_in_one_line() -> None:
    threshold = Threshold(percent=80, source=".coveragerc", met=True)

    assert show(branch_percent=85.0, threshold=threshold) == [
        "coverage 91.4 % of lines, 85.0 % of branches (threshold 80 % from .coveragerc)"
    ]


def test_branches_that_were_not_measured_are_not_shown() -> None:
    assert show() == ["coverage 91.4 % of lines"]


def test_it_is_said_that_seatrial_switched_it_on() -> None:
    assert show(switched_on=True) == ["coverage 91.4 % of lines (switched on by Seatrial)"]


def test_the_change_has_its_own_line() -> None:
    change = ChangeCoverage(base="main", lines=9, covered_lines=8)

    assert show(change=change)[1] == "coverage of the change 88.9 % (8 of 9 lines since main)"
    assert "no measured line changed" in show(change=ChangeCoverage(base="main"))[1]
    unknown = ChangeCoverage(base="main", reason="git knows no commit main here")
    assert show(change=unknown)[1].endswith("not measured: git knows no commit main here")


def test_it_is_said_what_the_coverage_of_a_part_of_the_tests_is_made_of() -> None:
    together = CoverageParts(together=True, since="t1", measured_tests=2, stored_tests=7)
    alone = CoverageParts(together=False, since="t1", reason="a.py differs")

    assert show(parts=together)[1] == (
        "it is the coverage of all tests: 2 ran, and of 7 it is known since trial t1"
    )
    assert show(parts=alone)[1] == (
        "it is the coverage of the tests that ran, not of all: a.py differs"
    )


def test_sources_that_differ_are_told() -> None:
    assert show(sources=SourceCheck(equal=2, differ=1))[1] == (
        "1 of 3 measured files differs from the project's own"
    )
    assert len(show(sources=SourceCheck(equal=2, unknown=3))) == 1


def test_what_was_not_measured_shows_no_figure() -> None:
    assert show(measured=False, reason="no \x1b[31mdata") == ["coverage was not measured: no data"]
