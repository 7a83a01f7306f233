"""From a cart to a paid order: database, Redis and gateway together.

No transaction is open while the gateway is asked. It may take seconds, and the rows that an
order locks are the ones that everybody wants. So what was decided before and what is found after
may differ, and each step says what then.
"""

import logging
from contextlib import suppress
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy.orm import Session, sessionmaker

from shop import orders
from shop.cart import Carts
from shop.clock import Clock
from shop.errors import GatewayUnavailableError, OrderStateError, PaymentDeclinedError
from shop.models import Order, OrderStatus
from shop.payments import PaymentGateway

log = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class Checkout:
    """The way to the till."""

    sessions: sessionmaker[Session]
    carts: Carts
    gateway: PaymentGateway
    clock: Clock

    def order_cart(self, customer_id: int, *, card: str, voucher: str | None = None) -> Order:
        """Order what is in the cart, and pay for it.

        When the gateway gives no answer, the order stays as it is, pending: its stock is
        reserved, and `pay` can be tried again.

        Raises:
            PaymentDeclinedError: the order was cancelled.
            CartError, NotFoundError, OutOfStockError, BusyError, VoucherError: there is no order.
        """
        wanted = self.carts.contents(customer_id)
        with self.sessions.begin() as session:
            order = orders.place(
                session,
                customer_id=customer_id,
                wanted=wanted,
                voucher=voucher,
                now=self.clock(),
            )
        self.carts.settle(customer_id, wanted)
        try:
            return self.pay(order, card=card)
        except GatewayUnavailableError as error:
            log.warning("order %s is not paid yet: %s", order.id, error)
            return order

    def pay(self, order: Order, *, card: str) -> Order:
        """Pay for a pending order.

        Raises:
            OrderStateError: it is not pending.
            PaymentDeclinedError: it was cancelled because of that.
            GatewayUnavailableError: it stays pending.
        """
        if order.status is not OrderStatus.PENDING:
            raise OrderStateError(f"an order that is {order.status} cannot be paid for")
        try:
            # The key is the order's, not the attempt's: an attempt that timed out and this one
            # must not both take the money.
            charge = self.gateway.charge(order.total, card=card, key=f"charge-{order.id}")
        except PaymentDeclinedError:
            # Whoever cancelled it meanwhile has done the same.
            with suppress(OrderStateError), self.sessions.begin() as session:
                orders.cancel(session, order.id)
            raise
        with self.sessions.begin() as session:
            order = orders.mark_paid(session, order.id, charge_id=charge.id, now=self.clock())
        if order.status is OrderStatus.CANCELLED:
            self.send_refunds()
            raise OrderStateError(f"order {order.id} was cancelled; the payment goes back")
        return order

    def cancel(self, order_id: UUID) -> Order:
        """Cancel an order, and give back what was paid for it.

        Raises:
            OrderStateError: it was shipped or cancelled before.
        """
        with self.sessions.begin() as session:
            order = orders.cancel(session, order_id)
        self.send_refunds()
        return order

    def send_refunds(self) -> int:
        """Give back what is owed, and return how many refunds were sent.

        What the gateway does not take now stays owed until the next call.
        """
        sent = 0
        # The rows stay locked while the gateway is asked, which for once harms nobody: nothing
        # else happens to a cancelled order.
        with self.sessions.begin() as session:
            for order in orders.awaiting_refund(session):
                try:
                    self.gateway.refund(str(order.charge_id), key=f"refund-{order.id}")
                except (GatewayUnavailableError, PaymentDeclinedError) as error:
                    log.warning("the refund of order %s has to wait: %s", order.id, error)
                    continue
                order.refunded_at = self.clock()
                sent += 1
        return sent
