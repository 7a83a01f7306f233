"""The caller's orders over HTTP."""

from collections.abc import Callable
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Header
from fastapi.responses import JSONResponse

from shop import idempotency, orders
from shop.api.context import Caller, LoggedIn, Shop, Staff
from shop.api.schemas import OrderIn, OrderOut, PaymentIn
from shop.idempotency import Answer
from shop.models import OrderStatus

router = APIRouter(prefix="/orders", tags=["orders"])

Key = Annotated[str | None, Header(alias="Idempotency-Key", min_length=8, max_length=100)]


@router.post("", response_model=OrderOut, status_code=201)
def place(shop: Shop, caller: LoggedIn, wanted: OrderIn, key: Key = None) -> JSONResponse:
    """Order and pay what is in the cart: 201 when it is paid, 202 while the gateway is away."""

    def work() -> Answer:
        order = shop.checkout.order_cart(caller.id, card=wanted.card, voucher=wanted.voucher)
        return Answer(
            201 if order.status is OrderStatus.PAID else 202,
            OrderOut.of(order).model_dump(mode="json"),
        )

    if key is None:
        answer = work()
        return JSONResponse(answer.body, answer.status_code)
    return _once(shop, caller, key, {"place": wanted.model_dump()}, work)


@router.get("")
def index(shop: Shop, caller: LoggedIn) -> list[OrderOut]:
    """The caller's orders, the newest first."""
    with shop.sessions.begin() as session:
        return [OrderOut.of(order) for order in orders.of_customer(session, caller.id)]


@router.get("/{order_id}")
def show(shop: Shop, caller: LoggedIn, order_id: UUID) -> OrderOut:
    """One order."""
    with shop.sessions.begin() as session:
        return OrderOut.of(orders.find(session, order_id, customer_id=caller.id))


@router.post("/{order_id}/payment")
def pay(shop: Shop, caller: LoggedIn, order_id: UUID, payment: PaymentIn) -> OrderOut:
    """Pay for an order that is still pending."""
    with shop.sessions.begin() as session:
        order = orders.find(session, order_id, customer_id=caller.id)
    return OrderOut.of(shop.checkout.pay(order, card=payment.card))


@router.post("/{order_id}/cancellation")
def cancel(shop: Shop, caller: LoggedIn, order_id: UUID) -> OrderOut:
    """Cancel an order that has not been shipped."""
    with shop.sessions.begin() as session:
        orders.find(session, order_id, customer_id=caller.id)
    return OrderOut.of(shop.checkout.cancel(order_id))


@router.post("/{order_id}/shipment")
def ship(shop: Shop, _: Staff, order_id: UUID) -> OrderOut:
    """Send a paid order on its way."""
    with shop.sessions.begin() as session:
        return OrderOut.of(orders.ship(session, order_id))


def _once(
    shop: Shop, caller: Caller, key: str, request: object, work: Callable[[], Answer]
) -> JSONResponse:
    with shop.sessions.begin() as session:
        earlier = idempotency.claim(
            session, customer_id=caller.id, key=key, mark=idempotency.fingerprint(request)
        )
    if earlier is not None:
        return JSONResponse(
            earlier.body, earlier.status_code, headers={"Idempotency-Replayed": "true"}
        )
    try:
        answer = work()
    except Exception:
        with shop.sessions.begin() as session:
            idempotency.abandon(session, customer_id=caller.id, key=key)
        raise
    with shop.sessions.begin() as session:
        idempotency.settle(session, customer_id=caller.id, key=key, answer=answer)
    return JSONResponse(answer.body, answer.status_code)
