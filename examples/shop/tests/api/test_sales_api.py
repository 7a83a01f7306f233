"""Sales figures over HTTP."""

import pytest
from fastapi.testclient import TestClient
from sqlalchemy.orm import Session, sessionmaker

from tests import make
from tests.samples import sample_json

pytestmark = [pytest.mark.db, pytest.mark.cache]

MARCH = {"since": "2026-03-01", "until": "2026-04-01"}


@pytest.fixture(autouse=True)
def _sales(sessions: sessionmaker[Session]) -> None:
    with sessions.begin() as session:
        make.order(session, of=make.product(session, sku="A"), quantity=3, discount=1)
        make.order(session, of=make.product(session, sku="B"))


def test_days_add_up_their_orders(client: TestClient, staff: dict[str, str]) -> None:
    found = client.get("/sales/days", params=MARCH, headers=staff)

    assert found.json() == sample_json("sales_in_march.json")


def test_best_sellers_come_first_and_can_be_few(client: TestClient, staff: dict[str, str]) -> None:
    found = client.get("/sales/best-sellers", params={**MARCH, "limit": 1}, headers=staff).json()

    assert [(seller["sku"], seller["pieces"]) for seller in found] == [("A", 3)]


def test_the_export_is_a_csv_file(client: TestClient, staff: dict[str, str]) -> None:
    export = client.get("/sales/lines.csv", params=MARCH, headers=staff)

    assert export.headers["content-type"] == "text/csv; charset=utf-8"
    header, *lines = export.text.splitlines()
    assert header == "placed_at,order,sku,quantity,total"
    assert sorted(line.split(",")[2:] for line in lines) == [
        ["A", "3", "29.99"],
        ["B", "1", "10.00"],
    ]


def test_figures_are_for_staff(client: TestClient, customer: dict[str, str]) -> None:
    for path in ("/sales/days", "/sales/best-sellers", "/sales/lines.csv"):
        assert client.get(path, params=MARCH, headers=customer).status_code == 403
