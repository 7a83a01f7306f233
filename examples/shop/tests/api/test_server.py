"""The service as a process of its own: started, asked over a socket, and told to stop."""

import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import httpx2
import pytest
from fastapi.testclient import TestClient
from redis import Redis
from sqlalchemy import select
from sqlalchemy.orm import Session, sessionmaker

from shop import main
from shop.clock import utc_now
from shop.models import Order, OrderStatus
from shop.settings import Settings
from shop.tokens import Tokens
from tests import make, waiting

pytestmark = [pytest.mark.db, pytest.mark.cache, pytest.mark.gateway]


Server = tuple[subprocess.Popen[bytes], httpx2.Client]


@pytest.fixture
def server(cache: Redis) -> Iterator[Server]:  # noqa: ARG001 - empties Redis
    """A server, and somebody who talks to it.

    The socket is opened here and handed down: the port is known, and whoever connects before the
    server is up waits in the queue of the socket.
    """
    with socket.create_server(("127.0.0.1", 0), backlog=100) as listener:
        process = subprocess.Popen(  # noqa: S603
            [
                *(sys.executable, "-m", "uvicorn", "--factory", "shop.main:create"),
                *("--app-dir", "src", "--fd", str(listener.fileno()), "--log-level", "warning"),
            ],
            pass_fds=[listener.fileno()],
        )
        url = "http://{}:{}".format(*listener.getsockname())
        with httpx2.Client(base_url=url, timeout=waiting.PATIENCE) as client:
            yield process, client
    process.kill()
    process.wait()


@pytest.fixture
def tokens(settings: Settings) -> Tokens:
    """Makes tokens that the server takes. It has the real time, so these have, too."""
    return Tokens(secrets=settings.token_secrets, lifetime=settings.token_lifetime, clock=utc_now)


def bearer(tokens: Tokens, customer_id: int) -> dict[str, str]:
    """The headers that this customer sends."""
    return {"Authorization": f"Bearer {tokens.issue(customer_id)}"}


def test_the_service_starts_from_its_environment(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("TOKEN_SECRETS", "another")

    app = main.create()

    with TestClient(app) as client:
        assert client.get("/ready").json() == {"database": "ok", "cache": "ok"}
    assert app.state.resources.tokens.secrets == ("another",)


@pytest.mark.slow
def test_many_buyers_at_once_get_no_more_than_there_is(
    server: Server, sessions: sessionmaker[Session], tokens: Tokens
) -> None:
    _, client = server
    with sessions.begin() as session:
        make.product(session, sku="A", stock=30)
        buyers = [bearer(tokens, make.customer(session).id) for _ in range(40)]

    def buy(headers: dict[str, str]) -> int:
        client.put("/cart/items/A", json={"quantity": 1}, headers=headers)
        return client.post("/orders", json={"card": "ok"}, headers=headers).status_code

    with ThreadPoolExecutor(8) as pool:
        outcome = sorted(pool.map(buy, buyers))

    assert outcome == [201] * 30 + [409] * 10


@pytest.mark.slow
def test_a_server_that_is_told_to_stop_finishes_what_it_is_doing(
    server: Server, sessions: sessionmaker[Session], tokens: Tokens
) -> None:
    process, client = server
    with sessions.begin() as session:
        make.product(session, sku="A")
        headers = bearer(tokens, make.customer(session).id)
    client.put("/cart/items/A", json={"quantity": 1}, headers=headers)

    def being_paid() -> bool:
        with sessions.begin() as session:
            return session.scalars(select(Order.status)).all() == [OrderStatus.PENDING]

    with ThreadPoolExecutor(1) as pool:
        answer = pool.submit(client.post, "/orders", json={"card": "slow-1.5"}, headers=headers)
        waiting.until(being_paid, "the gateway is asked")
        process.send_signal(signal.SIGTERM)

        assert answer.result(waiting.PATIENCE).json()["status"] == "paid"
    assert process.wait(waiting.PATIENCE) in (0, -signal.SIGTERM)
