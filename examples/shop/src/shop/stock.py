"""Stock: what is promised to one order is not promised to another."""

from collections.abc import Mapping, Sequence

from sqlalchemy import select, update
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session

from shop.errors import BusyError, NotFoundError, OutOfStockError
from shop.models import OrderLine, Product

LOCK_NOT_AVAILABLE = "55P03"
"""SQLSTATE of a statement that waited longer than `lock_timeout`."""


def reserve(session: Session, wanted: Mapping[str, int]) -> list[Product]:
    """Take the quantities (by SKU) out of stock, all or none, and return the products.

    The rows stay locked until the transaction ends. They are locked in the order of their ids:
    two carts that hold the same products never wait for each other in a circle.

    Raises:
        NotFoundError: a product is not on sale.
        OutOfStockError: of one product or more too little is left; nothing was taken.
        BusyError: another transaction kept a row locked for too long.
    """
    try:
        products = session.scalars(
            select(Product)
            .where(Product.sku.in_(wanted), Product.active)
            .order_by(Product.id)
            .with_for_update(of=Product)
            # A product that this session saw before the lock may have changed since.
            .execution_options(populate_existing=True)
        ).all()
    except OperationalError as error:
        if getattr(error.orig, "sqlstate", None) == LOCK_NOT_AVAILABLE:
            raise BusyError("others are buying the same products right now") from error
        raise
    missing = set(wanted) - {product.sku for product in products}
    if missing:
        raise NotFoundError("product", ", ".join(sorted(missing)))
    short = {
        product.sku: product.stock for product in products if product.stock < wanted[product.sku]
    }
    if short:
        raise OutOfStockError(short)
    for product in products:
        product.stock -= wanted[product.sku]
    session.flush()
    return list(products)


def release(session: Session, lines: Sequence[OrderLine]) -> None:
    """Put back what the lines had taken, in the same order of locks."""
    for line in sorted(lines, key=lambda line: line.product_id):
        session.execute(
            update(Product)
            .where(Product.id == line.product_id)
            .values(stock=Product.stock + line.quantity)
        )


def refill(session: Session, sku: str, quantity: int) -> int:
    """Add a delivery and return the new stock."""
    stock: int | None = session.scalar(
        update(Product)
        .where(Product.sku == sku)
        .values(stock=Product.stock + quantity)
        .returning(Product.stock)
    )
    if stock is None:
        raise NotFoundError("product", sku)
    return stock
