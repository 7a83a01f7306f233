"""The shop over HTTP, in this process: no server, but everything else is real."""

from collections.abc import Callable, Iterator

import pytest
from fastapi.testclient import TestClient
from redis import Redis
from sqlalchemy.orm import Session, sessionmaker

from shop.api import create_app
from shop.resources import Resources, open_resources
from shop.settings import Settings
from tests import make
from tests.make import Watch

LogIn = Callable[..., dict[str, str]]


@pytest.fixture
def resources(
    settings: Settings,
    watch: Watch,
    sessions: sessionmaker[Session],  # noqa: ARG001 - empties the tables
    cache: Redis,  # noqa: ARG001 - empties Redis
) -> Iterator[Resources]:
    """What the application works with."""
    resources = open_resources(settings, clock=watch)
    yield resources
    resources.close()


@pytest.fixture
def client(resources: Resources) -> Iterator[TestClient]:
    """Somebody who is not logged in."""
    with TestClient(create_app(resources)) as client:
        yield client


@pytest.fixture
def log_in(sessions: sessionmaker[Session], resources: Resources) -> LogIn:
    """Makes a customer, or one of the staff, and returns the headers that they send."""

    def make_headers(*, is_staff: bool = False) -> dict[str, str]:
        with sessions.begin() as session:
            customer_id = make.customer(session, is_staff=is_staff).id
        return {"Authorization": f"Bearer {resources.tokens.issue(customer_id)}"}

    return make_headers


@pytest.fixture
def customer(log_in: LogIn) -> dict[str, str]:
    """The headers of a customer."""
    return log_in()


@pytest.fixture
def staff(log_in: LogIn) -> dict[str, str]:
    """The headers of one of the staff."""
    return log_in(is_staff=True)
