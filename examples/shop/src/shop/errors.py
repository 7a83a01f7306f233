"""What can go wrong in a shop, in the shop's own words. The API turns these into answers."""

from collections.abc import Mapping, Sequence


class ShopError(Exception):
    """The base of every fault that a customer or an operator can act on."""


class SettingsError(ShopError):
    """The environment does not hold what the service needs to start."""


class NotFoundError(ShopError):
    """There is no such thing, or it belongs to somebody else."""

    def __init__(self, kind: str, key: object) -> None:
        super().__init__(f"there is no {kind} {key}")


class AlreadyExistsError(ShopError):
    """The name is taken."""

    def __init__(self, kind: str, key: object) -> None:
        super().__init__(f"{kind} {key} exists already")


class CartError(ShopError):
    """The cart cannot hold that, or cannot be ordered as it is."""


class OutOfStockError(ShopError):
    """Fewer pieces are left than were wanted."""

    def __init__(self, available: Mapping[str, int]) -> None:
        super().__init__(
            "not enough in stock: "
            + ", ".join(f"{sku} ({left} left)" for sku, left in sorted(available.items()))
        )
        self.available = dict(available)
        """What is left of every product that fell short, by SKU."""


class BusyError(ShopError):
    """Somebody else holds what is needed, and held it for too long. Trying again is right."""


class VoucherError(ShopError):
    """The voucher cannot be used on this order."""


class OrderStateError(ShopError):
    """The order is not in a state that allows this."""


class PaymentDeclinedError(ShopError):
    """The gateway answered, and the answer is no."""


class GatewayUnavailableError(ShopError):
    """The gateway gave no usable answer. Whether it charged is unknown; asking again is safe."""


class EmailTakenError(ShopError):
    """There is an account with this address."""


class CredentialsError(ShopError):
    """Unknown address or wrong password; which of them is nobody's business."""


class TokenError(ShopError):
    """The token is not ours, was changed, or is too old."""


class ForbiddenError(ShopError):
    """Known, but not allowed."""


class TooManyRequestsError(ShopError):
    """The limit is used up."""

    def __init__(self, retry_after: float) -> None:
        super().__init__(f"too many attempts, try again in {retry_after:.0f} s")
        self.retry_after = retry_after
        """Seconds until the next attempt counts."""


class KeyReusedError(ShopError):
    """An idempotency key came back with a different request."""


class InProgressError(ShopError):
    """The first request with this idempotency key has not been answered yet."""


class ProductFileError(ShopError):
    """A product file was refused, and nothing of it was taken."""

    def __init__(self, problems: Sequence[str]) -> None:
        super().__init__("; ".join(problems))
        self.problems = tuple(problems)
        """One sentence for each bad line, with its number."""
