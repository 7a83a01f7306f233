"""Passwords, kept so that a stolen database gives none of them away."""

import base64
import hashlib
import hmac
import secrets
from dataclasses import dataclass

SCHEME = "pbkdf2_sha256"
SALT_BYTES = 16


@dataclass(frozen=True)
class Passwords:
    """Hashes and checks passwords with PBKDF2-HMAC-SHA256.

    A hash carries its own parameters, `scheme$iterations$salt$digest`, so old ones stay readable
    when the cost is raised.
    """

    iterations: int

    def hash(self, password: str) -> str:
        """A hash with a salt of its own."""
        salt = secrets.token_bytes(SALT_BYTES)
        digest = _derive(password, salt, self.iterations)
        return f"{SCHEME}${self.iterations}${_encode(salt)}${_encode(digest)}"

    def verify(self, password: str, stored: str) -> bool:
        """Whether the password belongs to the hash; compared in constant time."""
        try:
            scheme, iterations, salt, digest = stored.split("$")
            expected = base64.b64decode(digest, validate=True)
            actual = _derive(password, base64.b64decode(salt, validate=True), int(iterations))
        except ValueError:
            return False
        return scheme == SCHEME and hmac.compare_digest(actual, expected)

    def is_outdated(self, stored: str) -> bool:
        """Whether the hash was made at another cost than today's."""
        return not stored.startswith(f"{SCHEME}${self.iterations}$")

    def waste_time(self, password: str) -> None:
        """Take as long as `verify`, so that an unknown address answers no sooner than a known."""
        _derive(password, bytes(SALT_BYTES), self.iterations)


def _derive(password: str, salt: bytes, iterations: int) -> bytes:
    return hashlib.pbkdf2_hmac("sha256", password.encode(), salt, iterations)


def _encode(raw: bytes) -> str:
    return base64.b64encode(raw).decode("ascii")
