"""Storing product files."""

import pytest
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from shop.catalogue import find
from shop.models import Product
from shop.money import Money
from shop.product_files import Imported, parse, store
from tests import make
from tests.samples import sample

pytestmark = pytest.mark.db

HEADER = "sku,name,price,stock"


def test_new_products_are_created_and_known_ones_updated(session: Session) -> None:
    make.product(session, sku="A-1", name="Old name", stock=1, description="Stays")

    imported = store(session, parse(sample("products.csv").splitlines()))
    session.expire_all()

    assert imported == Imported(created=3, updated=1)
    anchor = find(session, "A-1")
    assert (anchor.name, anchor.price, anchor.stock) == ("Anchor", Money(4_990), 3)
    assert anchor.description == "Stays"


@pytest.mark.slow
def test_a_large_file_is_taken_twice_and_counted_right(session: Session) -> None:
    lines = [HEADER, *(f"SKU-{n},Thing number {n},{n % 500}.99,{n % 7}" for n in range(20_000))]
    products = parse(lines)

    assert store(session, products) == Imported(created=20_000, updated=0)
    assert store(session, products) == Imported(created=0, updated=20_000)
    assert session.scalar(select(func.count()).select_from(Product)) == 20_000
    assert session.scalar(select(func.sum(Product.stock))) == sum(n % 7 for n in range(20_000))
