from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seatrial.judge.criterion import Criterion
from seatrial.judge.custom import custom_criteria, value_at
from seatrial.judge.dossier import CommandResult, Dossier
from seatrial.judge.model import Confidence, CriterionStatus
from unit.judge.dossiers import coverage, dossier, exhibit, judged, settings, trial


def own(kind: str, **values: Any) -> Criterion:
    """The criterion that settings with these values make."""
    rules = settings({f"{kind}_criteria": {"own": {"statement": "It holds."} | values}}).verdict
    (criterion,) = custom_criteria(rules)
    return criterion


def ran(exit_code: int | None, fault: str = "") -> Dossier:
    """A dossier in which the command came to that."""
    result = CommandResult(exit_code, 1.5, exhibit("own.json"), fault)
    return dossier(command_results={"own": result})


def test_own_criteria_come_by_their_keys_commands_first() -> None:
    metric = {"statement": "s", "metric": "/seconds", "at_most": 1, "weight": 3}
    command = {"statement": "s", "command": ["true"], "weight": 5}
    rules = settings(
        {
            "metric_criteria": {"b": metric, "a": metric},
            "command_criteria": {"d": command, "c": command},
        }
    ).verdict

    found = custom_criteria(rules)

    assert [(c.key, c.weight) for c in found] == [("c", 5), ("d", 5), ("a", 3), ("b", 3)]


def test_a_command_that_ends_with_0_meets_its_criterion() -> None:
    judgement = own("command", command=["mypy", "src"]).judge(ran(0))

    assert (judgement.status, judgement.confidence) == (CriterionStatus.MET, Confidence.MEDIUM)
    (row,) = judgement.evidence
    assert (row.file, row.value, row.where) == ("own.json", 0, "/exit_code")


@pytest.mark.parametrize(("code", "words"), [(1, "exit code 1"), (137, "killed by SIGKILL")])
def test_another_exit_code_does_not(code: int, words: str) -> None:
    judgement = own("command", command=["mypy", "src"]).judge(ran(code))

    assert judgement.status is CriterionStatus.NOT_MET
    assert words in judgement.reason


@pytest.mark.parametrize(
    ("found", "words"),
    [
        (dossier(), "was not run"),
        (ran(None, "it did not end within 300 s"), "did not end within 300 s"),
        (ran(None), "it is not known why"),
    ],
)
def test_a_command_without_an_exit_code_is_not_measured(found: Dossier, words: str) -> None:
    judgement = own("command", command=["mypy"]).judge(found)

    assert judgement.status is CriterionStatus.NOT_MEASURED
    assert words in judgement.reason
    assert judgement.remedy


@pytest.mark.parametrize(
    ("bounds", "status"),
    [
        ({"at_least": 95}, CriterionStatus.MET),
        ({"at_least": 95.1}, CriterionStatus.NOT_MET),
        ({"at_most": 95}, CriterionStatus.MET),
        ({"at_most": 94.9}, CriterionStatus.NOT_MET),
        ({"at_least": 90, "at_most": 96}, CriterionStatus.MET),
        ({"at_least": 96, "at_most": 94}, CriterionStatus.NOT_MET),
        ({"at_least": float("nan"), "at_most": 100}, CriterionStatus.NOT_MET),
        ({}, CriterionStatus.NOT_MEASURED),
        ({"at_least": float("-inf")}, CriterionStatus.NOT_MEASURED),
    ],
)
def test_a_metric_is_held_against_its_bounds(
    bounds: dict[str, float], status: CriterionStatus
) -> None:
    judgement = own("metric", metric="/coverage/percent", **bounds).judge(dossier())

    assert judgement.status is status
    (row,) = judgement.evidence
    assert (row.value, row.where) == (95.0, "/coverage/percent")


def test_a_metric_that_another_trial_of_the_commit_shows_too_is_sure() -> None:
    criterion = own("metric", metric="/coverage/percent", at_least=90)
    lower = trial(number=9), trial(number=8, coverage=coverage(percent=80.0))

    assert criterion.judge(dossier()).confidence is Confidence.HIGH
    assert criterion.judge(dossier(trials=(trial(),))).confidence is Confidence.MEDIUM
    assert criterion.judge(dossier(trials=lower)).confidence is Confidence.MEDIUM


@pytest.mark.parametrize(
    ("pointer", "changed"),
    [
        ("/coverage/branch_percent", {}),
        ("/nothing/here", {}),
        ("/status", {}),
        ("/commit/dirty", {}),
        ("/phases/99/seconds", {}),
        ("/coverage/percent", {"coverage": None}),
        ("/coverage/percent", {"arguments": ("-k", "x")}),
    ],
)
def test_a_metric_that_is_not_there_or_of_a_part_is_not_measured(
    pointer: str, changed: dict[str, Any]
) -> None:
    criterion = own("metric", metric=pointer, at_least=0)

    judgement = criterion.judge(dossier(trials=judged(**changed)))

    assert judgement.status is CriterionStatus.NOT_MEASURED
    assert judgement.remedy


def test_a_pointer_reaches_into_lists_and_escaped_names() -> None:
    document = {"a/b": [{"~": 3}], "": {"": 4}}

    assert value_at(document, "/a~1b/0/~0") == 3
    assert value_at(document, "//") == 4
    assert value_at(document, "/a~1b/-1/~0") is None
    assert value_at({"x": True}, "/x") is None
    assert value_at({"x": float("inf")}, "/x") is None


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner),
    max_leaves=8,
)


@given(document=JSON, pointer=st.text(max_size=12))
def test_no_pointer_breaks_on_any_document(document: Any, pointer: str) -> None:
    found = value_at(document, "/" + pointer)

    assert found is None or isinstance(found, float)
