"""The cart over HTTP."""

import pytest
from fastapi.testclient import TestClient
from sqlalchemy.orm import Session, sessionmaker

from shop import catalogue
from tests import make

pytestmark = [pytest.mark.db, pytest.mark.cache]

Headers = dict[str, str]


@pytest.fixture(autouse=True)
def _products(sessions: sessionmaker[Session]) -> None:
    with sessions.begin() as session:
        make.product(session, sku="A", price_minor=1_000, tiers={10: 900})
        make.product(session, sku="B", price_minor=107, vat_rate=700)
        make.voucher(session, code="SPRING", amount_minor=500, minimum_minor=2_000)


def test_a_cart_shows_what_it_costs(client: TestClient, customer: Headers) -> None:
    client.put("/cart/items/A", json={"quantity": 10}, headers=customer)
    cart = client.put("/cart/items/B", json={"quantity": 1}, headers=customer).json()

    assert cart == client.get("/cart", headers=customer).json()
    assert [(line["sku"], line["unit_price"]["amount"]) for line in cart["lines"]] == [
        ("A", "9.00"),
        ("B", "1.07"),
    ]
    assert cart["total"] == {"amount": "91.07", "currency": "EUR"}
    assert {rate: vat["amount"] for rate, vat in cart["vat"].items()} == {
        "700": "0.07",
        "1900": "14.37",
    }


def test_a_voucher_is_tried_before_it_is_used(client: TestClient, customer: Headers) -> None:
    client.put("/cart/items/A", json={"quantity": 2}, headers=customer)

    tried = client.get("/cart", params={"voucher": "spring"}, headers=customer)
    assert tried.json()["discount"]["amount"] == "5.00"

    client.put("/cart/items/A", json={"quantity": 1}, headers=customer)
    refused = client.get("/cart", params={"voucher": "spring"}, headers=customer)
    assert refused.status_code == 422
    assert refused.json()["detail"] == "voucher SPRING needs an order of 20.00 EUR or more"


def test_items_are_removed_one_by_one_or_all_at_once(client: TestClient, customer: Headers) -> None:
    for sku in ("A", "B"):
        client.put(f"/cart/items/{sku}", json={"quantity": 1}, headers=customer)

    rest = client.delete("/cart/items/A", headers=customer).json()
    assert [line["sku"] for line in rest["lines"]] == ["B"]

    assert client.delete("/cart", headers=customer).status_code == 204
    assert client.get("/cart", headers=customer).json()["lines"] == []


def test_what_is_not_sold_cannot_be_put_in(client: TestClient, customer: Headers) -> None:
    unknown = client.put("/cart/items/NEW", json={"quantity": 1}, headers=customer)
    too_many = client.put("/cart/items/A", json={"quantity": 1_000}, headers=customer)

    assert (unknown.status_code, too_many.status_code) == (404, 422)
    assert client.get("/cart", headers=customer).json()["lines"] == []


def test_what_is_sold_no_longer_leaves_the_cart(
    client: TestClient, customer: Headers, sessions: sessionmaker[Session]
) -> None:
    for sku in ("A", "B"):
        client.put(f"/cart/items/{sku}", json={"quantity": 1}, headers=customer)
    with sessions.begin() as session:
        catalogue.withdraw(session, "A")

    assert [line["sku"] for line in client.get("/cart", headers=customer).json()["lines"]] == ["B"]
