"""Limits on attempts."""

import time
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from redis import Redis

from shop.errors import TooManyRequestsError
from shop.limits import RateLimit
from tests import waiting

pytestmark = pytest.mark.cache


def limit(cache: Redis, *, purpose: str = "login", seconds: float = 3_600) -> RateLimit:
    """Three attempts in that time."""
    return RateLimit(cache, purpose=purpose, attempts=3, window=timedelta(seconds=seconds))


def allowed(limit: RateLimit, name: str = "somebody") -> bool:
    """Whether another attempt is allowed."""
    try:
        limit.spend(name)
    except TooManyRequestsError:
        return False
    return True


def test_the_attempts_are_counted_and_then_refused(cache: Redis) -> None:
    logins = limit(cache)

    assert [allowed(logins) for _ in range(5)] == [True, True, True, False, False]


def test_who_is_refused_learns_for_how_long(cache: Redis) -> None:
    logins = limit(cache, seconds=60)
    for _ in range(3):
        logins.spend("somebody")

    with pytest.raises(TooManyRequestsError) as caught:
        logins.spend("somebody")

    assert 50 < caught.value.retry_after <= 60


def test_names_and_purposes_do_not_share_attempts(cache: Redis) -> None:
    for _ in range(3):
        limit(cache).spend("somebody")

    assert not allowed(limit(cache))
    assert allowed(limit(cache), "somebody else")
    assert allowed(limit(cache, purpose="orders"))


def test_a_success_forgives_the_failures_before(cache: Redis) -> None:
    logins = limit(cache)
    for _ in range(3):
        logins.spend("somebody")

    logins.forgive("somebody")

    assert allowed(logins)


def test_attempts_at_once_are_not_counted_twice_or_lost(cache: Redis) -> None:
    logins = limit(cache)

    with ThreadPoolExecutor(8) as pool:
        outcome = list(pool.map(lambda _: allowed(logins), range(80)))

    assert outcome.count(True) == 3


@pytest.mark.slow
def test_when_the_window_is_over_attempts_are_free_again(cache: Redis) -> None:
    logins = limit(cache, seconds=2)
    started = time.monotonic()
    for _ in range(3):
        logins.spend("somebody")

    # Attempts that are refused must not prolong the window: this one tries all the time.
    waiting.until(lambda: allowed(logins), "the window is over")

    assert time.monotonic() - started > 2 - waiting.TOLERANCE
