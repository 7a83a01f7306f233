"""Waiting for what others do, without guessing how long it takes."""

import time
from collections.abc import Callable

from sqlalchemy import Engine, text

PATIENCE = 30.0
"""Seconds after which a test gives up; far more than anything here should need."""

PAUSE = 0.02

TOLERANCE = 0.1
"""Seconds by which clocks may differ: Redis counts whole milliseconds, on a clock of its own."""


def until(condition: Callable[[], bool], what: str) -> None:
    """Return as soon as the condition holds."""
    end = time.monotonic() + PATIENCE
    while not condition():
        if time.monotonic() > end:
            raise AssertionError(f"gave up after {PATIENCE:.0f} s waiting until {what}")
        time.sleep(PAUSE)


def for_lock(engine: Engine) -> bool:
    """Whether any connection to this database waits for a lock."""
    with engine.connect() as connection:
        return bool(
            connection.scalar(
                text(
                    "SELECT count(*) FROM pg_stat_activity"
                    " WHERE datname = current_database() AND wait_event_type = 'Lock'"
                )
            )
        )
