"""Limits on how often something may be tried, counted in Redis for all processes together."""

from datetime import timedelta

from redis import Redis

from shop.errors import TooManyRequestsError

# Counting and setting the expiry in one go: a process that dies between the two would leave a
# counter that never expires, and a customer who is locked out for good.
_SPEND = """
local spent = redis.call('INCR', KEYS[1])
if spent == 1 then redis.call('PEXPIRE', KEYS[1], ARGV[2]) end
if spent > tonumber(ARGV[1]) then return redis.call('PTTL', KEYS[1]) end
return 0
"""


class RateLimit:
    """So many attempts for each name within a window that begins with the first attempt."""

    def __init__(self, cache: Redis, *, purpose: str, attempts: int, window: timedelta) -> None:
        self._cache = cache
        self._purpose = purpose
        self._attempts = attempts
        self._window = window
        self._spend = cache.register_script(_SPEND)

    def spend(self, name: str) -> None:
        """Count one attempt.

        Raises:
            TooManyRequestsError: the attempts are used up.
        """
        left_ms = self._spend(
            keys=[self._key(name)],
            args=[self._attempts, int(self._window.total_seconds() * 1000)],
        )
        if left_ms:
            raise TooManyRequestsError(left_ms / 1000)

    def forgive(self, name: str) -> None:
        """Forget the attempts, because one of them succeeded."""
        self._cache.delete(self._key(name))

    def _key(self, name: str) -> str:
        return f"limit:{self._purpose}:{name}"
