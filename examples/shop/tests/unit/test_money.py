"""Money: no cent appears, and none gets lost."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shop.money import DIGITS, Money

amounts = st.builds(Money, st.integers(-(10**12), 10**12), st.sampled_from(sorted(DIGITS)))
weights = st.lists(st.integers(0, 10**6), min_size=1, max_size=30).filter(any)


def test_an_amount_is_read_as_people_write_it() -> None:
    read = [Money.parse(text).minor for text in ("19.99", "5", "-0.5", " 007.10 ")]

    assert read == [1_999, 500, -50, 710]


def test_what_is_not_an_amount_is_refused() -> None:
    for text in ("", "1,50", "1.999", "1e3", "٣"):
        with pytest.raises(ValueError, match="is not an amount in EUR"):
            Money.parse(text)


def test_each_currency_shows_its_own_number_of_digits() -> None:
    assert str(Money(1_999)) == "19.99 EUR"
    assert str(Money(-5)) == "-0.05 EUR"
    assert str(Money(1_999, "JPY")) == "1999 JPY"
    assert str(Money(1_999, "KWD")) == "1.999 KWD"


def test_currencies_must_be_known_and_do_not_mix() -> None:
    with pytest.raises(ValueError, match="unknown currency 'XXX'"):
        Money.parse("1", "XXX")
    with pytest.raises(ValueError, match="EUR and USD do not mix"):
        Money(1) + Money(1, "USD")
    with pytest.raises(ValueError, match="EUR and USD do not mix"):
        _ = Money(1) < Money(1, "USD")


def test_half_a_cent_goes_to_the_even_neighbour() -> None:
    assert Money(50).rate(100) == Money(0)
    assert Money(150).rate(100) == Money(2)
    assert Money(250).rate(100) == Money(2)
    assert Money(-150).rate(100) == Money(-2)


def test_the_largest_remainders_get_the_odd_cents() -> None:
    assert Money(100).allocate([1, 1, 1]) == [Money(34), Money(33), Money(33)]
    assert Money(5).allocate([3, 7]) == [Money(2), Money(3)]


def test_what_has_no_weight_gets_nothing() -> None:
    assert Money(99).allocate([0, 1, 0]) == [Money(0), Money(99), Money(0)]
    assert Money(0).allocate([0, 0]) == [Money(0), Money(0)]


def test_an_amount_cannot_be_split_by_nothing() -> None:
    with pytest.raises(ValueError, match="nothing to split"):
        Money(1).allocate([0, 0])
    with pytest.raises(ValueError, match="cannot be negative"):
        Money(1).allocate([2, -1])


@given(amounts, weights)
def test_the_parts_add_up_to_the_whole(amount: Money, weights: list[int]) -> None:
    assert sum(amount.allocate(weights), Money(0, amount.currency)) == amount


@given(amounts, weights)
def test_no_part_is_a_whole_unit_away_from_its_exact_share(
    amount: Money, weights: list[int]
) -> None:
    for part, weight in zip(amount.allocate(weights), weights, strict=True):
        assert abs(part.minor * sum(weights) - amount.minor * weight) < sum(weights)


@given(amounts)
def test_an_amount_that_was_written_is_read_back(amount: Money) -> None:
    assert Money.parse(amount.amount, amount.currency) == amount
