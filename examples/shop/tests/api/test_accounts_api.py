"""Accounts over HTTP."""

import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta

import pytest
from fastapi.testclient import TestClient
from redis import Redis
from sqlalchemy import select
from sqlalchemy.orm import Session, sessionmaker

from shop.api import create_app
from shop.models import Customer
from shop.resources import open_resources
from shop.settings import Settings

pytestmark = [pytest.mark.db, pytest.mark.cache]

ACCOUNT = {"email": "Ada@Shop.test", "password": "correct horse battery"}


def test_whoever_registers_can_log_in_and_use_the_token(client: TestClient) -> None:
    registered = client.post("/customers", json=ACCOUNT)
    session = client.post("/sessions", json=ACCOUNT)

    assert (registered.status_code, session.status_code) == (201, 201)
    assert registered.json() == {"email": "ada@shop.test"}
    headers = {"Authorization": f"Bearer {session.json()['token']}"}
    assert client.get("/orders", headers=headers).json() == []


def test_an_address_is_taken_in_whatever_spelling(client: TestClient) -> None:
    client.post("/customers", json=ACCOUNT)

    again = client.post("/customers", json={**ACCOUNT, "email": "ADA@shop.TEST "})

    assert (again.status_code, again.json()["title"]) == (409, "Address taken")


def test_an_account_needs_an_address_and_a_password_worth_the_name(client: TestClient) -> None:
    for field, wrong in [("email", "nobody"), ("email", "a@b@c.test"), ("password", "too short")]:
        refused = client.post("/customers", json={**ACCOUNT, field: wrong})

        assert refused.status_code == 422
        assert list(refused.json()["fields"]) == [f"body.{field}"]


def test_a_wrong_password_and_an_unknown_address_look_the_same(client: TestClient) -> None:
    client.post("/customers", json=ACCOUNT)

    wrong = client.post("/sessions", json={**ACCOUNT, "password": "wrong horse battery"})
    unknown = client.post("/sessions", json={**ACCOUNT, "email": "bob@shop.test"})

    assert wrong.status_code == unknown.status_code == 401
    assert wrong.content == unknown.content


def test_guessing_is_stopped_after_five_attempts(client: TestClient) -> None:
    client.post("/customers", json=ACCOUNT)
    guess = {**ACCOUNT, "password": "wrong horse battery"}

    assert [client.post("/sessions", json=guess).status_code for _ in range(5)] == [401] * 5
    stopped = client.post("/sessions", json=ACCOUNT)

    assert stopped.status_code == 429
    assert 0 < int(stopped.headers["Retry-After"]) <= 15 * 60


def test_a_closed_account_has_no_valid_tokens(
    client: TestClient, customer: dict[str, str], sessions: sessionmaker[Session]
) -> None:
    with sessions.begin() as session:
        session.delete(session.scalars(select(Customer)).one())

    assert client.get("/orders", headers=customer).json()["detail"] == "this account was closed"


@pytest.fixture
def thorough(
    settings: Settings,
    sessions: sessionmaker[Session],  # noqa: ARG001 - empties the tables
    cache: Redis,  # noqa: ARG001 - empties Redis
) -> Iterator[TestClient]:
    """A shop whose passwords cost what they cost in production."""
    resources = open_resources(
        replace(
            settings,
            password_iterations=Settings.password_iterations,
            login_attempts=100,
            login_window=timedelta(hours=1),
        ),
    )
    with TestClient(create_app(resources)) as client:
        yield client


@pytest.mark.slow
def test_an_unknown_address_takes_as_long_as_a_wrong_password(thorough: TestClient) -> None:
    """Measured in CPU time: what else the machine does at that moment does not count."""
    thorough.post("/customers", json=ACCOUNT)

    def cost(guess: dict[str, str]) -> float:
        before = time.process_time()
        for _ in range(4):
            assert thorough.post("/sessions", json=guess).status_code == 401
        return time.process_time() - before

    wrong = cost({**ACCOUNT, "password": "wrong horse battery"})
    unknown = cost({**ACCOUNT, "email": "bob@shop.test"})

    assert 0.5 < unknown / wrong < 2


@pytest.mark.slow
def test_an_old_hash_is_replaced_at_the_next_login(
    thorough: TestClient, client: TestClient, sessions: sessionmaker[Session]
) -> None:
    client.post("/customers", json=ACCOUNT)
    stored = select(Customer.password_hash)
    with sessions.begin() as session:
        assert "$1000$" in session.scalars(stored).one()

    for _ in range(2):
        assert thorough.post("/sessions", json=ACCOUNT).status_code == 201

    with sessions.begin() as session:
        assert "$600000$" in session.scalars(stored).one()
