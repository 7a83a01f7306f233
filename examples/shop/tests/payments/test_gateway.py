"""The payment gateway, when all is well: over HTTP, with the stub."""

from collections.abc import Callable
from typing import Any
from uuid import uuid4

import httpx2
import pytest

from shop.money import Money
from shop.payments import PaymentGateway

pytestmark = pytest.mark.gateway


@pytest.fixture
def key() -> str:
    """An idempotency key that nobody has used."""
    return uuid4().hex


@pytest.fixture
def seen(gateway_client: httpx2.Client) -> Callable[[str], dict[str, Any]]:
    """What the gateway knows about a key."""
    return lambda key: gateway_client.get(f"/charges/{key}").json()


def test_a_charge_takes_the_amount_in_its_currency(
    gateway: PaymentGateway, seen: Callable[[str], dict[str, Any]], key: str
) -> None:
    charge = gateway.charge(Money(1_999), card="ok", key=key)

    assert seen(key)["done"] == {
        "id": charge.id,
        "amount": 1_999,
        "currency": "EUR",
        "card": "ok",
    }


def test_the_same_key_charges_once(
    gateway: PaymentGateway, seen: Callable[[str], dict[str, Any]], key: str
) -> None:
    first = gateway.charge(Money(1_999), card="ok", key=key)
    second = gateway.charge(Money(1_999), card="ok", key=key)

    assert first == second
    assert seen(key)["asked"] == 2


def test_a_charge_can_be_given_back(
    gateway: PaymentGateway, seen: Callable[[str], dict[str, Any]], key: str
) -> None:
    charge = gateway.charge(Money(1_999), card="ok", key=key)

    gateway.refund(charge.id, key=f"refund-{key}")

    assert seen(f"refund-{key}")["done"]["charge"] == charge.id
