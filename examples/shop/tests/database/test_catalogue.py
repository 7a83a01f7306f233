"""The catalogue in the database."""

import pytest
from sqlalchemy import select, text
from sqlalchemy.orm import Session

from shop import catalogue
from shop.catalogue import NewProduct
from shop.errors import AlreadyExistsError, NotFoundError
from shop.models import OrderLine
from shop.money import Money
from shop.pricing import Tier
from tests import make

pytestmark = pytest.mark.db


def names(page: catalogue.ProductPage) -> list[str]:
    """The names on a page."""
    return [item.name for item in page.items]


def test_a_product_is_found_by_its_sku_with_its_tiers_in_order(session: Session) -> None:
    tiers = [Tier(from_quantity=50, price=Money(700)), Tier(from_quantity=5, price=Money(900))]
    catalogue.add(session, NewProduct(sku="A", name="Anchor", price=Money(1_000), tiers=tiers))
    session.expire_all()

    found = catalogue.find(session, "A")

    assert found.price == Money(1_000)
    assert catalogue.priced(found, 60).tiers == tiers[::-1]
    assert catalogue.priced(found, 60).unit_price == Money(700)


def test_a_sku_is_given_once(session: Session) -> None:
    make.product(session, sku="A")

    with pytest.raises(AlreadyExistsError, match="product A exists already"):
        catalogue.add(session, NewProduct(sku="A", name="Another", price=Money(1)))


def test_a_new_price_leaves_orders_alone(session: Session) -> None:
    product = make.product(session, sku="A", price_minor=1_000)
    make.order(session, of=product)

    catalogue.set_price(session, "A", Money(1_500))

    assert catalogue.find(session, "A").price == Money(1_500)
    assert session.scalars(select(OrderLine.unit_price_minor)).all() == [1_000]


def test_a_product_that_was_withdrawn_is_not_found_any_more(session: Session) -> None:
    make.product(session, sku="A")

    catalogue.withdraw(session, "A")

    assert catalogue.page(session).total == 0
    with pytest.raises(NotFoundError, match="there is no product A"):
        catalogue.find(session, "A")


def test_pages_are_in_order_of_name_and_know_how_many_there_are(session: Session) -> None:
    for name in ["Compass", "Anchor", "Bell", "Dinghy", "Ensign"]:
        make.product(session, name=name)

    second = catalogue.page(session, number=2, size=2)

    assert names(second) == ["Compass", "Dinghy"]
    assert second.total == 5
    assert names(catalogue.page(session, number=4, size=2)) == []


def test_search_wants_whole_words_from_name_or_description(session: Session) -> None:
    make.product(session, name="Bell", description="Solid brass")
    make.product(session, name="Lamp", description="Brass and glass")
    make.product(session, name="Anchor", description="Iron")

    def found(search: str) -> list[str]:
        return names(catalogue.page(session, search=search))

    assert found("brass") == ["Bell", "Lamp"]
    assert found("BRASS lamp") == found("brass & !lamp'") == ["Lamp"]
    assert found("bras") == []


@pytest.mark.slow
def test_search_uses_its_index_in_a_large_catalogue(session: Session) -> None:
    session.execute(
        text(
            "INSERT INTO products (sku, name, description, price_minor)"
            " SELECT 'SKU-' || n, 'Thing ' || n, 'model' || n % 1000 || ' ' || md5(n::text), n"
            " FROM generate_series(1, 30000) n"
        )
    )
    # What autovacuum does in time: file the new entries, and count the rows.
    session.execute(text("SELECT gin_clean_pending_list('ix_products_search')"))
    session.execute(text("ANALYZE products"))

    assert catalogue.page(session, search="model7").total == 30
    plan = session.scalars(
        text(
            "EXPLAIN SELECT id FROM products"
            " WHERE active AND search @@ plainto_tsquery('simple', 'model7')"
        )
    ).all()
    assert any("ix_products_search" in step for step in plan), plan
