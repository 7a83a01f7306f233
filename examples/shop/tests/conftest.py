"""What tests share: one database, one Redis and one gateway; nothing of what they put there.

A test that asks for `session` works in a transaction that is rolled back. A test that needs
commits, because several connections take part, asks for `sessions`, and all tables are emptied
behind it. A test that asks for `cache` finds Redis empty.
"""

import os
from collections.abc import Iterator
from dataclasses import replace

import httpx2
import pytest
from hypothesis import settings as hypothesis_settings
from redis import Redis
from sqlalchemy import Engine, text
from sqlalchemy.orm import Session, sessionmaker

from shop.database import open_engine, session_factory
from shop.models import Base
from shop.payments import PaymentGateway, Retries
from shop.settings import Settings
from tests.make import Watch

# The same examples in every run: a red build must say something about the change that it tests.
hypothesis_settings.register_profile(
    "repeatable", derandomize=True, deadline=None, database=None, print_blob=False
)
hypothesis_settings.load_profile("repeatable")


@pytest.fixture(scope="session")
def settings() -> Settings:
    """The settings of the environment, but passwords cost little, retries come at once, and a
    machine that is busy with other things has time to answer.

    What passwords cost and how long the waits are, other tests see to.
    """
    return replace(
        Settings.from_environment(os.environ),
        password_iterations=1_000,
        gateway_first_wait=0.01,
        gateway_timeout=10.0,
        lock_timeout=30.0,
    )


@pytest.fixture(scope="session")
def engine(settings: Settings) -> Iterator[Engine]:
    """The database, migrated by whoever started the tests, and empty."""
    engine = open_engine(settings.database_url, lock_timeout=settings.lock_timeout)
    try:
        _empty(engine)
        yield engine
    finally:
        engine.dispose()


@pytest.fixture
def session(engine: Engine) -> Iterator[Session]:
    """A session of which nothing remains, whatever it commits."""
    with engine.connect() as connection:
        outer = connection.begin()
        with Session(connection, join_transaction_mode="create_savepoint") as session:
            yield session
        outer.rollback()


@pytest.fixture
def sessions(engine: Engine) -> Iterator[sessionmaker[Session]]:
    """Sessions that really commit; all tables are emptied afterwards."""
    yield session_factory(engine)
    _empty(engine)


@pytest.fixture(scope="session")
def redis(settings: Settings) -> Iterator[Redis]:
    """The connection to Redis. Ask for `cache`, which is empty."""
    with Redis.from_url(settings.cache_url, decode_responses=True) as client:
        yield client


@pytest.fixture
def cache(redis: Redis) -> Redis:
    """Redis, empty."""
    redis.flushdb()
    return redis


@pytest.fixture
def gateway_client(settings: Settings) -> Iterator[httpx2.Client]:
    """A connection to the stub of the payment gateway."""
    with httpx2.Client(base_url=settings.gateway_url, timeout=settings.gateway_timeout) as client:
        yield client


@pytest.fixture
def gateway(gateway_client: httpx2.Client) -> PaymentGateway:
    """The gateway, asked again without much waiting."""
    return PaymentGateway(gateway_client, retries=Retries(first_wait=0.01))


@pytest.fixture
def watch() -> Watch:
    """A clock that stands still."""
    return Watch()


def _empty(engine: Engine) -> None:
    tables = ", ".join(table.name for table in Base.metadata.sorted_tables)
    with engine.begin() as connection:
        connection.execute(text(f"TRUNCATE {tables} RESTART IDENTITY CASCADE"))
