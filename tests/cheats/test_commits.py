"""Trials of something else than the commit, and a history that brings its own rules."""

import pytest

from .attempt import is_consequence
from .conftest import Workshop
from .honest import FILES, PRICES, Judged


def test_a_first_commit_does_not_bring_its_own_rules(workshop: Workshop, honest: Judged) -> None:
    """The honest project's first commit is this; its second one agrees to the rules."""
    subject = workshop.begun_anew(FILES)
    subject.tried()

    judged = subject.approve()

    assert judged.code == 1
    loosened = {key for key in judged.reasons if key.startswith("policy-loosened:verdict.")}
    assert {key for key in judged.reasons if not is_consequence(key)} == loosened
    assert "cleaned-up → none" in judged.reasons["policy-loosened:verdict.required"]
    assert "the defaults" in judged.reasons["policy-loosened:verdict.weights.errors-handled"]
    assert honest.reasons == {}


@pytest.mark.long
def test_a_trial_of_changed_files_is_none_of_the_commit_that_takes_them_in(
    workshop: Workshop,
) -> None:
    subject = workshop.copy(with_trial=False)
    changed = {"shop/prices.py": PRICES.replace("sum(prices)", "sum(prices, 0)")}
    for name, text in changed.items():
        subject.repository.put(name, text)
    subject.tried()
    subject.commit(changed)

    reasons = subject.approve().reasons

    assert {key for key in reasons if not is_consequence(key)} == {"other-commit"}
    assert "with changes, not of this one" in reasons["other-commit"]


@pytest.mark.long
@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("--command", "pytest -q tests/test_prices.py --cov"), "the setting command was given"),
        (("--", "-k", "sum"), "arguments were handed to pytest that can select tests: -k sum"),
    ],
    ids=["another command", "a selection"],
)
def test_a_trial_that_was_told_to_run_less_is_none_of_the_suite(
    workshop: Workshop, arguments: tuple[str, ...], says: str
) -> None:
    subject = workshop.copy(with_trial=False)
    subject.tried(*arguments)

    assert says in subject.approve().reasons["partial"]
