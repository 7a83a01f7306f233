"""How the gateway is asked again. The waits are noted down instead of waited."""

from collections.abc import Callable, Iterator
from typing import Any

import httpx2
import pytest

from shop.errors import GatewayUnavailableError, PaymentDeclinedError
from shop.money import Money
from shop.payments import PaymentGateway, Retries

PAID = httpx2.Response(201, json={"id": "ch_1"})

Answers = Callable[..., tuple[PaymentGateway, list[float]]]


@pytest.fixture
def answering() -> Iterator[Answers]:
    """Makes a gateway that gives these answers one by one, and the list of its waits."""
    clients: list[httpx2.Client] = []

    def make(
        *answers: httpx2.Response | Exception, **retries: Any
    ) -> tuple[PaymentGateway, list[float]]:
        left = list(answers)

        def answer(_: httpx2.Request) -> httpx2.Response:
            given = left.pop(0)
            if isinstance(given, Exception):
                raise given
            return given

        client = httpx2.Client(transport=httpx2.MockTransport(answer), base_url="http://gateway")
        clients.append(client)
        waits: list[float] = []
        return PaymentGateway(client, retries=Retries(**retries), sleep=waits.append), waits

    yield make
    for client in clients:
        client.close()


def charge(gateway: PaymentGateway) -> str:
    """Charge ten euros."""
    return gateway.charge(Money(1_000), card="ok", key="key").id


def test_each_wait_is_twice_as_long_as_the_one_before(answering: Answers) -> None:
    gateway, waits = answering(*[httpx2.Response(503)] * 4, PAID, attempts=5, first_wait=0.5)

    assert charge(gateway) == "ch_1"
    assert waits == [0.5, 1, 2, 4]


def test_the_gateway_may_ask_for_a_longer_wait(answering: Answers) -> None:
    gateway, waits = answering(
        httpx2.Response(429, headers={"Retry-After": "2"}),
        httpx2.Response(429, headers={"Retry-After": "3600"}),
        httpx2.Response(429, headers={"Retry-After": "Wed, 21 Oct 2026 07:28:00 GMT"}),
        PAID,
    )

    assert charge(gateway) == "ch_1"
    assert waits == [2, 5, 0.8]


def test_a_refusal_is_not_asked_about_again(answering: Answers) -> None:
    gateway, waits = answering(httpx2.Response(402, json={"reason": "stolen card"}))

    with pytest.raises(PaymentDeclinedError, match="stolen card"):
        charge(gateway)
    assert waits == []


def test_a_mistake_of_ours_is_not_repeated(answering: Answers) -> None:
    gateway, waits = answering(httpx2.Response(400, text="what?"))

    with pytest.raises(GatewayUnavailableError, match="refused /charges: 400 no reason given"):
        charge(gateway)
    assert waits == []


def test_an_answer_that_makes_no_sense_counts_as_none(answering: Answers) -> None:
    nonsense = [httpx2.Response(200, text=text) for text in ("[]", '{"status": "fine"}', "")]
    gateway, waits = answering(*nonsense, attempts=3)

    with pytest.raises(GatewayUnavailableError, match="failed 3 times"):
        charge(gateway)
    assert waits == [0.2, 0.4]
