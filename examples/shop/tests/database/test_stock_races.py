"""Stock, when everybody wants it at once: real connections, real locks."""

from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from random import Random
from threading import Barrier

import pytest
from sqlalchemy import Engine, func, select
from sqlalchemy.orm import Session, sessionmaker

from shop import orders, stock
from shop.database import open_engine, session_factory
from shop.errors import BusyError, OutOfStockError, VoucherError
from shop.models import Order, OrderLine, OrderStatus, Product
from shop.settings import Settings
from tests import make, waiting

pytestmark = [pytest.mark.db, pytest.mark.slow]

BUYERS = 8
"""At once; fewer than the pool has connections."""

Sessions = sessionmaker[Session]


def all_at_once(work: Callable[[int], str], rounds: int = 1) -> Counter[str]:
    """Let every buyer do the work, all starting together, and count what came of it."""
    start = Barrier(BUYERS)

    def buyer(number: int) -> list[str]:
        start.wait(timeout=waiting.PATIENCE)
        return [work(number) for _ in range(rounds)]

    with ThreadPoolExecutor(BUYERS) as pool:
        return Counter(result for results in pool.map(buyer, range(BUYERS)) for result in results)


def test_the_last_pieces_are_sold_once(sessions: Sessions) -> None:
    with sessions.begin() as session:
        make.product(session, sku="A", stock=25)

    def buy(_: int) -> str:
        try:
            with sessions.begin() as session:
                stock.reserve(session, {"A": 1})
        except OutOfStockError:
            return "sold out"
        return "bought"

    assert all_at_once(buy, rounds=40) == {"bought": 25, "sold out": BUYERS * 40 - 25}
    with sessions.begin() as session:
        assert session.scalars(select(Product.stock)).all() == [0]


def test_carts_in_opposite_order_never_block_each_other_for_good(sessions: Sessions) -> None:
    skus = [f"P{number}" for number in range(6)]
    with sessions.begin() as session:
        for sku in skus:
            make.product(session, sku=sku, stock=BUYERS * 40)

    def buy(number: int) -> str:
        with sessions.begin() as session:
            stock.reserve(session, dict.fromkeys(skus if number % 2 else reversed(skus), 1))
        return "bought"

    assert all_at_once(buy, rounds=40) == {"bought": BUYERS * 40}
    with sessions.begin() as session:
        assert set(session.scalars(select(Product.stock))) == {0}


def test_ordering_and_cancelling_at_random_loses_no_piece(sessions: Sessions) -> None:
    skus = ["A", "B", "C"]
    with sessions.begin() as session:
        for sku in skus:
            make.product(session, sku=sku, stock=20)
        customers = [make.customer(session).id for _ in range(BUYERS)]
    chances = [Random(number) for number in range(BUYERS)]  # noqa: S311

    def buy(number: int) -> str:
        chance = chances[number]
        wanted = {sku: chance.randint(1, 4) for sku in chance.sample(skus, 2)}
        try:
            with sessions.begin() as session:
                order = orders.place(
                    session, customer_id=customers[number], wanted=wanted, now=make.NOON
                )
        except OutOfStockError:
            return "sold out"
        if chance.random() < 0.8:
            with sessions.begin() as session:
                orders.cancel(session, order.id)
            return "cancelled"
        return "ordered"

    outcome = all_at_once(buy, rounds=30)

    assert outcome.total() == BUYERS * 30
    assert min(outcome["sold out"], outcome["cancelled"], outcome["ordered"]) > 0
    with sessions.begin() as session:
        held = func.sum(OrderLine.quantity)
        in_orders = dict(
            session.execute(
                select(OrderLine.sku, held)
                .join_from(OrderLine, Order)
                .where(Order.status == OrderStatus.PENDING)
                .group_by(OrderLine.sku)
            ).all()
        )
        left = dict(session.execute(select(Product.sku, Product.stock)).all())
    assert {sku: left[sku] + in_orders.get(sku, 0) for sku in skus} == dict.fromkeys(skus, 20)


def test_whoever_comes_second_waits_and_sees_what_is_left(
    sessions: Sessions, engine: Engine
) -> None:
    with sessions.begin() as session:
        make.product(session, sku="A", stock=1)

    def buy() -> None:
        with sessions.begin() as session:
            # Seen before the lock, and out of date by the time that it is granted.
            assert session.scalars(select(Product.stock)).all() == [1]
            stock.reserve(session, {"A": 1})

    with ThreadPoolExecutor(1) as pool:
        with sessions.begin() as first:
            stock.reserve(first, {"A": 1})
            second = pool.submit(buy)
            waiting.until(lambda: waiting.for_lock(engine), "the second buyer waits for the lock")
        with pytest.raises(OutOfStockError):
            second.result(waiting.PATIENCE)


def test_whoever_waits_too_long_is_told_so(sessions: Sessions, settings: Settings) -> None:
    impatient = open_engine(settings.database_url, lock_timeout=1.0)
    with sessions.begin() as session:
        make.product(session, sku="A", stock=5)

    with sessions.begin() as first:
        stock.reserve(first, {"A": 1})
        with (
            pytest.raises(BusyError, match="others are buying"),
            session_factory(impatient).begin() as second,
        ):
            stock.reserve(second, {"A": 1})

    impatient.dispose()
    with sessions.begin() as session:
        assert session.scalars(select(Product.stock)).all() == [4]


def test_a_voucher_for_one_is_used_by_one(sessions: Sessions) -> None:
    with sessions.begin() as session:
        make.product(session, sku="A", stock=1_000)
        code = make.voucher(session, uses_left=3).code
        customer_id = make.customer(session).id

    def buy(_: int) -> str:
        try:
            with sessions.begin() as session:
                orders.place(
                    session,
                    customer_id=customer_id,
                    wanted={"A": 1},
                    voucher=code,
                    now=make.NOON,
                )
        except VoucherError:
            return "refused"
        return "ordered"

    assert all_at_once(buy, rounds=5) == {"ordered": 3, "refused": BUYERS * 5 - 3}
    with sessions.begin() as session:
        # Who was refused has reserved nothing.
        assert session.scalars(select(Product.stock)).all() == [997]
