"""Tells whether the packages that attestations need are installed."""

from importlib.util import find_spec

from seatrial.errors import UsageFault

__all__ = ["require_packages"]


def require_packages() -> None:
    """Stop before anything of them is imported.

    Raises:
        UsageFault: a package is missing.
    """
    missing = [
        name
        for name in ("cryptography", "in_toto_attestation", "securesystemslib")
        if find_spec(name) is None
    ]
    if missing:
        raise UsageFault(
            f"attestations need packages that are not installed: {', '.join(missing)}",
            next_step="pip install 'seatrial[attest]'",
        )
