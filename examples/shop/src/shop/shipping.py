"""What a parcel costs, by country and carrier; the carriers' prices are in `data/carriers.csv`."""

import csv
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

from shop.countries import HOME, find
from shop.money import Money


@dataclass(frozen=True, kw_only=True)
class Shipping:
    """One price for a parcel, and none for a large order."""

    price: Money
    free_from: Money

    def cost(self, goods: Money) -> Money:
        """For goods of this value, after discount."""
        return Money(0, goods.currency) if goods >= self.free_from else self.price


@dataclass(frozen=True, kw_only=True)
class Carrier:
    """Somebody who takes parcels to a country."""

    country: str
    name: str
    days: int
    """Until the parcel is there, usually."""

    shipping: Shipping


def carriers(country: str) -> Sequence[Carrier]:
    """Who takes parcels to a country, the cheapest first.

    Raises:
        NotFoundError: the shop does not send there.
    """
    code = find(country).code
    there = [carrier for carrier in _table() if carrier.country == code]
    return sorted(there, key=lambda carrier: (carrier.shipping.price, carrier.days))


def parcel(country: str = HOME) -> Shipping:
    """What the cheapest parcel to a country costs."""
    return carriers(country)[0].shipping


@cache
def _table() -> tuple[Carrier, ...]:
    text = files("shop").joinpath("data", "carriers.csv").read_text(encoding="utf-8")
    return tuple(
        Carrier(
            country=row["country"],
            name=row["carrier"],
            days=int(row["days"]),
            shipping=Shipping(
                price=Money.parse(row["price"]), free_from=Money.parse(row["free_from"])
            ),
        )
        for row in csv.DictReader(text.splitlines())
    )
