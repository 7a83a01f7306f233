"""From a cart to a paid order: database, Redis and gateway together."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import httpx2
import pytest
from redis import Redis
from sqlalchemy import select
from sqlalchemy.orm import Session, sessionmaker

from shop import orders, vouchers
from shop.cart import Carts
from shop.checkout import Checkout
from shop.errors import (
    OrderStateError,
    OutOfStockError,
    PaymentDeclinedError,
)
from shop.models import Order, OrderStatus, Product
from shop.money import Money
from shop.payments import Charge, PaymentGateway, Retries
from shop.settings import Settings
from tests import make
from tests.make import Watch

pytestmark = [pytest.mark.db, pytest.mark.cache, pytest.mark.gateway]

Sessions = sessionmaker[Session]


@pytest.fixture
def carts(cache: Redis) -> Carts:
    """Carts for an hour."""
    return Carts(cache, lifetime=timedelta(hours=1))


@pytest.fixture
def checkout(sessions: Sessions, carts: Carts, gateway: PaymentGateway, watch: Watch) -> Checkout:
    """The checkout as in production, at noon."""
    return Checkout(sessions=sessions, carts=carts, gateway=gateway, clock=watch)


@pytest.fixture
def customer_id(sessions: Sessions, carts: Carts) -> int:
    """A customer with three pieces of A in the cart; ten are in stock."""
    with sessions.begin() as session:
        make.product(session, sku="A", price_minor=1_000, stock=10)
        customer_id = make.customer(session).id
    carts.put(customer_id, "A", 3)
    return customer_id


@pytest.fixture
def stock_left(sessions: Sessions) -> Callable[[], int]:
    """What is left of A."""

    def look() -> int:
        with sessions.begin() as session:
            return session.scalars(select(Product.stock)).one()

    return look


@pytest.fixture
def seen(gateway_client: httpx2.Client) -> Callable[[str], Any]:
    """What the gateway did for a key."""
    return lambda key: gateway_client.get(f"/charges/{key}").json()["done"]


def test_a_cart_becomes_a_paid_order(
    checkout: Checkout,
    customer_id: int,
    carts: Carts,
    stock_left: Callable[[], int],
    seen: Callable[[str], Any],
) -> None:
    order = checkout.order_cart(customer_id, card="ok")

    assert (order.status, order.paid_at) == (OrderStatus.PAID, make.NOON)
    assert seen(f"charge-{order.id}")["amount"] == 3 * 1_000 + 490
    assert carts.contents(customer_id) == {}
    assert stock_left() == 7


def test_a_declined_card_cancels_the_order_and_puts_everything_back(
    checkout: Checkout, customer_id: int, sessions: Sessions, stock_left: Callable[[], int]
) -> None:
    with sessions.begin() as session:
        make.voucher(session, code="SPRING", uses_left=1)

    with pytest.raises(PaymentDeclinedError):
        checkout.order_cart(customer_id, card="declined", voucher="SPRING")

    with sessions.begin() as session:
        assert session.scalars(select(Order.status)).all() == [OrderStatus.CANCELLED]
        assert vouchers.look_up(session, "SPRING", make.NOON).amount == Money(500)
    assert stock_left() == 10


def test_what_is_short_leaves_the_cart_as_it_was(
    checkout: Checkout, customer_id: int, carts: Carts, stock_left: Callable[[], int]
) -> None:
    carts.put(customer_id, "A", 11)

    with pytest.raises(OutOfStockError):
        checkout.order_cart(customer_id, card="ok")

    assert carts.contents(customer_id) == {"A": 11}
    assert stock_left() == 10


def test_while_the_gateway_is_away_the_order_waits_and_keeps_its_stock(
    checkout: Checkout, customer_id: int, stock_left: Callable[[], int]
) -> None:
    waiting = checkout.order_cart(customer_id, card="down")
    assert (waiting.status, stock_left()) == (OrderStatus.PENDING, 7)

    paid = checkout.pay(waiting, card="ok")

    assert (paid.status, stock_left()) == (OrderStatus.PAID, 7)
    with pytest.raises(OrderStateError, match="paid cannot be paid for"):
        checkout.pay(paid, card="ok")


def test_a_cancelled_order_gets_its_money_back(
    checkout: Checkout,
    customer_id: int,
    watch: Watch,
    seen: Callable[[str], Any],
    sessions: Sessions,
) -> None:
    order = checkout.order_cart(customer_id, card="ok")
    watch.advance(hours=1)

    checkout.cancel(order.id)

    assert seen(f"refund-{order.id}")["charge"] == order.charge_id
    with sessions.begin() as session:
        assert session.get_one(Order, order.id).refunded_at == watch.now
    assert checkout.send_refunds() == 0


class UnluckyGateway(PaymentGateway):
    """Lets something else happen while it takes its time over a charge."""

    meanwhile: Callable[[], object]

    def charge(self, amount: Money, *, card: str, key: str) -> Charge:
        """Charge, with something happening meanwhile."""
        self.meanwhile()
        return super().charge(amount, card=card, key=key)


def test_an_order_that_is_cancelled_while_it_is_paid_is_refunded(
    sessions: Sessions,
    carts: Carts,
    gateway_client: httpx2.Client,
    watch: Watch,
    customer_id: int,
    stock_left: Callable[[], int],
    seen: Callable[[str], Any],
) -> None:
    gateway = UnluckyGateway(gateway_client, retries=Retries(first_wait=0.01))
    checkout = Checkout(sessions=sessions, carts=carts, gateway=gateway, clock=watch)

    def sweep() -> None:
        with sessions.begin() as session:
            orders.cancel_unpaid(session, placed_before=watch.now + timedelta(hours=1))

    gateway.meanwhile = sweep
    with pytest.raises(OrderStateError, match="was cancelled; the payment goes back"):
        checkout.order_cart(customer_id, card="ok")

    with sessions.begin() as session:
        order = session.scalars(select(Order)).one()
    assert (order.status, order.refunded_at) == (OrderStatus.CANCELLED, make.NOON)
    assert seen(f"refund-{order.id}")["charge"] == order.charge_id
    assert stock_left() == 10


def test_a_refund_that_the_gateway_does_not_take_is_sent_later(
    checkout: Checkout, customer_id: int, sessions: Sessions, carts: Carts, watch: Watch
) -> None:
    order = checkout.order_cart(customer_id, card="ok")
    with httpx2.Client(base_url="http://127.0.0.1:1") as nowhere:
        away = PaymentGateway(nowhere, retries=Retries(attempts=1))
        Checkout(sessions=sessions, carts=carts, gateway=away, clock=watch).cancel(order.id)

    with sessions.begin() as session:
        assert session.get_one(Order, order.id).refunded_at is None
    assert checkout.send_refunds() == 1


def test_a_second_card_does_not_pay_a_second_time(
    checkout: Checkout, customer_id: int, seen: Callable[[str], Any], settings: Settings
) -> None:
    hasty = httpx2.Client(base_url=settings.gateway_url, timeout=httpx2.Timeout(10, read=0.5))
    first = Checkout(
        sessions=checkout.sessions,
        carts=checkout.carts,
        gateway=PaymentGateway(hasty, retries=Retries(attempts=1)),
        clock=checkout.clock,
    ).order_cart(customer_id, card="slow-1")
    hasty.close()
    assert first.status is OrderStatus.PENDING

    paid = checkout.pay(first, card="ok")

    assert paid.charge_id == seen(f"charge-{first.id}")["id"]
    assert seen(f"charge-{first.id}")["card"] == "slow-1"
