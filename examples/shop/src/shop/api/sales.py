"""What was sold, for the shop's staff."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, time
from typing import Annotated

from fastapi import APIRouter, Query
from fastapi.responses import StreamingResponse

from shop import sales
from shop.api.context import Shop, Staff
from shop.api.schemas import BestSellerOut, DaySalesOut

router = APIRouter(prefix="/sales", tags=["sales"])


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time(), UTC)


@router.get("/days")
def days(shop: Shop, _: Staff, since: date, until: date) -> list[DaySalesOut]:
    """Sales by day, `until` not included."""
    with shop.sessions.begin() as session:
        found = sales.by_day(session, since=_midnight(since), until=_midnight(until))
    return [DaySalesOut.of(day) for day in found]


@router.get("/best-sellers")
def best_sellers(
    shop: Shop,
    _: Staff,
    since: date,
    until: date,
    limit: Annotated[int, Query(ge=1, le=100)] = 10,
) -> list[BestSellerOut]:
    """The products that brought in the most."""
    with shop.sessions.begin() as session:
        found = sales.best_sellers(
            session, since=_midnight(since), until=_midnight(until), limit=limit
        )
    return [BestSellerOut.of(seller) for seller in found]


@router.get("/lines.csv")
def lines(shop: Shop, _: Staff, since: date, until: date) -> StreamingResponse:
    """Everything sold, as a CSV file."""

    def rows() -> Iterator[str]:
        with shop.sessions.begin() as session:
            yield from sales.as_csv(session, since=_midnight(since), until=_midnight(until))

    return StreamingResponse(rows(), media_type="text/csv; charset=utf-8")
