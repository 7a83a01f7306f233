"""Vouchers."""

import pytest
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from shop import vouchers
from shop.errors import VoucherError
from tests import make

pytestmark = pytest.mark.db


def test_a_voucher_is_used_up(session: Session) -> None:
    make.voucher(session, code="ONCE", uses_left=1)

    vouchers.redeem(session, "ONCE", make.NOON)

    with pytest.raises(VoucherError, match="used up"):
        vouchers.redeem(session, "ONCE", make.NOON)


def test_an_expired_code_is_refused_and_so_is_a_made_up_one(session: Session) -> None:
    voucher = make.voucher(session, code="OLD", valid_until=make.NOON)

    with pytest.raises(VoucherError, match="expired"):
        vouchers.redeem(session, "OLD", make.NOON)
    with pytest.raises(VoucherError, match="there is no voucher GUESSED"):
        vouchers.redeem(session, "GUESSED", make.NOON)
    assert voucher.uses_left == 10


def test_a_voucher_is_a_rate_or_an_amount_and_never_both(session: Session) -> None:
    with pytest.raises(IntegrityError, match="rate_or_amount"):
        make.voucher(session, rate=1_000, amount_minor=500)
