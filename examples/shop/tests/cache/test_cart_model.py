"""Any sequence of steps: carts in Redis behave like a dict."""

import os
from datetime import timedelta

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule
from redis import Redis

from shop.cart import MAX_QUANTITY, Carts

customers = st.integers(1, 2)
skus = st.sampled_from(["A", "B", "C", "ü/ %"])
quantities = st.integers(0, MAX_QUANTITY)


class CartMachine(RuleBasedStateMachine):
    """Does to a cart and to a dict the same."""

    def __init__(self) -> None:
        super().__init__()
        self.cache = Redis.from_url(os.environ["CACHE_URL"], decode_responses=True)
        self.cache.flushdb()
        self.carts = Carts(self.cache, lifetime=timedelta(hours=1))
        self.expected: dict[int, dict[str, int]] = {1: {}, 2: {}}

    @rule(customer=customers, sku=skus, quantity=quantities)
    def put(self, customer: int, sku: str, quantity: int) -> None:
        """Set a quantity."""
        self.carts.put(customer, sku, quantity)
        self.expected[customer][sku] = quantity

    @rule(customer=customers, ordered=st.dictionaries(skus, st.integers(1, MAX_QUANTITY)))
    def settle(self, customer: int, ordered: dict[str, int]) -> None:
        """Take out what was ordered, which may be more than there is."""
        self.carts.settle(customer, ordered)
        held = self.expected[customer]
        for sku, quantity in ordered.items():
            held[sku] = max(0, held.get(sku, 0) - quantity)

    @rule(customer=customers)
    def clear(self, customer: int) -> None:
        """Empty it."""
        self.carts.clear(customer)
        self.expected[customer] = {}

    @invariant()
    def holds_what_it_should(self) -> None:
        """Both carts are as expected, and nothing of an empty one is left in Redis."""
        for customer, held in self.expected.items():
            rest = {sku: quantity for sku, quantity in held.items() if quantity}
            assert self.carts.contents(customer) == rest
            assert self.cache.exists(f"cart:{customer}") == bool(rest)

    def teardown(self) -> None:
        """Give the connection back."""
        self.cache.close()


TestCart = pytest.mark.cache(pytest.mark.slow(CartMachine.TestCase))
TestCart.settings = settings(max_examples=40, stateful_step_count=30)
