"""Tells whether the packages that attestations need are installed."""

from importlib.util import find_spec

from seatrial.errors import UsageFault

__all__ = ["require_packages"]

_PACKAGES = {
    "attest": ("cryptography", "in_toto_attestation", "securesystemslib"),
    "keyless": ("in_toto_attestation", "sigstore"),
}


def require_packages(extra: str) -> None:
    """Stop before anything of them is imported; `extra` is `attest` or `keyless`.

    Raises:
        UsageFault: a package is missing.
    """
    missing = [name for name in _PACKAGES[extra] if find_spec(name) is None]
    if missing:
        raise UsageFault(
            f"attestations need packages that are not installed: {', '.join(missing)}",
            next_step=f"pip install 'seatrial[{extra}]'",
        )
