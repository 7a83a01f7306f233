"""The payment gateway on a bad day. The waits are real ones."""

import time
from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import httpx2
import pytest

from shop.errors import GatewayUnavailableError
from shop.money import Money
from shop.payments import PaymentGateway, Retries
from shop.settings import Settings

pytestmark = [pytest.mark.gateway, pytest.mark.slow]

PRICE = Money(1_999)


@pytest.fixture
def client(settings: Settings) -> Iterator[httpx2.Client]:
    """A connection to the gateway."""
    with httpx2.Client(base_url=settings.gateway_url, timeout=10) as client:
        yield client


@pytest.fixture
def gateway(client: httpx2.Client) -> PaymentGateway:
    """The gateway, asked four times with the waits that production has."""
    return PaymentGateway(client, retries=Retries())


@pytest.fixture
def key() -> str:
    """An idempotency key that nobody has used."""
    return uuid4().hex


def seen(client: httpx2.Client, key: str) -> dict[str, Any]:
    """What the gateway knows about a key."""
    found: dict[str, Any] = client.get(f"/charges/{key}").json()
    return found


def test_a_gateway_that_recovers_is_waited_for(
    gateway: PaymentGateway, client: httpx2.Client, key: str
) -> None:
    started = time.monotonic()

    gateway.charge(PRICE, card="fails-3", key=key)

    assert seen(client, key)["asked"] == 4
    assert time.monotonic() - started >= 0.2 + 0.4 + 0.8


def test_a_gateway_that_stays_down_is_given_up_on(
    gateway: PaymentGateway, client: httpx2.Client, key: str
) -> None:
    with pytest.raises(GatewayUnavailableError, match="failed 4 times, at last: it answered 503"):
        gateway.charge(PRICE, card="down", key=key)

    assert seen(client, key) == {"asked": 4, "done": None}


def test_an_answer_that_comes_too_late_is_still_one_charge(
    gateway: PaymentGateway, client: httpx2.Client, key: str
) -> None:
    hasty = httpx2.Timeout(10, read=0.5)
    with (
        httpx2.Client(base_url=client.base_url, timeout=hasty) as impatient,
        pytest.raises(GatewayUnavailableError, match="timed out"),
    ):
        PaymentGateway(impatient, retries=Retries(attempts=3)).charge(
            PRICE, card="slow-0.8", key=key
        )
    taken = seen(client, key)["done"]

    assert gateway.charge(PRICE, card="slow-0.8", key=key).id == taken["id"]


def test_a_connection_that_breaks_off_is_still_one_charge(
    gateway: PaymentGateway, client: httpx2.Client, key: str
) -> None:
    charge = gateway.charge(PRICE, card="hangs-up", key=key)

    assert seen(client, key) == {
        "asked": 2,
        "done": {"id": charge.id, "amount": 1_999, "currency": "EUR", "card": "hangs-up"},
    }


def test_a_busy_gateway_gets_the_time_that_it_asks_for(
    gateway: PaymentGateway, client: httpx2.Client, key: str
) -> None:
    started = time.monotonic()

    gateway.charge(PRICE, card="busy-1", key=key)

    assert seen(client, key)["asked"] == 2
    assert time.monotonic() - started >= 1


def test_a_gateway_that_is_not_there_is_given_up_on(key: str) -> None:
    with httpx2.Client(base_url="http://127.0.0.1:1") as nowhere:
        gateway = PaymentGateway(nowhere, retries=Retries(attempts=2))
        with pytest.raises(GatewayUnavailableError, match="refused"):
            gateway.charge(PRICE, card="ok", key=key)
