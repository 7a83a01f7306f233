"""Stock, with one buyer at a time."""

import pytest
from sqlalchemy.orm import Session

from shop import stock
from shop.errors import NotFoundError, OutOfStockError
from tests import make

pytestmark = pytest.mark.db


def test_what_is_reserved_is_gone(session: Session) -> None:
    anchor, bell = make.product(session, stock=10), make.product(session, stock=1)

    stock.reserve(session, {anchor.sku: 4, bell.sku: 1})

    assert (anchor.stock, bell.stock) == (6, 0)


def test_if_one_product_falls_short_none_is_reserved(session: Session) -> None:
    plenty = make.product(session, stock=10)
    few, none = (
        make.product(session, sku="FEW", stock=2),
        make.product(session, sku="NONE", stock=0),
    )

    with pytest.raises(OutOfStockError) as caught:
        stock.reserve(session, {plenty.sku: 1, few.sku: 3, none.sku: 1})

    assert caught.value.available == {"FEW": 2, "NONE": 0}
    assert str(caught.value) == "not enough in stock: FEW (2 left), NONE (0 left)"
    assert (plenty.stock, few.stock) == (10, 2)


def test_what_is_not_on_sale_cannot_be_reserved(session: Session) -> None:
    product, withdrawn = make.product(session), make.product(session, sku="OLD", active=False)

    with pytest.raises(NotFoundError, match="there is no product NEW, OLD"):
        stock.reserve(session, {product.sku: 1, withdrawn.sku: 1, "NEW": 1})


def test_a_delivery_adds_to_what_is_there(session: Session) -> None:
    product = make.product(session, stock=5)

    assert stock.refill(session, product.sku, 20) == 25
    with pytest.raises(NotFoundError):
        stock.refill(session, "NEW", 1)
