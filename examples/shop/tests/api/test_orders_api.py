"""Orders over HTTP."""

from collections.abc import Callable
from uuid import uuid4

import httpx2
import pytest
from fastapi.testclient import TestClient
from sqlalchemy import select
from sqlalchemy.orm import Session, sessionmaker

from shop.models import Product
from tests import make

pytestmark = [pytest.mark.db, pytest.mark.cache, pytest.mark.gateway]

Headers = dict[str, str]
Order = Callable[..., httpx2.Response]


@pytest.fixture
def order(client: TestClient, customer: Headers, sessions: sessionmaker[Session]) -> Order:
    """Orders some pieces of A, of which there are ten."""
    with sessions.begin() as session:
        make.product(session, sku="A", stock=10)

    def place(
        *, card: str = "ok", quantity: int = 1, headers: Headers = customer, key: str | None = None
    ) -> httpx2.Response:
        if quantity:
            client.put("/cart/items/A", json={"quantity": quantity}, headers=headers)
        keys = {"Idempotency-Key": key} if key else {}
        return client.post("/orders", json={"card": card}, headers=headers | keys)

    return place


@pytest.fixture
def stock_left(sessions: sessionmaker[Session]) -> Callable[[], int]:
    """What is left of A."""

    def look() -> int:
        with sessions.begin() as session:
            return session.scalars(select(Product.stock)).one()

    return look


def test_an_order_is_placed_and_paid_in_one_go(
    client: TestClient, customer: Headers, order: Order
) -> None:
    placed = order(quantity=2)

    assert placed.status_code == 201
    assert placed.json()["status"] == "paid"
    assert placed.json()["total"] == {"amount": "24.90", "currency": "EUR"}
    assert client.get(f"/orders/{placed.json()['id']}", headers=customer).json() == placed.json()
    assert client.get("/cart", headers=customer).json()["lines"] == []


def test_more_than_there_is_names_what_is_left(order: Order, stock_left: Callable[[], int]) -> None:
    refused = order(quantity=11)

    assert (refused.status_code, refused.json()["available"]) == (409, {"A": 10})
    assert stock_left() == 10


def test_a_declined_card_is_a_payment_problem(
    client: TestClient, customer: Headers, order: Order, stock_left: Callable[[], int]
) -> None:
    declined = order(card="declined")

    assert (declined.status_code, declined.json()["detail"]) == (402, "insufficient funds")
    assert [found["status"] for found in client.get("/orders", headers=customer).json()] == [
        "cancelled"
    ]
    assert stock_left() == 10


def test_while_payments_are_down_an_order_is_accepted_and_paid_later(
    client: TestClient, customer: Headers, order: Order
) -> None:
    accepted = order(card="down")
    assert (accepted.status_code, accepted.json()["status"]) == (202, "pending")
    payment = f"/orders/{accepted.json()['id']}/payment"

    still_down = client.post(payment, json={"card": "down"}, headers=customer)
    assert (still_down.status_code, still_down.headers["Retry-After"]) == (503, "5")

    paid = client.post(payment, json={"card": "ok"}, headers=customer)
    assert (paid.status_code, paid.json()["status"]) == (200, "paid")


def test_a_customer_cancels_until_it_is_shipped(
    client: TestClient,
    customer: Headers,
    staff: Headers,
    order: Order,
    stock_left: Callable[[], int],
) -> None:
    first, second = order().json()["id"], order(quantity=2).json()["id"]

    cancelled = client.post(f"/orders/{first}/cancellation", headers=customer)
    assert (cancelled.status_code, cancelled.json()["status"]) == (200, "cancelled")
    assert stock_left() == 8

    assert client.post(f"/orders/{second}/shipment", headers=staff).json()["status"] == "shipped"
    too_late = client.post(f"/orders/{second}/cancellation", headers=customer)
    assert (too_late.status_code, stock_left()) == (409, 8)


def test_the_orders_of_others_do_not_exist(
    client: TestClient, order: Order, log_in: Callable[[], Headers]
) -> None:
    order_id, stranger = order().json()["id"], log_in()

    assert client.get("/orders", headers=stranger).json() == []
    assert client.get(f"/orders/{order_id}", headers=stranger).status_code == 404
    assert client.post(f"/orders/{order_id}/cancellation", headers=stranger).status_code == 404
    assert client.get(f"/orders/{uuid4()}", headers=stranger).status_code == 404


def test_a_request_that_is_sent_twice_orders_once(
    client: TestClient, customer: Headers, order: Order, stock_left: Callable[[], int]
) -> None:
    first = order(key="the-same-key")
    again = order(key="the-same-key")

    assert (again.status_code, again.json()) == (first.status_code, first.json())
    assert "Idempotency-Replayed" not in first.headers
    assert again.headers["Idempotency-Replayed"] == "true"
    assert len(client.get("/orders", headers=customer).json()) == 1
    assert stock_left() == 9


def test_a_request_that_failed_may_be_tried_again_with_its_key(order: Order) -> None:
    assert order(quantity=11, key="the-same-key").status_code == 409
    assert order(quantity=10, key="the-same-key").status_code == 201
