"""Idempotency keys in the database."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Barrier

import pytest
from sqlalchemy.orm import Session, sessionmaker

from shop import idempotency
from shop.errors import InProgressError, KeyReusedError
from shop.idempotency import Answer, fingerprint
from tests import make, waiting

pytestmark = pytest.mark.db

MARK = fingerprint({"card": "ok"})
ANSWER = Answer(201, {"id": "order"})


def test_the_second_request_gets_the_answer_of_the_first(session: Session) -> None:
    customer_id = make.customer(session).id
    assert idempotency.claim(session, customer_id=customer_id, key="k", mark=MARK) is None

    idempotency.settle(session, customer_id=customer_id, key="k", answer=ANSWER)

    assert idempotency.claim(session, customer_id=customer_id, key="k", mark=MARK) == ANSWER


def test_a_key_belongs_to_one_request_and_one_customer(session: Session) -> None:
    first, second = make.customer(session), make.customer(session)
    idempotency.claim(session, customer_id=first.id, key="k", mark=MARK)

    with pytest.raises(KeyReusedError):
        idempotency.claim(
            session, customer_id=first.id, key="k", mark=fingerprint({"card": "other"})
        )
    assert idempotency.claim(session, customer_id=second.id, key="k", mark=MARK) is None


def test_a_key_that_was_given_back_can_be_claimed_again(session: Session) -> None:
    customer_id = make.customer(session).id
    idempotency.claim(session, customer_id=customer_id, key="k", mark=MARK)
    with pytest.raises(InProgressError):
        idempotency.claim(session, customer_id=customer_id, key="k", mark=MARK)

    idempotency.abandon(session, customer_id=customer_id, key="k")

    assert idempotency.claim(session, customer_id=customer_id, key="k", mark=MARK) is None


def test_of_many_claims_at_once_one_succeeds(sessions: sessionmaker[Session]) -> None:
    with sessions.begin() as session:
        customer_id = make.customer(session).id
    start = Barrier(8)

    def claim(_: int) -> str:
        start.wait(timeout=waiting.PATIENCE)
        try:
            with sessions.begin() as session:
                idempotency.claim(session, customer_id=customer_id, key="k", mark=MARK)
        except InProgressError:
            return "in progress"
        return "claimed"

    with ThreadPoolExecutor(8) as pool:
        assert sorted(pool.map(claim, range(8))) == ["claimed"] + ["in progress"] * 7


def test_old_keys_are_forgotten(session: Session) -> None:
    customer = make.customer(session)
    for key in ("a", "b"):
        idempotency.claim(session, customer_id=customer.id, key=key, mark=MARK)

    assert idempotency.forget(session, created_before=make.NOON - timedelta(days=9_999)) == 0
    assert idempotency.forget(session, created_before=make.NOON + timedelta(days=9_999)) == 2
