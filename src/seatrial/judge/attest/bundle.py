"""The Sigstore bundle of a statement that an identity signed, checked without a network."""

import logging
from pathlib import Path

from sigstore.models import Bundle, ClientTrustConfig, TrustedRoot
from sigstore.verify import Verifier
from sigstore.verify.policy import AllOf, Identity, OIDCIssuer

from seatrial.errors import UsageFault
from seatrial.judge.attest.interface import MAX_SEALED, PAYLOAD_TYPE, Held
from seatrial.judge.attest.strict_json import parse

__all__ = ["IdentityTrust", "read_verifier"]


class IdentityTrust:
    """Trusts an identity that an issuer vouches for."""

    form = "a Sigstore bundle of an in-toto statement"

    def __init__(self, identity: str, issuer: str, verifier: Verifier) -> None:
        self._identity = identity
        self._issuer = issuer
        self._verifier = verifier

    def held(self, data: bytes) -> Held:
        """Whether the identity signed a bundle, and the log that is trusted has it.

        A bundle has no one form: some of it is under no signature. What is returned is the payload
        that was verified, and nothing else of the bundle is read.
        """
        bundle = _read(data)
        # Not Identity's own way to check the issuer: that passes over one that is empty.
        policy = AllOf([OIDCIssuer(self._issuer), Identity(identity=self._identity)])
        try:
            kind, payload = self._verifier.verify_dsse(bundle, policy)
        except Exception as error:  # noqa: BLE001 - a hostile bundle raises anything; it failed
            return Held(_told(error), None)
        if kind != PAYLOAD_TYPE:
            return Held(f"its payload is not of the type {PAYLOAD_TYPE}", None)
        return Held(f"{self._identity} signed it, for which {self._issuer} vouches", payload)


def read_verifier(trusted_root: Path | None) -> Verifier:
    """What bundles are held against: the trusted root of a Sigstore instance.

    None: that of the public instance, as `sigstore` last fetched it on this machine, else as the
    package brings it.

    Raises:
        UsageFault: it is not there or cannot be read.
    """
    # To work without a network is what is wanted; sigstore would warn of it on standard error.
    logging.getLogger("sigstore").addHandler(logging.NullHandler())
    try:
        if trusted_root is None:
            root = ClientTrustConfig.production(offline=True).trusted_root
        else:
            root = TrustedRoot.from_file(str(trusted_root))
        return Verifier(trusted_root=root)
    except Exception as error:
        raise UsageFault(
            f"the trusted root cannot be read: {_told(error)}",
            where=str(trusted_root or "that of the public instance"),
            next_step="give a trusted_root.json of the Sigstore instance with --trusted-root",
        ) from error


def _read(data: bytes) -> Bundle:
    if len(data) > MAX_SEALED:
        raise ValueError("it is too large")
    table = parse(data)
    if isinstance(table, dict) and "payloadType" in table:
        raise ValueError("it is an envelope that keys signed: --key checks it")
    try:
        return Bundle.from_json(data)
    except Exception as error:
        raise ValueError(f"it is no Sigstore bundle: {_told(error)}") from error


def _told(error: Exception) -> str:
    return next(iter(str(error).splitlines()), "") or type(error).__name__
