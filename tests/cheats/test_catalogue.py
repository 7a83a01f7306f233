"""Each cheat in the catalogue is rejected for what it is, and its honest twin is approved."""

import pytest

from . import coverage, forged, images, results, rules, selection
from .attempt import Attempt, Cheat, assert_nothing_else, assert_rejected_for
from .conftest import Workshop
from .honest import Judged

ATTEMPTS: tuple[Attempt, ...] = (
    *results.ATTEMPTS,
    *selection.ATTEMPTS,
    *forged.ATTEMPTS,
    *coverage.ATTEMPTS,
    *images.ATTEMPTS,
    *rules.ATTEMPTS,
)


def test_the_honest_project_is_approved(honest: Judged) -> None:
    assert honest.reasons == {}
    assert honest.record.doubts == ()
    assert honest.code == 0


@pytest.mark.parametrize(
    ("attempt", "cheat"),
    [
        pytest.param(attempt, cheat, id=cheat.how, marks=[pytest.mark.long] if attempt.long else [])
        for attempt in ATTEMPTS
        for cheat in attempt.cheats
    ],
)
def test_a_project_is_not_approved_that(
    attempt: Attempt, cheat: Cheat, workshop: Workshop, honest: Judged
) -> None:
    judged = workshop.judged(attempt)

    assert_rejected_for(cheat, judged, honest)
    assert_nothing_else(attempt.cheats, judged)
