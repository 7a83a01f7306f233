"""Carts in Redis."""

import time
from datetime import timedelta

import pytest
from redis import Redis

from shop.cart import MAX_LINES, Carts
from shop.errors import CartError
from tests import waiting

pytestmark = pytest.mark.cache


@pytest.fixture
def carts(cache: Redis) -> Carts:
    """Carts for an hour."""
    return Carts(cache, lifetime=timedelta(hours=1))


def test_a_cart_holds_what_was_put_in_last(carts: Carts) -> None:
    carts.put(1, "B", 2)
    carts.put(1, "A", 1)
    carts.put(1, "B", 3)

    assert carts.contents(1) == {"A": 1, "B": 3}


def test_a_quantity_has_limits(carts: Carts) -> None:
    for quantity in (-1, 1_000):
        with pytest.raises(CartError, match="between 0 and 999"):
            carts.put(1, "A", quantity)


def test_a_full_cart_takes_more_of_the_same_but_nothing_else(carts: Carts) -> None:
    for number in range(MAX_LINES):
        carts.put(1, f"P{number}", 1)

    carts.put(1, "P0", 7)
    with pytest.raises(CartError, match="at most 50 different products"):
        carts.put(1, "one too many", 1)

    assert carts.contents(1)["P0"] == 7
    assert len(carts.contents(1)) == MAX_LINES


def test_what_was_put_in_while_ordering_stays(carts: Carts) -> None:
    for sku, quantity in {"A": 2, "B": 1, "C": 1}.items():
        carts.put(1, sku, quantity)
    ordered = carts.contents(1)
    carts.put(1, "A", 5)
    carts.put(1, "C", 0)
    carts.put(1, "D", 1)

    carts.settle(1, ordered)

    assert carts.contents(1) == {"A": 3, "D": 1}


@pytest.mark.slow
def test_a_cart_that_is_left_alone_is_emptied(cache: Redis) -> None:
    carts = Carts(cache, lifetime=timedelta(seconds=1.5))
    started = time.monotonic()
    carts.put(1, "A", 1)

    waiting.until(lambda: carts.contents(1) == {}, "the cart has expired")

    assert time.monotonic() - started > 1.5 - waiting.TOLERANCE


@pytest.mark.slow
def test_putting_something_in_begins_the_time_anew_and_looking_does_not(cache: Redis) -> None:
    carts = Carts(cache, lifetime=timedelta(seconds=60))

    def left_ms() -> int:
        return cache.pttl("cart:1")

    carts.put(1, "A", 1)
    waiting.until(lambda: left_ms() < 58_500, "some of its time is over")
    carts.contents(1)
    assert left_ms() < 58_500

    carts.put(1, "B", 1)
    assert left_ms() > 58_500
