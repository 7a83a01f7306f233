"""Access tokens."""

from dataclasses import replace
from datetime import timedelta

import pytest

from shop.errors import TokenError
from shop.tokens import Tokens
from tests.make import Watch


@pytest.fixture
def tokens(watch: Watch) -> Tokens:
    """Tokens for an hour."""
    return Tokens(secrets=["today's"], lifetime=timedelta(hours=1), clock=watch)


def test_a_token_names_the_customer_whom_it_was_issued_to(tokens: Tokens) -> None:
    assert tokens.read(tokens.issue(42)) == 42


def test_a_token_ends_when_its_time_is_up(tokens: Tokens, watch: Watch) -> None:
    token = tokens.issue(42)

    watch.advance(minutes=59, seconds=59)
    assert tokens.read(token) == 42
    watch.advance(seconds=1)
    with pytest.raises(TokenError, match="expired"):
        tokens.read(token)


def test_a_token_with_any_character_changed_is_refused(tokens: Tokens) -> None:
    token = tokens.issue(42)

    for place, letter in enumerate(token):
        changed = token[:place] + ("A" if letter != "A" else "B") + token[place + 1 :]
        with pytest.raises(TokenError):
            tokens.read(changed)


def test_what_is_not_a_token_is_refused(tokens: Tokens) -> None:
    for text in ("", "NDI6OTk5OTk5OTk5OQ", "ü.ü"):
        with pytest.raises(TokenError, match="not one of ours"):
            tokens.read(text)


def test_a_secret_can_be_changed_without_logging_everybody_out(tokens: Tokens) -> None:
    token = tokens.issue(42)

    assert replace(tokens, secrets=["tomorrow's", "today's"]).read(token) == 42
    with pytest.raises(TokenError):
        replace(tokens, secrets=["tomorrow's"]).read(token)
