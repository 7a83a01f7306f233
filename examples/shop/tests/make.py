"""Makes things to test with. Each call makes a new one; what matters to a test, it says itself."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any

from sqlalchemy.orm import Session

from shop.models import Customer, Order, OrderLine, OrderStatus, PriceTier, Product, Voucher

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
"""The time at which tests happen: a Monday."""

_numbers = count(1)


class Watch:
    """A clock that stands still until it is told to go on."""

    def __init__(self, now: datetime = NOON) -> None:
        self.now = now

    def __call__(self) -> datetime:
        return self.now

    def advance(self, **time: float) -> None:
        """Go on, as in `advance(minutes=5)`."""
        self.now += timedelta(**time)


def product(session: Session, *, tiers: Mapping[int, int] | None = None, **changes: Any) -> Product:
    """A product at 10.00 EUR of which 10 are left; `tiers` from quantity to price in cents."""
    number = next(_numbers)
    made = Product(
        **{
            "sku": f"SKU-{number}",
            "name": f"Product {number}",
            "price_minor": 1_000,
            "stock": 10,
            "tiers": [
                PriceTier(from_quantity=quantity, price_minor=price)
                for quantity, price in (tiers or {}).items()
            ],
            **changes,
        }
    )
    session.add(made)
    session.flush()
    return made


def customer(session: Session, **changes: Any) -> Customer:
    """A customer who cannot log in, for lack of a password."""
    made = Customer(
        **{"email": f"customer-{next(_numbers)}@shop.test", "password_hash": "none", **changes}
    )
    session.add(made)
    session.flush()
    return made


def voucher(session: Session, **changes: Any) -> Voucher:
    """A voucher for 5.00 EUR that can be used ten times and is valid for a day."""
    made = Voucher(
        **{
            "code": f"VOUCHER-{next(_numbers)}",
            "amount_minor": 500,
            "uses_left": 10,
            "valid_until": NOON + timedelta(days=1),
            **changes,
        }
    )
    session.add(made)
    session.flush()
    return made


def order(
    session: Session, *, of: Product, quantity: int = 1, discount: int = 0, **changes: Any
) -> Order:
    """A paid order of one product, placed at noon; `discount` in cents."""
    status = changes.get("status", OrderStatus.PAID)
    made = Order(
        **{
            "customer_id": changes.get("customer_id") or customer(session).id,
            "status": status,
            "charge_id": f"ch_{next(_numbers)}" if status is OrderStatus.PAID else None,
            "placed_at": NOON,
            "discount_minor": discount,
            "total_minor": of.price_minor * quantity - discount,
            "lines": [
                OrderLine(
                    position=1,
                    product_id=of.id,
                    sku=of.sku,
                    name=of.name,
                    quantity=quantity,
                    unit_price_minor=of.price_minor,
                    discount_minor=discount,
                    vat_rate=1_900,
                )
            ],
            **changes,
        }
    )
    session.add(made)
    session.flush()
    return made
