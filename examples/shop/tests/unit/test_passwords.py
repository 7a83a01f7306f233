"""Passwords, at the cost that they have in production: that is why this takes a while."""

import pytest

from shop.passwords import Passwords
from shop.settings import Settings

pytestmark = pytest.mark.slow

PASSWORD = "correct horse battery staple"

passwords = Passwords(Settings.password_iterations)


@pytest.fixture(scope="module")
def stored() -> str:
    """The hash of the password."""
    return passwords.hash(PASSWORD)


def test_the_right_password_opens(stored: str) -> None:
    assert passwords.verify(PASSWORD, stored)


def test_any_other_password_does_not(stored: str) -> None:
    assert not passwords.verify("Correct horse battery staple", stored)
    assert not passwords.verify(PASSWORD + " ", stored)


def test_the_same_password_never_has_the_same_hash(stored: str) -> None:
    again = passwords.hash(PASSWORD)

    assert again != stored
    assert passwords.verify(PASSWORD, again)


def test_a_hash_of_a_cheaper_time_still_opens_and_counts_as_outdated(stored: str) -> None:
    old = Passwords(100_000).hash(PASSWORD)

    assert passwords.verify(PASSWORD, old)
    assert passwords.is_outdated(old)
    assert not passwords.is_outdated(stored)


def test_what_is_not_a_hash_opens_for_nobody() -> None:
    for broken in ("none", "md5$1$AAAA$AAAA", "pbkdf2_sha256$x$AAAA$AAAA"):
        assert not passwords.verify(PASSWORD, broken)
