"""What a cart costs."""

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from shop.money import Money
from shop.pricing import Discount, Item, Tier, quote
from shop.shipping import Shipping, parcel

FREE = Shipping(price=Money(0), free_from=Money(0))


def item(**changes: Any) -> Item:
    """One piece at 10.00 EUR, 19 % VAT contained."""
    return Item(
        **{
            "sku": "A",
            "name": "A thing",
            "quantity": 1,
            "price": Money(1_000),
            "vat_rate": 1_900,
            **changes,
        }
    )


items = st.lists(
    st.builds(
        Item,
        sku=st.just("A"),
        name=st.just("A thing"),
        quantity=st.integers(1, 999),
        price=st.integers(0, 100_000).map(Money),
        vat_rate=st.sampled_from([0, 700, 1_900]),
        tiers=st.lists(
            st.builds(
                Tier,
                from_quantity=st.integers(2, 500),
                price=st.integers(0, 100_000).map(Money),
            ),
            max_size=4,
        ),
    ),
    max_size=12,
)
discounts = st.one_of(
    st.none(),
    st.builds(Discount, code=st.just("D"), rate=st.integers(1, 10_000)),
    st.builds(Discount, code=st.just("D"), amount=st.integers(1, 100_000).map(Money)),
)


def test_the_price_falls_when_a_tier_is_reached() -> None:
    tiers = [
        Tier(from_quantity=10, price=Money(900)),
        Tier(from_quantity=100, price=Money(700)),
    ]

    prices = [item(quantity=n, tiers=tiers).unit_price.minor for n in (9, 10, 99, 100)]
    assert prices == [1_000, 900, 900, 700]


def test_a_tier_above_the_price_for_one_makes_nothing_dearer() -> None:
    dearer = [Tier(from_quantity=2, price=Money(1_200))]

    assert item(quantity=5, tiers=dearer).unit_price == Money(1_000)


def test_an_empty_cart_costs_nothing_not_even_shipping() -> None:
    empty = quote([])

    assert (empty.total, empty.shipping, empty.vat) == (Money(0), Money(0), {})


def test_shipping_is_free_from_an_amount_after_discount() -> None:
    goods = [item(quantity=5)]

    assert quote(goods).shipping == Money(0)
    assert quote(goods, discount=Discount(code="D", amount=Money(1))).shipping == parcel().price


def test_the_contained_vat_is_shown_by_rate() -> None:
    priced = quote([item(quantity=2), item(price=Money(535), vat_rate=700)], shipping=FREE)

    assert priced.vat == {700: Money(35), 1_900: Money(319)}


def test_a_discount_lowers_the_vat_of_each_line_by_its_value() -> None:
    priced = quote(
        [item(price=Money(3_000)), item(price=Money(1_000), vat_rate=700)],
        discount=Discount(code="D", rate=5_000),
        shipping=FREE,
    )

    assert [line.total for line in priced.lines] == [Money(1_500), Money(500)]
    assert priced.vat == {700: Money(33), 1_900: Money(239)}


@given(items, discounts)
def test_lines_and_shipping_add_up_to_the_total(
    items: list[Item], discount: Discount | None
) -> None:
    priced = quote(items, discount=discount)

    assert sum((line.total for line in priced.lines), priced.shipping) == priced.total
    assert sum((line.discount for line in priced.lines), Money(0)) == priced.discount


@given(items, discounts)
def test_no_line_and_no_total_is_ever_below_zero(
    items: list[Item], discount: Discount | None
) -> None:
    priced = quote(items, discount=discount)

    assert all(line.total >= Money(0) for line in priced.lines)
    assert Money(0) <= sum(priced.vat.values(), Money(0)) <= priced.total
