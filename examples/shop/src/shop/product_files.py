"""Product files: CSV with one product per line, taken as a whole or not at all."""

import csv
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from sqlalchemy import Boolean, literal_column
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from shop.catalogue import NewProduct
from shop.errors import ProductFileError
from shop.models import Product
from shop.money import Money

COLUMNS = ("sku", "name", "price", "stock")


@dataclass(frozen=True)
class Imported:
    """What a file changed."""

    created: int
    updated: int


def parse(lines: Iterable[str]) -> list[NewProduct]:
    """Read a product file.

    Raises:
        ProductFileError: at least one line is bad; all bad lines are named.
    """
    reader = csv.DictReader(lines)
    if tuple(reader.fieldnames or ()) != COLUMNS:
        raise ProductFileError([f"line 1: the columns must be {', '.join(COLUMNS)}"])
    products: dict[str, NewProduct] = {}
    problems: list[str] = []
    for row in reader:
        try:
            product = _product(row)
            if product.sku in products:
                raise ValueError(f"{product.sku} was on an earlier line")
            products[product.sku] = product
        except ValueError as problem:
            problems.append(f"line {reader.line_num}: {problem}")
    if problems:
        raise ProductFileError(problems)
    return list(products.values())


def store(session: Session, products: Sequence[NewProduct]) -> Imported:
    """Create the products that are new, and update the others."""
    if not products:
        return Imported(created=0, updated=0)
    statement = insert(Product)
    changed = {name: statement.excluded[name] for name in ("name", "price_minor", "stock")}
    # A row that was inserted has never been locked or deleted: its xmax is 0.
    rows = session.scalars(
        statement.on_conflict_do_update(index_elements=[Product.sku], set_=changed).returning(
            literal_column("(xmax = 0)", Boolean)
        ),
        [
            {
                "sku": product.sku,
                "name": product.name,
                "price_minor": product.price.minor,
                "stock": product.stock,
            }
            for product in products
        ],
    ).all()
    created = sum(rows)
    return Imported(created=created, updated=len(rows) - created)


def _product(row: dict[str, str | None]) -> NewProduct:
    if None in row or None in row.values():
        raise ValueError(f"there must be {len(COLUMNS)} fields")
    sku, name = (row["sku"] or "").strip(), (row["name"] or "").strip()
    if not sku or not name:
        raise ValueError("sku and name must not be empty")
    price = Money.parse(row["price"] or "")
    if price < Money(0):
        raise ValueError(f"the price {price} is negative")
    stock = row["stock"] or ""
    if not stock.isdecimal():
        raise ValueError(f"the stock {stock!r} is not a whole number")
    return NewProduct(sku=sku, name=name, price=price, stock=int(stock))
