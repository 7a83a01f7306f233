"""Signed access tokens: who it is and until when, readable by all, made by none but us."""

import base64
import hmac
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from shop.clock import Clock
from shop.errors import TokenError


@dataclass(frozen=True, kw_only=True)
class Tokens:
    """Issues and reads tokens of the form `payload.signature`."""

    secrets: Sequence[str]
    """The first signs, all of them verify."""

    lifetime: timedelta
    clock: Clock

    def issue(self, customer_id: int) -> str:
        """A token for that customer, valid from now on."""
        expires = int((self.clock() + self.lifetime).timestamp())
        payload = _encode(f"{customer_id}:{expires}".encode("ascii"))
        return f"{payload}.{_sign(payload, self.secrets[0])}"

    def read(self, token: str) -> int:
        """The customer whom the token was issued to.

        Raises:
            TokenError: it is not ours, was changed, or is too old.
        """
        payload, _, signature = token.partition(".")
        given = signature.encode()
        # As text, not as bytes: several texts decode to the same bytes, and only one is ours.
        if not any(
            hmac.compare_digest(_sign(payload, secret).encode(), given) for secret in self.secrets
        ):
            raise TokenError("the token is not one of ours")
        customer_id, _, expires = _decode(payload).partition(":")
        if self.clock().timestamp() >= int(expires):
            raise TokenError("the token has expired")
        return int(customer_id)


def _sign(payload: str, secret: str) -> str:
    return _encode(hmac.digest(secret.encode(), payload.encode(), "sha256"))


def _encode(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).decode("ascii").rstrip("=")


def _decode(text: str) -> str:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)).decode("ascii")
