"""What the service must be told before it can start."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta

from shop.errors import SettingsError


@dataclass(frozen=True, kw_only=True)
class Settings:
    """Addresses, secrets and limits. `from_environment` reads them; nothing else does."""

    database_url: str
    cache_url: str
    gateway_url: str

    token_secrets: tuple[str, ...]
    """The first signs; all of them verify, so that a secret can be changed without logging out
    everybody."""

    password_iterations: int = 600_000
    """PBKDF2-HMAC-SHA256 rounds; the figure is OWASP's recommendation."""

    token_lifetime: timedelta = timedelta(hours=12)
    cart_lifetime: timedelta = timedelta(days=7)
    listing_lifetime: timedelta = timedelta(minutes=1)

    login_attempts: int = 5
    login_window: timedelta = timedelta(minutes=15)

    gateway_timeout: float = 5.0
    """Seconds that one request to the gateway may take."""

    gateway_first_wait: float = 0.2
    """Seconds before the first retry; each later wait is twice as long."""

    lock_timeout: float = 5.0
    """Seconds that a statement may wait for a row lock."""

    @classmethod
    def from_environment(cls, environ: Mapping[str, str]) -> "Settings":
        """Read the settings.

        Raises:
            SettingsError: a variable is missing or not what it should be; all faults are named.
        """
        faults: list[str] = []

        def text(name: str) -> str:
            value = environ.get(name, "").strip()
            if not value:
                faults.append(f"{name} is not set")
            return value

        def number(name: str, default: float) -> float:
            value = environ.get(name, "").strip()
            if not value:
                return default
            try:
                parsed = float(value)
            except ValueError:
                parsed = 0
            if parsed <= 0:
                faults.append(f"{name} is {value!r}, which is not a positive number")
            return parsed

        settings = cls(
            database_url=text("DATABASE_URL"),
            cache_url=text("CACHE_URL"),
            gateway_url=text("GATEWAY_URL"),
            token_secrets=tuple(
                secret.strip() for secret in text("TOKEN_SECRETS").split(",") if secret.strip()
            ),
            password_iterations=int(number("PASSWORD_ITERATIONS", cls.password_iterations)),
            cart_lifetime=timedelta(
                seconds=number("CART_LIFETIME_SECONDS", cls.cart_lifetime.total_seconds())
            ),
            gateway_timeout=number("GATEWAY_TIMEOUT_SECONDS", cls.gateway_timeout),
        )
        if faults:
            raise SettingsError("; ".join(faults))
        return settings
