"""Sales figures."""

import csv
import tracemalloc
from collections import Counter
from collections.abc import Iterator
from datetime import date, timedelta

import pytest
from sqlalchemy import Engine, text
from sqlalchemy.orm import Session

from shop import sales
from shop.models import OrderStatus
from shop.money import Money
from shop.sales import BestSeller, DaySales
from tests import make
from tests.samples import sample

pytestmark = pytest.mark.db

SINCE = make.NOON - timedelta(days=30)
UNTIL = make.NOON + timedelta(days=1)
ORDERS = 20_000


def test_a_day_sums_up_its_orders_pieces_and_revenue(session: Session) -> None:
    product = make.product(session, price_minor=1_000)
    make.order(session, of=product, quantity=2)
    make.order(session, of=product, quantity=3, discount=500)
    make.order(session, of=product, placed_at=make.NOON - timedelta(days=2))

    assert sales.by_day(session, since=SINCE, until=UNTIL) == [
        DaySales(day=date(2026, 2, 28), orders=1, pieces=1, revenue=Money(1_000)),
        DaySales(day=date(2026, 3, 2), orders=2, pieces=5, revenue=Money(4_500)),
    ]


def test_what_was_not_paid_for_was_not_sold(session: Session) -> None:
    product = make.product(session)
    for status in (OrderStatus.PENDING, OrderStatus.CANCELLED):
        make.order(session, of=product, status=status)

    assert sales.by_day(session, since=SINCE, until=UNTIL) == []
    assert sales.best_sellers(session, since=SINCE, until=UNTIL) == []


def test_the_first_moment_counts_and_the_last_does_not(session: Session) -> None:
    product = make.product(session)
    make.order(session, of=product, placed_at=make.NOON)

    after = make.NOON + timedelta(seconds=1)
    assert len(sales.by_day(session, since=make.NOON, until=after)) == 1
    assert sales.by_day(session, since=make.NOON - timedelta(days=1), until=make.NOON) == []


def test_the_best_seller_is_the_one_that_brings_in_the_most(session: Session) -> None:
    dear = make.product(session, sku="DEAR", price_minor=10_000)
    cheap = make.product(session, sku="CHEAP", price_minor=100)
    make.order(session, of=dear, discount=1_000)
    make.order(session, of=cheap, quantity=50)

    assert sales.best_sellers(session, since=SINCE, until=UNTIL, limit=2) == [
        BestSeller(sku="DEAR", pieces=1, revenue=Money(9_000)),
        BestSeller(sku="CHEAP", pieces=50, revenue=Money(5_000)),
    ]


@pytest.fixture(scope="module")
def busy_month(engine: Engine) -> Iterator[Session]:
    """Twenty thousand orders of one to three lines, made once for the tests that need them."""
    with engine.connect() as connection:
        outer = connection.begin()
        with Session(connection, join_transaction_mode="create_savepoint") as session:
            products = [make.product(session, sku=f"P{number}").id for number in range(50)]
            session.execute(
                text(sample("busy_month.sql")),
                {
                    "customer": make.customer(session).id,
                    "since": SINCE,
                    "orders": ORDERS,
                    "product": products[0],
                },
            )
            session.execute(
                text(
                    "UPDATE orders SET total_minor ="
                    " (SELECT sum(quantity * unit_price_minor) FROM order_lines"
                    " WHERE order_id = orders.id)"
                )
            )
            session.execute(text("ANALYZE orders, order_lines"))
            yield session
        outer.rollback()


@pytest.mark.slow
def test_a_busy_month_adds_up_to_the_same_by_day_and_by_hand(busy_month: Session) -> None:
    pieces: Counter[date] = Counter()
    revenue: Counter[date] = Counter()
    for n in range(ORDERS):
        if n % 10:
            day = (SINCE + timedelta(minutes=2 * n)).date()
            lines = 1 + n % 3
            pieces[day] += lines * (1 + n % 4)
            revenue[day] += lines * (1 + n % 4) * (100 + n % 900)

    found = sales.by_day(busy_month, since=SINCE, until=UNTIL)

    assert {day.day: day.pieces for day in found} == pieces
    assert {day.day: day.revenue.minor for day in found} == revenue


@pytest.mark.slow
def test_an_export_of_many_rows_holds_few_of_them_in_memory(busy_month: Session) -> None:
    tracemalloc.start()
    rows = total = 0
    for piece in sales.as_csv(busy_month, since=SINCE, until=UNTIL):
        for row in csv.reader(piece.splitlines()):
            if row[0] != "placed_at":
                rows += 1
                total += Money.parse(row[4]).minor
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    days = sales.by_day(busy_month, since=SINCE, until=UNTIL)
    assert rows == sum(1 + n % 3 for n in range(ORDERS) if n % 10)
    assert total == sum(day.revenue.minor for day in days)
    assert peak < 5_000_000
