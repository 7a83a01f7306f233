from pathlib import Path
from typing import Any

import pytest

from seatrial.errors import UsageFault
from seatrial.stack.redirect import SourceMount
from seatrial.stack.twin import cannot_be_doubled, refuse_impossible, twin
from unit.stack.forms import make_form, volume
from unit.trial.plans import make_plan_of

LABEL = "stack"


def test_a_twin_shares_no_name_and_no_label_value_with_the_first(tmp_path: Path) -> None:
    first = make_plan_of(
        tmp_path,
        {"test": {"image": "app", "labels": {LABEL: "trial", "own": "x"}}},
        name="trial",
        labels={LABEL: "trial"},
        volumes={
            "data": {"name": "trial_data", "labels": {LABEL: "trial"}},
            "source-0": {"name": "trial_source-0", "external": True},
        },
        sources=(SourceMount("trial_source-0", tmp_path, "test", "/app"),),
    )

    second = twin(first, "trial-w2", LABEL)

    assert second.name == second.form["name"] == "trial-w2"
    assert second.labels == {LABEL: "trial-w2"}
    assert second.form["services"]["test"]["labels"] == {LABEL: "trial-w2", "own": "x"}
    assert second.form["services"]["test"]["image"] == "app"
    assert second.form["networks"]["default"]["name"] == "trial-w2_default"
    assert {raw["name"] for raw in second.form["volumes"].values()} == {
        "trial-w2_data",
        "trial-w2_source-0",
    }
    assert second.sources[0].volume == "trial-w2_source-0"
    assert first.form["volumes"]["data"] == {"name": "trial_data", "labels": {LABEL: "trial"}}


@pytest.mark.parametrize(
    ("services", "rest", "reason"),
    [
        ({"db": {"network_mode": "host"}}, {}, "service db shares a network with others"),
        (
            {"db": {"networks": {"default": {"ipv4_address": "10.0.0.2"}}}},
            {},
            "service db has a fixed address",
        ),
        (
            {"db": {}},
            {"networks": {"n": {"name": "n", "ipam": {"config": [{"subnet": "10.0.0.0/24"}]}}}},
            "network n has a fixed subnet",
        ),
    ],
)
def test_what_two_stacks_would_fight_about_is_named(
    services: dict[str, Any], rest: dict[str, Any], reason: str
) -> None:
    assert cannot_be_doubled(make_form(services, **rest)) == [reason]


def test_most_stacks_can_be_doubled() -> None:
    form = make_form({"db": {"volumes": [volume("data", "/data")]}})

    assert cannot_be_doubled(form) == []


def test_a_number_of_workers_is_refused_where_a_second_stack_cannot_be(tmp_path: Path) -> None:
    plan = make_plan_of(tmp_path, {"test": {"image": "app"}, "db": {"network_mode": "host"}})

    with pytest.raises(UsageFault, match="2 stacks of this project cannot run side by side"):
        refuse_impossible(plan, 2)
    refuse_impossible(plan, 1)
    refuse_impossible(plan, "auto")
