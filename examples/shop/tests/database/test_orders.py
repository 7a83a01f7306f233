"""Orders, step by step, in the database."""

from datetime import timedelta
from uuid import uuid4

import pytest
from sqlalchemy.orm import Session

from shop import orders
from shop.errors import CartError, NotFoundError, OrderStateError
from shop.models import OrderStatus
from shop.money import Money
from tests import make

pytestmark = pytest.mark.db


def test_an_order_keeps_what_was_agreed(session: Session) -> None:
    anchor = make.product(session, name="Anchor", price_minor=2_000, tiers={2: 1_800})
    bell = make.product(session, name="Bell", price_minor=500, vat_rate=700)
    customer = make.customer(session)

    order = orders.place(
        session,
        customer_id=customer.id,
        wanted={anchor.sku: 2, bell.sku: 1},
        now=make.NOON,
    )
    anchor.name, anchor.price_minor = "Gold anchor", 99_900
    session.flush()
    session.expire_all()

    found = orders.find(session, order.id, customer_id=customer.id)
    assert [
        (line.position, line.name, line.quantity, line.unit_price_minor, line.vat_rate)
        for line in found.lines
    ] == [(1, "Anchor", 2, 1_800, 1_900), (2, "Bell", 1, 500, 700)]
    assert found.total == Money(1_800 * 2 + 500 + 490)
    assert (found.status, found.placed_at) == (OrderStatus.PENDING, make.NOON)


def test_the_discount_of_a_voucher_is_spread_over_the_lines(session: Session) -> None:
    dear, cheap = make.product(session, price_minor=900), make.product(session, price_minor=100)
    voucher = make.voucher(session, amount_minor=333)

    order = orders.place(
        session,
        customer_id=make.customer(session).id,
        wanted={dear.sku: 1, cheap.sku: 1},
        voucher=voucher.code.lower(),
        now=make.NOON,
    )

    assert [line.discount_minor for line in order.lines] == [300, 33]
    assert order.total == Money(1_000 - 333 + 490)
    assert voucher.uses_left == 9


def test_an_empty_cart_cannot_be_ordered(session: Session) -> None:
    with pytest.raises(CartError, match="empty"):
        orders.place(session, customer_id=1, wanted={}, now=make.NOON)


def test_a_customers_orders_come_with_the_newest_first(session: Session) -> None:
    product, customer = make.product(session), make.customer(session)
    make.order(session, of=product)
    placed = [
        make.order(
            session,
            of=product,
            customer_id=customer.id,
            placed_at=make.NOON + timedelta(hours=hour),
        ).id
        for hour in (2, 3, 1)
    ]

    found = [order.id for order in orders.of_customer(session, customer.id)]

    assert found == [placed[1], placed[0], placed[2]]


def test_a_payment_is_noted_once(session: Session) -> None:
    order = make.order(session, of=make.product(session), status=OrderStatus.PENDING)

    orders.mark_paid(session, order.id, charge_id="ch_a", now=make.NOON)
    orders.mark_paid(session, order.id, charge_id="ch_a", now=make.NOON + timedelta(hours=1))

    assert (order.status, order.paid_at) == (OrderStatus.PAID, make.NOON)
    with pytest.raises(OrderStateError, match="another charge"):
        orders.mark_paid(session, order.id, charge_id="ch_b", now=make.NOON)


def test_a_payment_for_a_cancelled_order_is_kept_to_be_refunded(session: Session) -> None:
    order = make.order(session, of=make.product(session), status=OrderStatus.PENDING)
    orders.cancel(session, order.id)
    assert list(orders.awaiting_refund(session)) == []

    orders.mark_paid(session, order.id, charge_id="ch_late", now=make.NOON)

    assert order.status is OrderStatus.CANCELLED
    assert [owed.charge_id for owed in orders.awaiting_refund(session)] == ["ch_late"]


def test_cancelling_puts_stock_and_voucher_back(session: Session) -> None:
    product, voucher = make.product(session, stock=10), make.voucher(session, uses_left=1)
    order = orders.place(
        session,
        customer_id=make.customer(session).id,
        wanted={product.sku: 4},
        voucher=voucher.code,
        now=make.NOON,
    )
    assert (product.stock, voucher.uses_left) == (6, 0)

    orders.cancel(session, order.id)

    session.refresh(product)
    session.refresh(voucher)
    assert (product.stock, voucher.uses_left) == (10, 1)


def test_what_was_shipped_or_cancelled_is_final(session: Session) -> None:
    for status in (OrderStatus.SHIPPED, OrderStatus.CANCELLED):
        order = make.order(session, of=make.product(session), status=status)

        with pytest.raises(OrderStateError, match=f"{status} cannot be cancelled"):
            orders.cancel(session, order.id)
        with pytest.raises(OrderStateError, match=f"{status} cannot be shipped"):
            orders.ship(session, order.id)


def test_only_what_was_paid_for_is_shipped(session: Session) -> None:
    product = make.product(session)
    paid, unpaid = (
        make.order(session, of=product, status=status)
        for status in (OrderStatus.PAID, OrderStatus.PENDING)
    )

    assert orders.ship(session, paid.id).status is OrderStatus.SHIPPED
    with pytest.raises(OrderStateError, match="pending cannot be shipped"):
        orders.ship(session, unpaid.id)
    with pytest.raises(NotFoundError):
        orders.ship(session, uuid4())
