"""Orders that nobody pays for do not keep their stock for ever."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from sqlalchemy import Engine, select
from sqlalchemy.orm import Session, sessionmaker

from shop import orders, stock
from shop.models import Order, OrderStatus, Product
from tests import make, waiting

pytestmark = pytest.mark.db

AN_HOUR_AGO = make.NOON - timedelta(hours=1)


def test_old_unpaid_orders_are_cancelled_and_their_stock_put_back(session: Session) -> None:
    product = make.product(session, stock=0)
    old = make.order(
        session,
        of=product,
        quantity=2,
        status=OrderStatus.PENDING,
        placed_at=AN_HOUR_AGO - timedelta(seconds=1),
    )

    assert orders.cancel_unpaid(session, placed_before=AN_HOUR_AGO) == [old.id]

    session.refresh(product)
    assert (old.status, product.stock) == (OrderStatus.CANCELLED, 2)


def test_young_orders_and_paid_ones_are_left_alone(session: Session) -> None:
    product = make.product(session)
    make.order(session, of=product, status=OrderStatus.PENDING, placed_at=AN_HOUR_AGO)
    make.order(session, of=product, placed_at=AN_HOUR_AGO - timedelta(days=1))

    assert orders.cancel_unpaid(session, placed_before=AN_HOUR_AGO) == []


def test_an_order_that_is_being_paid_is_left_for_the_next_round(
    sessions: sessionmaker[Session],
) -> None:
    with sessions.begin() as session:
        product = make.product(session)
        paying, idle = (
            make.order(
                session,
                of=product,
                status=OrderStatus.PENDING,
                placed_at=AN_HOUR_AGO - timedelta(minutes=minutes),
            ).id
            for minutes in (2, 1)
        )

    with sessions.begin() as payment, sessions.begin() as sweeper:
        orders.mark_paid(payment, paying, charge_id="ch_1", now=make.NOON)
        assert orders.cancel_unpaid(sweeper, placed_before=AN_HOUR_AGO) == [idle]

    with sessions.begin() as session:
        statuses = dict(session.execute(select(Order.id, Order.status)).all())
    assert statuses == {paying: OrderStatus.PAID, idle: OrderStatus.CANCELLED}


def test_sweeping_takes_its_locks_in_the_same_order_as_buying(
    sessions: sessionmaker[Session], engine: Engine
) -> None:
    with sessions.begin() as session:
        first, last = make.product(session), make.product(session)
        # The older order holds the product that buyers lock last.
        for minutes, product in ((2, last), (1, first)):
            make.order(
                session,
                of=product,
                status=OrderStatus.PENDING,
                placed_at=AN_HOUR_AGO - timedelta(minutes=minutes),
            )

    def sweep() -> int:
        with sessions.begin() as session:
            return len(orders.cancel_unpaid(session, placed_before=AN_HOUR_AGO))

    with ThreadPoolExecutor(1) as pool:
        with sessions.begin() as buyer:
            stock.reserve(buyer, {first.sku: 1})
            sweeping = pool.submit(sweep)
            waiting.until(lambda: waiting.for_lock(engine), "the sweeper waits for the buyer")
            # If the sweeper held this one already, each would wait for the other.
            stock.reserve(buyer, {last.sku: 1})
        assert sweeping.result(waiting.PATIENCE) == 2

    with sessions.begin() as session:
        assert session.scalars(select(Product.stock)).all() == [10, 10]
