"""The settings, from the environment."""

from datetime import timedelta

import pytest

from shop.errors import SettingsError
from shop.settings import Settings

COMPLETE = {
    "DATABASE_URL": "postgresql+psycopg://localhost/shop",
    "CACHE_URL": "redis://localhost",
    "GATEWAY_URL": "http://localhost:8080",
    "TOKEN_SECRETS": "new, old",
}


def test_addresses_and_secrets_are_enough_and_limits_can_be_changed() -> None:
    usual = Settings.from_environment(COMPLETE)
    changed = Settings.from_environment({**COMPLETE, "CART_LIFETIME_SECONDS": "90"})

    assert usual.token_secrets == ("new", "old")
    assert usual.cart_lifetime == timedelta(days=7)
    assert changed.cart_lifetime == timedelta(seconds=90)


def test_everything_that_is_wrong_is_named_at_once() -> None:
    with pytest.raises(SettingsError) as caught:
        Settings.from_environment(
            {
                "CACHE_URL": " ",
                "GATEWAY_URL": "http://localhost",
                "TOKEN_SECRETS": "s",
                "PASSWORD_ITERATIONS": "many",
                "GATEWAY_TIMEOUT_SECONDS": "-1",
            }
        )

    assert str(caught.value).split("; ") == [
        "DATABASE_URL is not set",
        "CACHE_URL is not set",
        "PASSWORD_ITERATIONS is 'many', which is not a positive number",
        "GATEWAY_TIMEOUT_SECONDS is '-1', which is not a positive number",
    ]
