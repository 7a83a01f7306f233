"""What was sold: figures for people who run the shop. Only orders that were paid for count."""

import csv
import io
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from importlib.resources import files

from sqlalchemy import TextClause, select, text
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
    rows = session.execute(_report("sales_by_day"), {"since": since, "until": until})
    return [
        DaySales(day=row.day, orders=row.orders, pieces=row.pieces, revenue=Money(row.revenue))
        for row in rows
    ]


def best_sellers(
    session: Session, *, since: datetime, until: datetime, limit: int = 10
) -> list[BestSeller]:
    """The products that brought in the most, the best first."""
    rows = session.execute(_report("best_sellers"), {"since": since, "until": until, "most": limit})
    return [BestSeller(sku=row.sku, pieces=row.pieces, revenue=Money(row.revenue)) for row in rows]


def as_csv(session: Session, *, since: datetime, until: datetime) -> Iterator[str]:
    """All lines sold, oldest first, as pieces of a CSV file.

    The rows come through a cursor in chunks: a year of sales needs no more memory than a day.
    """
    yield _csv([["placed_at", "order", "sku", "quantity", "total"]])
    rows = session.execute(
        select(
            Order.placed_at,
            Order.id,
            OrderLine.sku,
            OrderLine.quantity,
            OrderLine.quantity * OrderLine.unit_price_minor - OrderLine.discount_minor,
        )
        .join(OrderLine, OrderLine.order_id == Order.id)
        .where(
            Order.status.in_([OrderStatus.PAID, OrderStatus.SHIPPED]),
            Order.placed_at >= since,
            Order.placed_at < until,
        )
        .order_by(Order.placed_at, Order.id, OrderLine.position),
        execution_options={"yield_per": CHUNK},
    )
    for chunk in rows.partitions():
        yield _csv(
            [placed_at.isoformat(), str(order_id), sku, str(quantity), Money(minor).amount]
            for placed_at, order_id, sku, quantity, minor in chunk
        )


def _report(name: str) -> TextClause:
    """The query of a report, as people who know SQL better than Python wrote it."""
    return text(files("shop").joinpath("data", f"{name}.sql").read_text(encoding="utf-8"))


def _csv(rows: Iterable[Sequence[str]]) -> str:
    buffer = io.StringIO()
    csv.writer(buffer, lineterminator="\n").writerows(rows)
    return buffer.getvalue()
