"""Carts: one Redis hash for each customer, from SKU to quantity, that expires when left alone."""

from collections.abc import Mapping
from datetime import timedelta
from typing import cast

from redis import Redis

from shop.errors import CartError

MAX_LINES = 50
MAX_QUANTITY = 999

# Scripts, because each decision must hold until it is written. Redis runs them one at a time.

_PUT = """
local known = redis.call('HEXISTS', KEYS[1], ARGV[1]) == 1
if not known and redis.call('HLEN', KEYS[1]) >= tonumber(ARGV[3]) then return 0 end
redis.call('HSET', KEYS[1], ARGV[1], ARGV[2])
redis.call('PEXPIRE', KEYS[1], ARGV[4])
return 1
"""

_SETTLE = """
for i = 1, #ARGV, 2 do
  local held = tonumber(redis.call('HGET', KEYS[1], ARGV[i]) or '0')
  if held > tonumber(ARGV[i + 1]) then
    redis.call('HINCRBY', KEYS[1], ARGV[i], -tonumber(ARGV[i + 1]))
  else
    redis.call('HDEL', KEYS[1], ARGV[i])
  end
end
"""


class Carts:
    """The carts of all customers."""

    def __init__(self, cache: Redis, *, lifetime: timedelta) -> None:
        self._cache = cache
        self._lifetime = lifetime
        self._put = cache.register_script(_PUT)
        self._settle = cache.register_script(_SETTLE)

    def contents(self, customer_id: int) -> dict[str, int]:
        """What is in the cart, by SKU. Looking does not prolong its life."""
        held = cast(dict[str, str], self._cache.hgetall(_key(customer_id)))
        return {sku: int(quantity) for sku, quantity in sorted(held.items())}

    def put(self, customer_id: int, sku: str, quantity: int) -> None:
        """Set the quantity of a product, 0 for none. The cart's lifetime begins anew.

        Raises:
            CartError: too many pieces, or too many different products.
        """
        if not 0 <= quantity <= MAX_QUANTITY:
            raise CartError(f"a quantity is between 0 and {MAX_QUANTITY}")
        if quantity == 0:
            self._cache.hdel(_key(customer_id), sku)
        elif not self._put(
            keys=[_key(customer_id)],
            args=[sku, quantity, MAX_LINES, int(self._lifetime.total_seconds() * 1000)],
        ):
            raise CartError(f"a cart holds at most {MAX_LINES} different products")

    def settle(self, customer_id: int, ordered: Mapping[str, int]) -> None:
        """Take out what was ordered. What was put in meanwhile stays."""
        if ordered:
            self._settle(
                keys=[_key(customer_id)],
                args=[argument for line in ordered.items() for argument in line],
            )

    def clear(self, customer_id: int) -> None:
        """Empty the cart."""
        self._cache.delete(_key(customer_id))


def _key(customer_id: int) -> str:
    return f"cart:{customer_id}"
