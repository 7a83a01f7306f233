"""Requests that are sent twice happen once.

A client that got no answer sends its request again, with the same key. The first request claims
the key; the second one gets the first one's answer.
"""

import hashlib
import json
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import delete, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from shop.errors import InProgressError, KeyReusedError
from shop.models import IdempotencyKey


@dataclass(frozen=True)
class Answer:
    """What was answered to a request."""

    status_code: int
    body: dict[str, Any]


def fingerprint(request: object) -> str:
    """A short text that differs whenever the requests (made of JSON's types) do."""
    canonical = json.dumps(request, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(canonical.encode()).hexdigest()


def claim(session: Session, *, customer_id: int, key: str, mark: str) -> Answer | None:
    """Claim the key for the request with this fingerprint, or return what it got before.

    Commit before doing the work: the claim must be seen by others while it is done.

    Raises:
        KeyReusedError: the key belongs to another request.
        InProgressError: the same request is being worked on.
    """
    claimed = session.scalar(
        insert(IdempotencyKey)
        .values(customer_id=customer_id, key=key, fingerprint=mark)
        .on_conflict_do_nothing()
        .returning(IdempotencyKey.key)
    )
    if claimed is not None:
        return None
    earlier = session.get_one(IdempotencyKey, (customer_id, key))
    if earlier.fingerprint != mark:
        raise KeyReusedError(f"the key {key} was used for another request")
    if earlier.status_code is None or earlier.body is None:
        raise InProgressError(f"the request with the key {key} is being worked on")
    return Answer(earlier.status_code, earlier.body)


def settle(session: Session, *, customer_id: int, key: str, answer: Answer) -> None:
    """Keep the answer for whoever asks again."""
    session.execute(
        update(IdempotencyKey)
        .where(IdempotencyKey.customer_id == customer_id, IdempotencyKey.key == key)
        .values(status_code=answer.status_code, body=answer.body)
    )


def abandon(session: Session, *, customer_id: int, key: str) -> None:
    """Give the key back, because the work came to nothing and may be tried again."""
    session.execute(
        delete(IdempotencyKey).where(
            IdempotencyKey.customer_id == customer_id, IdempotencyKey.key == key
        )
    )


def forget(session: Session, *, created_before: datetime) -> int:
    """Drop the keys that are older than that, and return how many they were."""
    forgotten = session.scalars(
        delete(IdempotencyKey)
        .where(IdempotencyKey.created_at < created_before)
        .returning(IdempotencyKey.key)
    )
    return len(forgotten.all())
