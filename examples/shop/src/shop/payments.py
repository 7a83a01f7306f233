"""The payment gateway, over HTTP.

Every request carries an idempotency key, so that asking again is always safe: after a timeout
nobody knows whether the first request was carried out.
"""

import logging
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import httpx2

from shop.errors import GatewayUnavailableError, PaymentDeclinedError
from shop.money import Money

log = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class Charge:
    """Money that the gateway took."""

    id: str
    amount: Money


@dataclass(frozen=True, kw_only=True)
class Retries:
    """How often to ask, and how long to wait in between."""

    attempts: int = 4
    first_wait: float = 0.2
    """Seconds; each later wait is twice as long."""

    longest_wait: float = 5.0
    """Seconds; also the most that the gateway may ask for with `Retry-After`."""

    def waits(self) -> Iterator[float]:
        """The waits between the attempts, in seconds."""
        for retry in range(self.attempts - 1):
            yield min(self.first_wait * 2**retry, self.longest_wait)


class PaymentGateway:
    """Charges and refunds."""

    def __init__(
        self,
        client: httpx2.Client,
        *,
        retries: Retries,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._client = client
        self._retries = retries
        self._sleep = sleep

    def charge(self, amount: Money, *, card: str, key: str) -> Charge:
        """Take the amount from the card, once for each key.

        Raises:
            PaymentDeclinedError: the gateway says no.
            GatewayUnavailableError: it does not answer, or not in a way that can be understood.
        """
        body = self._post(
            "/charges", {"amount": amount.minor, "currency": amount.currency, "card": card}, key
        )
        return Charge(id=str(body["id"]), amount=amount)

    def refund(self, charge_id: str, *, key: str) -> None:
        """Give the money back, once for each key.

        Raises:
            PaymentDeclinedError, GatewayUnavailableError: as for `charge`.
        """
        self._post("/refunds", {"charge": charge_id}, key)

    def _post(self, path: str, payload: dict[str, Any], key: str) -> dict[str, Any]:
        waits = self._retries.waits()
        while True:
            asked_wait = 0.0
            try:
                response = self._client.post(path, json=payload, headers={"Idempotency-Key": key})
                if response.status_code == httpx2.codes.PAYMENT_REQUIRED:
                    raise PaymentDeclinedError(_reason(response))
                if response.status_code < 300:
                    return _object(response)
                if response.is_client_error and response.status_code != 429:
                    raise GatewayUnavailableError(
                        f"the gateway refused {path}: {response.status_code} {_reason(response)}"
                    )
                problem = f"it answered {response.status_code}"
                asked_wait = _retry_after(response)
            except (httpx2.TransportError, httpx2.DecodingError, ValueError) as error:
                problem = str(error) or type(error).__name__
            wait = next(waits, None)
            if wait is None:
                raise GatewayUnavailableError(
                    f"the gateway failed {self._retries.attempts} times, at last: {problem}"
                )
            wait = min(max(wait, asked_wait), self._retries.longest_wait)
            log.warning("%s: %s; next attempt in %.1f s", path, problem, wait)
            self._sleep(wait)


def _object(response: httpx2.Response) -> dict[str, Any]:
    body = response.json()
    if not isinstance(body, dict) or "id" not in body:
        raise ValueError("its answer is not what was agreed")
    return body


def _reason(response: httpx2.Response) -> str:
    try:
        return str(response.json()["reason"])
    except (ValueError, KeyError, TypeError):
        return "no reason given"


def _retry_after(response: httpx2.Response) -> float:
    try:
        return float(response.headers.get("Retry-After", "0"))
    except ValueError:
        return 0.0
