"""The catalogue over HTTP."""

import pytest
from fastapi.testclient import TestClient
from sqlalchemy.orm import Session, sessionmaker

from tests import make
from tests.samples import sample, sample_json

pytestmark = [pytest.mark.db, pytest.mark.cache]

ANCHOR = sample_json("anchor.json")

Headers = dict[str, str]


def test_a_product_that_staff_adds_is_there_for_everybody(
    client: TestClient, staff: Headers
) -> None:
    assert client.get("/products").json() == {"items": [], "total": 0}

    added = client.post("/products", json=ANCHOR, headers=staff)

    assert added.status_code == 201
    assert client.get("/products/A-1").json() == added.json()
    assert added.json()["tiers"] == [
        {"from_quantity": 10, "price": {"amount": "45.00", "currency": "EUR"}}
    ]
    assert client.get("/products").json() == {
        "items": [
            {
                "sku": "A-1",
                "name": "Anchor",
                "price": {"amount": "49.90", "currency": "EUR"},
                "in_stock": True,
            }
        ],
        "total": 1,
    }


def test_a_product_that_is_not_right_names_the_field(client: TestClient, staff: Headers) -> None:
    for field, wrong in [("price", "cheap"), ("price", "-1"), ("sku", "a b"), ("colour", "red")]:
        refused = client.post("/products", json={**ANCHOR, field: wrong}, headers=staff)

        assert refused.status_code == 422
        assert refused.headers["content-type"] == "application/problem+json"
        assert list(refused.json()["fields"]) == [f"body.{field}"]


def test_customers_read_and_do_not_write(client: TestClient, customer: Headers) -> None:
    assert client.post("/products", json=ANCHOR, headers=customer).status_code == 403
    assert client.post("/products", json=ANCHOR).status_code == 401
    assert client.get("/products").status_code == 200


def test_a_new_price_is_seen_at_once_though_the_listing_is_cached(
    client: TestClient, staff: Headers
) -> None:
    client.post("/products", json=ANCHOR, headers=staff)
    assert client.get("/products").json()["items"][0]["price"]["amount"] == "49.90"

    changed = client.put("/products/A-1/price", json={"price": "39.90"}, headers=staff)

    assert changed.json()["price"]["amount"] == "39.90"
    assert client.get("/products").json()["items"][0]["price"]["amount"] == "39.90"


def test_a_delivery_brings_a_product_back_into_stock(
    client: TestClient, staff: Headers, sessions: sessionmaker[Session]
) -> None:
    with sessions.begin() as session:
        make.product(session, sku="A", stock=0)
    assert not client.get("/products").json()["items"][0]["in_stock"]

    assert client.post("/products/A/deliveries", json={"quantity": 5}, headers=staff).json() == {
        "stock": 5
    }

    assert client.get("/products").json()["items"][0]["in_stock"]


def test_what_was_withdrawn_is_gone(
    client: TestClient, staff: Headers, sessions: sessionmaker[Session]
) -> None:
    with sessions.begin() as session:
        make.product(session, sku="A")

    assert client.delete("/products/A", headers=staff).status_code == 204

    missing = client.get("/products/A")
    assert missing.status_code == 404
    assert missing.json() == {
        "title": "Not found",
        "status": 404,
        "detail": "there is no product A",
    }


def test_a_product_file_is_taken_as_a_whole(client: TestClient, staff: Headers) -> None:
    # As spreadsheets write it: with a byte order mark, and two characters at the end of a line.
    content = "\ufeff" + sample("products.csv").replace("\n", "\r\n")

    taken = client.post("/products/import", content=content, headers=staff)

    assert taken.json() == {"created": 4, "updated": 0}
    assert client.get("/products").json() == sample_json("listing.json")


def test_a_bad_product_file_changes_nothing(client: TestClient, staff: Headers) -> None:
    bad = {
        b"sku,name,price,stock\nA,Anchor,1,1\nB,Bell,?,0\n": "line 3: '?' is not an amount in EUR",
        b"\xff\xfe": "the file is not UTF-8",
    }

    for content, problem in bad.items():
        refused = client.post("/products/import", content=content, headers=staff)
        assert refused.status_code == 422
        assert refused.json()["problems"] == [problem]

    assert client.get("/products").json()["total"] == 0
