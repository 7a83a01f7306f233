"""Everything that a running shop holds on to, made from its settings."""

from dataclasses import dataclass

import httpx2
from redis import Redis
from sqlalchemy import Engine
from sqlalchemy.orm import Session, sessionmaker

from shop.cart import Carts
from shop.checkout import Checkout
from shop.clock import Clock, utc_now
from shop.database import open_engine, session_factory
from shop.limits import RateLimit
from shop.listing import Listing
from shop.passwords import Passwords
from shop.payments import PaymentGateway, Retries
from shop.settings import Settings
from shop.tokens import Tokens


@dataclass(frozen=True, kw_only=True)
class Resources:
    """The connections, and what works with them."""

    engine: Engine
    cache: Redis
    http: httpx2.Client
    clock: Clock

    sessions: sessionmaker[Session]
    carts: Carts
    checkout: Checkout
    listing: Listing
    logins: RateLimit
    passwords: Passwords
    tokens: Tokens

    def close(self) -> None:
        """Give all connections back."""
        self.http.close()
        self.cache.close()
        self.engine.dispose()


def open_resources(settings: Settings, *, clock: Clock = utc_now) -> Resources:
    """Make the resources. Nothing is connected until it is used."""
    engine = open_engine(settings.database_url, lock_timeout=settings.lock_timeout)
    cache = Redis.from_url(settings.cache_url, decode_responses=True, socket_timeout=2.0)
    http = httpx2.Client(base_url=settings.gateway_url, timeout=settings.gateway_timeout)
    sessions = session_factory(engine)
    carts = Carts(cache, lifetime=settings.cart_lifetime)
    return Resources(
        engine=engine,
        cache=cache,
        http=http,
        clock=clock,
        sessions=sessions,
        carts=carts,
        checkout=Checkout(
            sessions=sessions,
            carts=carts,
            gateway=PaymentGateway(http, retries=Retries(first_wait=settings.gateway_first_wait)),
            clock=clock,
        ),
        listing=Listing(cache, lifetime=settings.listing_lifetime),
        logins=RateLimit(
            cache,
            purpose="login",
            attempts=settings.login_attempts,
            window=settings.login_window,
        ),
        passwords=Passwords(settings.password_iterations),
        tokens=Tokens(
            secrets=settings.token_secrets, lifetime=settings.token_lifetime, clock=clock
        ),
    )
