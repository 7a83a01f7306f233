"""Is it alive, and can it work?"""

from fastapi import APIRouter
from fastapi.responses import JSONResponse
from redis import RedisError
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError

from shop.api.context import Shop

router = APIRouter(tags=["health"])


@router.get("/health")
def health() -> dict[str, str]:
    """The process answers."""
    return {"status": "ok"}


@router.get("/ready")
def ready(shop: Shop) -> JSONResponse:
    """Database and cache answer; 503 and the name of what does not, otherwise."""
    parts = {"database": _database_answers(shop), "cache": _cache_answers(shop)}
    return JSONResponse(
        {name: "ok" if fine else "down" for name, fine in parts.items()},
        status_code=200 if all(parts.values()) else 503,
    )


def _database_answers(shop: Shop) -> bool:
    try:
        with shop.engine.connect() as connection:
            connection.execute(text("SELECT 1"))
    except SQLAlchemyError:
        return False
    return True


def _cache_answers(shop: Shop) -> bool:
    try:
        return bool(shop.cache.ping())
    except RedisError:
        return False
