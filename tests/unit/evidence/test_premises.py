import pytest

from seatrial.evidence.premises import Premises, difference, premise


@pytest.mark.parametrize(
    ("before", "now", "said"),
    [
        ({"a": "1", "b": "2"}, {"b": "2", "a": "1"}, ""),
        ({"a": "1", "b": "2"}, {"a": "1", "b": "3"}, "b changed"),
        ({"a": "1"}, {"a": "1", "b": "2"}, "b is new"),
        ({"a": "1", "b": "2"}, {"a": "1"}, "b is gone"),
        ({}, {"a": "1"}, "nobody knows what it rested on"),
        ({}, {}, "nobody knows what it rested on"),
    ],
)
def test_the_first_thing_that_differs_is_named(before: Premises, now: Premises, said: str) -> None:
    assert difference(before, now) == said


def test_a_premise_depends_on_what_is_in_it_and_not_on_its_order() -> None:
    assert premise({"a": 1, "b": [2]}) == premise({"b": [2], "a": 1})
    assert premise({"a": 1}) != premise({"a": 2})
