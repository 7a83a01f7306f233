"""What a parcel costs, by country."""

import csv

import pytest

from shop.countries import find
from shop.errors import NotFoundError
from shop.money import Money
from shop.shipping import carriers, parcel
from tests.samples import sample

PARCELS = list(csv.DictReader(sample("parcels.csv").splitlines()))


@pytest.mark.parametrize("case", PARCELS, ids=lambda case: f"{case['country']}-{case['goods']}")
def test_a_parcel_costs_what_the_cheapest_carrier_takes(case: dict[str, str]) -> None:
    cost = parcel(case["country"]).cost(Money.parse(case["goods"]))

    assert cost == Money.parse(case["costs"])


def test_the_cheapest_carrier_comes_first() -> None:
    names = [carrier.name for carrier in carriers("nl")]

    assert names == ["Canal Post", "Harbour Parcel"]


def test_each_country_has_its_rates_of_vat() -> None:
    rates = {code: (find(code).standard_rate, find(code).reduced_rate) for code in ("DE", "fr")}

    assert rates == {"DE": (1_900, 700), "fr": (2_000, 550)}


def test_the_shop_does_not_send_everywhere() -> None:
    with pytest.raises(NotFoundError, match="there is no country XX"):
        carriers("XX")
