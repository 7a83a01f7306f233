"""Amounts of money: whole minor units and a currency, so that no cent is ever lost."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import total_ordering

DIGITS = {"EUR": 2, "USD": 2, "GBP": 2, "CHF": 2, "JPY": 0, "KWD": 3}
"""Digits after the decimal point, by currency (ISO 4217)."""

WHOLE = 10_000
"""Rates are in basis points: 10 000 is all of it, 1 900 is 19 %."""


@total_ordering
@dataclass(frozen=True, slots=True)
class Money:
    """An amount, for instance `Money(1999)` for 19.99 EUR. Currencies never mix."""

    minor: int
    currency: str = "EUR"

    def __post_init__(self) -> None:
        if self.currency not in DIGITS:
            raise ValueError(f"unknown currency {self.currency!r}")

    @classmethod
    def parse(cls, text: str, currency: str = "EUR") -> Money:
        """Read an amount as people write it, `"19.99"` or `"-5"`.

        Raises:
            ValueError: it is not a number, or has more digits than the currency knows.
        """
        digits = DIGITS.get(currency)
        if digits is None:
            raise ValueError(f"unknown currency {currency!r}")
        match = re.fullmatch(r"(-?)([0-9]+)(?:\.([0-9]+))?", text.strip())
        if match is None or len(match[3] or "") > digits:
            raise ValueError(f"{text!r} is not an amount in {currency}")
        minor = int(match[2] + (match[3] or "").ljust(digits, "0"))
        return cls(-minor if match[1] else minor, currency)

    @property
    def amount(self) -> str:
        """The amount without its currency, with all the digits that the currency has."""
        digits = DIGITS[self.currency]
        whole, rest = divmod(abs(self.minor), 10**digits)
        sign = "-" if self.minor < 0 else ""
        return f"{sign}{whole}.{rest:0{digits}d}" if digits else f"{sign}{whole}"

    def __str__(self) -> str:
        return f"{self.amount} {self.currency}"

    def __bool__(self) -> bool:
        return self.minor != 0

    def __add__(self, other: Money) -> Money:
        return Money(self.minor + self._same(other).minor, self.currency)

    def __sub__(self, other: Money) -> Money:
        return Money(self.minor - self._same(other).minor, self.currency)

    def __neg__(self) -> Money:
        return Money(-self.minor, self.currency)

    def __mul__(self, count: int) -> Money:
        return Money(self.minor * count, self.currency)

    def __lt__(self, other: Money) -> bool:
        return self.minor < self._same(other).minor

    def rate(self, basis_points: int) -> Money:
        """That share of the amount, a half cent going to the even neighbour."""
        return self.fraction(basis_points, WHOLE)

    def fraction(self, numerator: int, denominator: int) -> Money:
        """`numerator / denominator` of the amount, a half cent going to the even neighbour."""
        return Money(_half_even(self.minor * numerator, denominator), self.currency)

    def allocate(self, weights: Sequence[int]) -> list[Money]:
        """Split the amount by weight so that the parts add up to it again.

        Every part is at most one minor unit away from its exact share (largest remainder
        method); what has no weight gets nothing.

        Raises:
            ValueError: a weight is negative, or there is something to split and no weight.
        """
        total = sum(weights)
        if any(weight < 0 for weight in weights):
            raise ValueError("a weight cannot be negative")
        if not total:
            if self:
                raise ValueError("there is nothing to split the amount by")
            return [self for _ in weights]
        sign = -1 if self.minor < 0 else 1
        shares = [divmod(abs(self.minor) * weight, total) for weight in weights]
        left = abs(self.minor) - sum(whole for whole, _ in shares)
        by_remainder = sorted(range(len(shares)), key=lambda index: -shares[index][1])
        lucky = set(by_remainder[:left])
        return [
            Money(sign * (whole + (index in lucky)), self.currency)
            for index, (whole, _) in enumerate(shares)
        ]

    def _same(self, other: Money) -> Money:
        if self.currency != other.currency:
            raise ValueError(f"{self.currency} and {other.currency} do not mix")
        return other


def _half_even(numerator: int, denominator: int) -> int:
    whole, rest = divmod(numerator, denominator)
    if 2 * rest > denominator or (2 * rest == denominator and whole % 2):
        return whole + 1
    return whole
