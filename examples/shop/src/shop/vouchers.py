"""Vouchers: who may use one, and how often."""

from datetime import datetime

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from shop.errors import VoucherError
from shop.models import Voucher
from shop.money import Money
from shop.pricing import Discount


def look_up(session: Session, code: str, now: datetime) -> Discount:
    """What the code takes off, without using it up.

    Raises:
        VoucherError: there is no such code, it has expired or is used up.
    """
    return _discount(session.get(Voucher, code.upper()), code, now)


def redeem(session: Session, code: str, now: datetime) -> Discount:
    """Use the code once. Its row stays locked until the transaction ends.

    Raises:
        VoucherError: there is no such code, it has expired or is used up.
    """
    voucher = session.scalar(
        select(Voucher)
        .where(Voucher.code == code.upper())
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    discount = _discount(voucher, code, now)
    if voucher is not None:
        voucher.uses_left -= 1
        session.flush()
    return discount


def give_back(session: Session, code: str) -> None:
    """Undo one use, because its order was cancelled."""
    session.execute(
        update(Voucher).where(Voucher.code == code).values(uses_left=Voucher.uses_left + 1)
    )


def _discount(voucher: Voucher | None, code: str, now: datetime) -> Discount:
    if voucher is None:
        raise VoucherError(f"there is no voucher {code}")
    if now >= voucher.valid_until:
        raise VoucherError(f"voucher {code} has expired")
    if not voucher.uses_left:
        raise VoucherError(f"voucher {code} is used up")
    return Discount(
        code=voucher.code,
        rate=voucher.rate,
        amount=Money(voucher.amount_minor),
        minimum=Money(voucher.minimum_minor),
    )
