"""The cached listing."""

import logging
import time
from collections.abc import Iterator
from datetime import timedelta

import pytest
from redis import Redis

from shop.catalogue import ProductPage, ProductSummary
from shop.listing import Listing
from shop.money import Money
from tests import waiting

pytestmark = pytest.mark.cache


class Shelf:
    """A page that counts how often it was loaded."""

    def __init__(self) -> None:
        self.loads = 0

    def __call__(self) -> ProductPage:
        self.loads += 1
        summary = ProductSummary(sku="A", name="Anchor", price=Money(self.loads), in_stock=True)
        return ProductPage(items=(summary,), total=1)


@pytest.fixture
def shelf() -> Shelf:
    """A page."""
    return Shelf()


@pytest.fixture
def listing(cache: Redis) -> Listing:
    """A listing for an hour."""
    return Listing(cache, lifetime=timedelta(hours=1))


@pytest.fixture
def unreachable() -> Iterator[Redis]:
    """A Redis that is not there: nothing listens on that port."""
    with Redis.from_url("redis://127.0.0.1:1/0", decode_responses=True, retry=None) as client:
        yield client


def test_a_page_is_loaded_once_and_comes_back_the_same(listing: Listing, shelf: Shelf) -> None:
    first = listing.page(shelf, search="", number=1, size=20)
    second = listing.page(shelf, search="", number=1, size=20)

    assert shelf.loads == 1
    assert first == second
    assert second.items[0].price == Money(1)


def test_every_question_has_its_own_page(listing: Listing, shelf: Shelf) -> None:
    for search, number, size in [("", 1, 20), ("", 2, 20), ("", 1, 10), ("bell", 1, 20)]:
        listing.page(shelf, search=search, number=number, size=size)
    assert shelf.loads == 4

    listing.page(shelf, search="  BELL ", number=1, size=20)
    assert shelf.loads == 4


def test_a_change_makes_all_pages_old(listing: Listing, shelf: Shelf) -> None:
    listing.page(shelf, search="", number=1, size=20)

    listing.invalidate()

    assert listing.page(shelf, search="", number=1, size=20).items[0].price == Money(2)


def test_a_page_that_a_change_overtakes_is_not_kept(listing: Listing, shelf: Shelf) -> None:
    def load_while_somebody_changes_a_price() -> ProductPage:
        page = shelf()
        listing.invalidate()
        return page

    listing.page(load_while_somebody_changes_a_price, search="", number=1, size=20)

    assert listing.page(shelf, search="", number=1, size=20).items[0].price == Money(2)


@pytest.mark.slow
def test_a_page_is_not_kept_for_longer_than_its_time(cache: Redis, shelf: Shelf) -> None:
    listing = Listing(cache, lifetime=timedelta(seconds=1))
    started = time.monotonic()
    listing.page(shelf, search="", number=1, size=20)

    def loaded_again() -> bool:
        listing.page(shelf, search="", number=1, size=20)
        return shelf.loads == 2

    waiting.until(loaded_again, "the page has expired")

    assert time.monotonic() - started > 1 - waiting.TOLERANCE


def test_without_redis_pages_are_loaded_every_time(
    unreachable: Redis, shelf: Shelf, caplog: pytest.LogCaptureFixture
) -> None:
    listing = Listing(unreachable, lifetime=timedelta(hours=1))

    with caplog.at_level(logging.WARNING):
        for _ in range(2):
            listing.page(shelf, search="", number=1, size=20)
        listing.invalidate()

    assert shelf.loads == 2
    assert [record.getMessage().split(",")[0].split(":")[0] for record in caplog.records] == [
        "the listing's cache does not answer"
    ] * 3
