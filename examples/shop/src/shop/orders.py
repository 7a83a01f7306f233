"""Orders in the database: each function is one step, inside its caller's transaction."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from shop import catalogue, pricing, stock, vouchers
from shop.errors import CartError, NotFoundError, OrderStateError
from shop.models import Order, OrderLine, OrderStatus


def place(
    session: Session,
    *,
    customer_id: int,
    wanted: Mapping[str, int],
    now: datetime,
    voucher: str | None = None,
) -> Order:
    """Reserve the products and write the order down, to be paid.

    Raises:
        CartError: nothing is wanted.
        NotFoundError, OutOfStockError, BusyError: see `stock.reserve`.
        VoucherError: see `vouchers.redeem` and `pricing.Discount.off`.
    """
    if not wanted:
        raise CartError("an empty cart cannot be ordered")
    products = stock.reserve(session, wanted)
    discount = vouchers.redeem(session, voucher, now) if voucher else None
    quote = pricing.quote(
        [catalogue.priced(product, wanted[product.sku]) for product in products],
        discount=discount,
    )
    order = Order(
        customer_id=customer_id,
        status=OrderStatus.PENDING,
        voucher_code=discount.code if discount else None,
        discount_minor=quote.discount.minor,
        shipping_minor=quote.shipping.minor,
        total_minor=quote.total.minor,
        placed_at=now,
        lines=[
            OrderLine(
                position=position,
                product_id=product.id,
                sku=product.sku,
                name=product.name,
                quantity=line.item.quantity,
                unit_price_minor=line.unit_price.minor,
                discount_minor=line.discount.minor,
                vat_rate=product.vat_rate,
            )
            for position, (product, line) in enumerate(
                zip(products, quote.lines, strict=True), start=1
            )
        ],
    )
    session.add(order)
    session.flush()
    return order


def find(session: Session, order_id: UUID, *, customer_id: int) -> Order:
    """That customer's order.

    Raises:
        NotFoundError: there is none, or it is somebody else's.
    """
    order = session.scalar(
        select(Order).where(Order.id == order_id, Order.customer_id == customer_id)
    )
    if order is None:
        raise NotFoundError("order", order_id)
    return order


def of_customer(session: Session, customer_id: int) -> Sequence[Order]:
    """All orders of a customer, the newest first."""
    return session.scalars(
        select(Order).where(Order.customer_id == customer_id).order_by(Order.placed_at.desc())
    ).all()


def mark_paid(session: Session, order_id: UUID, *, charge_id: str, now: datetime) -> Order:
    """Note that the order was paid for.

    An order that was cancelled meanwhile keeps the charge, so that it gets refunded, and stays
    cancelled.

    Raises:
        OrderStateError: it was paid before, by another charge.
    """
    order = _locked(session, order_id)
    if order.charge_id not in (None, charge_id):
        raise OrderStateError(f"order {order_id} was paid by another charge")
    order.charge_id = charge_id
    if order.status is OrderStatus.PENDING:
        order.status = OrderStatus.PAID
        order.paid_at = now
    session.flush()
    return order


def ship(session: Session, order_id: UUID) -> Order:
    """Note that a paid order is on its way."""
    order = _locked(session, order_id)
    if order.status is not OrderStatus.PAID:
        raise OrderStateError(f"an order that is {order.status} cannot be shipped")
    order.status = OrderStatus.SHIPPED
    session.flush()
    return order


def cancel(session: Session, order_id: UUID) -> Order:
    """Cancel the order and put back what it had reserved.

    Raises:
        OrderStateError: it was shipped or cancelled before.
    """
    order = _locked(session, order_id)
    if order.status not in (OrderStatus.PENDING, OrderStatus.PAID):
        raise OrderStateError(f"an order that is {order.status} cannot be cancelled")
    _undo(session, [order])
    return order


def cancel_unpaid(session: Session, *, placed_before: datetime) -> list[UUID]:
    """Cancel every order that was placed before then and still is not paid for.

    Orders that somebody is working on are left for the next round.
    """
    orders = session.scalars(
        select(Order)
        .where(Order.status == OrderStatus.PENDING, Order.placed_at < placed_before)
        .order_by(Order.placed_at)
        .with_for_update(skip_locked=True)
    ).all()
    _undo(session, orders)
    return [order.id for order in orders]


def awaiting_refund(session: Session) -> Sequence[Order]:
    """Cancelled orders whose money has not gone back, locked for whoever sends it."""
    return session.scalars(
        select(Order)
        .where(
            Order.status == OrderStatus.CANCELLED,
            Order.charge_id.is_not(None),
            Order.refunded_at.is_(None),
        )
        .order_by(Order.placed_at)
        .with_for_update(skip_locked=True)
    ).all()


def _locked(session: Session, order_id: UUID) -> Order:
    order = session.scalar(
        select(Order)
        .where(Order.id == order_id)
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    if order is None:
        raise NotFoundError("order", order_id)
    return order


def _undo(session: Session, orders: Sequence[Order]) -> None:
    # All products before all vouchers, and each in one go: taking the locks order by order would
    # take them in another sequence than `place` does.
    for order in orders:
        order.status = OrderStatus.CANCELLED
    session.flush()
    stock.release(session, [line for order in orders for line in order.lines])
    for code in sorted(order.voucher_code for order in orders if order.voucher_code is not None):
        vouchers.give_back(session, code)
