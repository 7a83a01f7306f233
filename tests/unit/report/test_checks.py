import json

from seatrial.report.checks import checks_json, print_checks
from seatrial.trial.doctor import Check
from unit.report.screen import Screen

FINDING = Check(
    "build cache",
    "warning",
    "pip installs \x1b[2Jwithout a cache mount",
    "add a mount",
    where="Dockerfile:3",
    why="it downloads again",
    cost="9.0 s in trial t",
    cost_seconds=9.0,
    cost_trial="t",
)


def test_a_finding_is_shown_with_its_line_its_reason_its_cost_and_its_remedy() -> None:
    screen = Screen()
    print_checks(screen.out, [Check("engine", "ok", "27.1"), FINDING])
    assert screen.lines == [
        "✓  engine       27.1",
        "!  build cache  Dockerfile:3  pip installs without a cache mount",
        "                why: it downloads again",
        "                cost: 9.0 s in trial t",
        "                next: add a mount",
    ]


def test_programs_are_given_the_seconds_as_a_number() -> None:
    (found,) = json.loads(checks_json([FINDING]))
    assert (found["where"], found["cost_seconds"], found["cost_trial"]) == (
        "Dockerfile:3",
        9.0,
        "t",
    )
