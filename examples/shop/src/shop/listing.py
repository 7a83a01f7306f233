"""The product listing, cached in Redis: most visitors see the same first pages."""

import hashlib
import logging
from collections.abc import Callable
from datetime import timedelta
from typing import cast

from pydantic import TypeAdapter
from redis import Redis, RedisError

from shop.catalogue import ProductPage

log = logging.getLogger(__name__)

_PAGES = TypeAdapter(ProductPage)
_VERSION = "listing:version"


class Listing:
    """Pages of the listing, kept for a while or until a product changes.

    The cache makes the shop faster; the shop works without it. When Redis does not answer, pages
    come from the database.
    """

    def __init__(self, cache: Redis, *, lifetime: timedelta) -> None:
        self._cache = cache
        self._lifetime = lifetime

    def page(
        self, load: Callable[[], ProductPage], *, search: str, number: int, size: int
    ) -> ProductPage:
        """The page from the cache, or else from `load`."""
        try:
            # Pages are stored under the version that was current before they were loaded: a page
            # that a change overtakes is stored where nobody looks any more.
            version = cast(str | None, self._cache.get(_VERSION)) or "0"
            key = _key(version, search, number, size)
            cached = cast(str | None, self._cache.get(key))
        except RedisError as error:
            log.warning("the listing's cache does not answer: %s", error)
            return load()
        if cached is not None:
            return _PAGES.validate_json(cached)
        page = load()
        try:
            self._cache.set(key, _PAGES.dump_json(page), px=self._lifetime)
        except RedisError as error:
            log.warning("the listing's cache does not take the page: %s", error)
        return page

    def invalidate(self) -> None:
        """Make all cached pages old; call it when the change has been committed."""
        try:
            self._cache.incr(_VERSION)
        except RedisError as error:
            log.warning(
                "the listing's cache does not answer, its pages stay for up to %s: %s",
                self._lifetime,
                error,
            )


def _key(version: str, search: str, number: int, size: int) -> str:
    words = " ".join(search.lower().split())
    digest = hashlib.sha256(f"{number}:{size}:{words}".encode()).hexdigest()[:32]
    return f"listing:{version}:{digest}"
