"""What a cart costs: quantity prices, a discount, shipping, and the VAT that is contained.

Prices are gross, as customers see them. Nothing here knows a database.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

from shop.countries import HOME, find
from shop.errors import VoucherError
from shop.money import WHOLE, Money
from shop.shipping import Shipping, parcel


@dataclass(frozen=True, kw_only=True)
class Tier:
    """A lower price for whoever takes more."""

    from_quantity: int
    price: Money


@dataclass(frozen=True, kw_only=True)
class Item:
    """A product and how many of it."""

    sku: str
    name: str
    quantity: int
    price: Money
    """For one piece, gross."""

    vat_rate: int
    """Basis points."""

    tiers: Sequence[Tier] = ()

    @property
    def unit_price(self) -> Money:
        """The best price that the quantity earns."""
        return min(
            [self.price]
            + [tier.price for tier in self.tiers if self.quantity >= tier.from_quantity]
        )


@dataclass(frozen=True, kw_only=True)
class Discount:
    """Money off the whole order: a share of it, or a fixed amount."""

    code: str
    rate: int = 0
    """Basis points; 0 where the discount is an amount."""

    amount: Money = field(default=Money(0))
    minimum: Money = field(default=Money(0))
    """The order must be worth that much before the discount."""

    def off(self, subtotal: Money) -> Money:
        """What is taken off; never more than there is.

        Raises:
            VoucherError: the order is not worth enough.
        """
        if subtotal < self.minimum:
            raise VoucherError(f"voucher {self.code} needs an order of {self.minimum} or more")
        return min(subtotal, subtotal.rate(self.rate) + self.amount)


@dataclass(frozen=True, kw_only=True)
class Line:
    """One item of a quote, priced."""

    item: Item
    unit_price: Money
    discount: Money
    total: Money
    """Unit price times quantity, less the discount."""


@dataclass(frozen=True, kw_only=True)
class Quote:
    """What is to be paid, and how it comes about."""

    lines: tuple[Line, ...]
    subtotal: Money
    discount: Money
    shipping: Money
    total: Money
    vat: dict[int, Money]
    """The VAT contained in the total, by rate in basis points."""


def quote(
    items: Sequence[Item], *, discount: Discount | None = None, shipping: Shipping | None = None
) -> Quote:
    """Price the items; they go by the cheapest parcel at home unless `shipping` is given.

    The discount is spread over the lines by their value, to the cent, because each line may
    have its own VAT rate and may be returned on its own.

    Raises:
        VoucherError: the discount does not apply to these items.
    """
    goods = [item.unit_price * item.quantity for item in items]
    subtotal = sum(goods, Money(0))
    off = discount.off(subtotal) if discount else Money(0)
    shares = off.allocate([value.minor for value in goods])
    lines = tuple(
        Line(item=item, unit_price=item.unit_price, discount=share, total=value - share)
        for item, value, share in zip(items, goods, shares, strict=True)
    )
    postage = (shipping or parcel()).cost(subtotal - off) if items else Money(0)
    return Quote(
        lines=lines,
        subtotal=subtotal,
        discount=off,
        shipping=postage,
        total=subtotal - off + postage,
        vat=_contained_vat(lines, postage),
    )


def _contained_vat(lines: Sequence[Line], postage: Money) -> dict[int, Money]:
    gross: dict[int, Money] = {}
    for rate, value in [(line.item.vat_rate, line.total) for line in lines] + [
        (find(HOME).standard_rate, postage)
    ]:
        gross[rate] = gross.get(rate, Money(0)) + value
    return {
        rate: value.fraction(rate, WHOLE + rate) for rate, value in sorted(gross.items()) if value
    }
