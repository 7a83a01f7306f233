"""What was sold: figures for people who run the shop. Only orders that were paid for count."""

import csv
import io
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import ColumnElement, Date, cast, func, select
from sqlalchemy.orm import Session

from shop.models import Order, OrderLine, OrderStatus
from shop.money import Money

CHUNK = 1_000
"""Rows that an export holds in memory at a time."""


@dataclass(frozen=True, kw_only=True)
class DaySales:
    """One day (UTC)."""

    day: date
    orders: int
    pieces: int
    revenue: Money
    """Goods and shipping, after discounts."""


@dataclass(frozen=True, kw_only=True)
class BestSeller:
    """One product."""

    sku: str
    pieces: int
    revenue: Money
    """Goods after discounts."""


def by_day(session: Session, *, since: datetime, until: datetime) -> list[DaySales]:
    """Sales from `since` (included) to `until` (not included), days without any left out."""
    pieces = (
        select(OrderLine.order_id, func.sum(OrderLine.quantity).label("pieces"))
        .group_by(OrderLine.order_id)
        .subquery()
    )
    day = cast(Order.placed_at, Date)
    rows = session.execute(
        select(day, func.count(), func.sum(pieces.c.pieces), func.sum(Order.total_minor))
        .join(pieces, pieces.c.order_id == Order.id)
        .where(*_sold(since, until))
        .group_by(day)
        .order_by(day)
    )
    return [
        DaySales(day=on, orders=orders, pieces=int(sold), revenue=Money(int(minor)))
        for on, orders, sold, minor in rows
    ]


def best_sellers(
    session: Session, *, since: datetime, until: datetime, limit: int = 10
) -> list[BestSeller]:
    """The products that brought in the most, the best first."""
    revenue = func.sum(_line_total())
    rows = session.execute(
        select(OrderLine.sku, func.sum(OrderLine.quantity), revenue)
        .join(Order, Order.id == OrderLine.order_id)
        .where(*_sold(since, until))
        .group_by(OrderLine.sku)
        .order_by(revenue.desc(), OrderLine.sku)
        .limit(limit)
    )
    return [
        BestSeller(sku=sku, pieces=int(sold), revenue=Money(int(minor)))
        for sku, sold, minor in rows
    ]


def as_csv(session: Session, *, since: datetime, until: datetime) -> Iterator[str]:
    """All lines sold, oldest first, as pieces of a CSV file.

    The rows come through a cursor in chunks: a year of sales needs no more memory than a day.
    """
    yield _csv([["placed_at", "order", "sku", "quantity", "total"]])
    rows = session.execute(
        select(Order.placed_at, Order.id, OrderLine.sku, OrderLine.quantity, _line_total())
        .join(OrderLine, OrderLine.order_id == Order.id)
        .where(*_sold(since, until))
        .order_by(Order.placed_at, Order.id, OrderLine.position),
        execution_options={"yield_per": CHUNK},
    )
    for chunk in rows.partitions():
        yield _csv(
            [placed_at.isoformat(), str(order_id), sku, str(quantity), Money(minor).amount]
            for placed_at, order_id, sku, quantity, minor in chunk
        )


def _sold(since: datetime, until: datetime) -> tuple[ColumnElement[bool], ...]:
    return (
        Order.status.in_([OrderStatus.PAID, OrderStatus.SHIPPED]),
        Order.placed_at >= since,
        Order.placed_at < until,
    )


def _line_total() -> ColumnElement[int]:
    return OrderLine.quantity * OrderLine.unit_price_minor - OrderLine.discount_minor


def _csv(rows: Iterable[Sequence[str]]) -> str:
    buffer = io.StringIO()
    csv.writer(buffer, lineterminator="\n").writerows(rows)
    return buffer.getvalue()
