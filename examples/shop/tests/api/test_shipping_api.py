"""What shipping costs, over HTTP."""

import pytest
from fastapi.testclient import TestClient

from tests.samples import sample_json

pytestmark = [pytest.mark.db, pytest.mark.cache]


def test_everybody_sees_who_takes_parcels_and_for_how_much(client: TestClient) -> None:
    found = client.get("/shipping/de")

    assert found.json() == sample_json("shipping_to_germany.json")


def test_where_the_shop_does_not_send_there_is_nothing(client: TestClient) -> None:
    missing = client.get("/shipping/XX")

    assert (missing.status_code, missing.json()["detail"]) == (404, "there is no country XX")
