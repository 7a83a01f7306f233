import json
from dataclasses import replace
from pathlib import Path

from seatrial.report.plan import plan_json, print_plan, print_plan_heading
from seatrial.stack.patch import Change
from seatrial.stack.plan import Plan
from seatrial.stack.select import Selection
from unit.report.screen import Screen
from unit.stack.forms import make_form

PLAN = Plan(
    name="seatrial-shop-t1",
    project=Path("/srv/shop"),
    files=(Path("/srv/shop/compose.test.yml"),),
    selection=Selection(test="test", required=("db",), extra=("mail",), left_out=("web",)),
    services={},
    form=make_form({"test": {}, "db": {}}),
    changes=(Change("services.db.ports", "5432/tcp: not published", "side by side"),),
    outputs=(),
    sources=(),
    file_copies=(),
    labels={},
    arguments=("-k", "login"),
    warnings=("the variable X is not set",),
)


def test_a_plan_shows_services_changes_and_warnings() -> None:
    screen = Screen()

    print_plan(screen.out, PLAN)

    assert "tests run in   test" in screen.lines
    assert "they need      db" in screen.lines
    assert "also started   mail" in screen.lines
    assert "for pytest     -k login" in screen.lines
    assert "warning: the variable X is not set" in screen.lines
    assert any(
        line.split("  ") and line.startswith("services.db.ports") and line.endswith("side by side")
        for line in screen.lines
    )


def test_a_plan_without_needs_says_so() -> None:
    screen = Screen()

    print_plan(screen.out, replace(PLAN, selection=Selection("test", (), (), ()), arguments=()))

    assert "they need      nothing" in screen.lines
    assert not any(line.startswith(("also started", "for pytest")) for line in screen.lines)


def test_a_trial_is_announced_in_one_line() -> None:
    screen = Screen()

    print_plan_heading(screen.out, PLAN, "t1")

    assert screen.lines == ["trial t1 of shop (compose.test.yml, service test)"]


def test_the_json_has_the_whole_form() -> None:
    document = json.loads(plan_json(PLAN))

    assert document["form"] == PLAN.form
    assert document["test_service"] == "test"
    assert document["required"] == ["db"]
    assert document["changes"] == [
        {
            "where": "services.db.ports",
            "what": "5432/tcp: not published",
            "why": "side by side",
        }
    ]
