"""Is it alive, and can it work?"""

from collections.abc import Iterator
from dataclasses import replace

import pytest
from fastapi.testclient import TestClient

from shop.api import create_app
from shop.resources import open_resources
from shop.settings import Settings

pytestmark = [pytest.mark.db, pytest.mark.cache]


def test_a_shop_with_all_its_parts_is_ready(client: TestClient) -> None:
    assert client.get("/ready").json() == {"database": "ok", "cache": "ok"}


@pytest.fixture(
    params=[
        ("database_url", "postgresql+psycopg://127.0.0.1:1/shop", "database"),
        ("cache_url", "redis://127.0.0.1:1/0", "cache"),
    ],
    ids=["database", "cache"],
)
def crippled(
    settings: Settings, request: pytest.FixtureRequest
) -> Iterator[tuple[TestClient, str]]:
    """A shop without one of its parts, and the name of that part."""
    setting, nowhere, part = request.param
    app = create_app(open_resources(replace(settings, **{setting: nowhere})))
    with TestClient(app) as client:
        yield client, part


def test_a_shop_without_one_of_its_parts_is_alive_but_not_ready(
    crippled: tuple[TestClient, str],
) -> None:
    client, part = crippled

    assert client.get("/health").json() == {"status": "ok"}
    ready = client.get("/ready")
    assert ready.status_code == 503
    assert ready.json() == {"database": "ok", "cache": "ok"} | {part: "down"}
