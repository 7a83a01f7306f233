"""Reads the PEM files of signing keys, and refuses those that are not kept apart."""

import subprocess
from pathlib import Path

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.hazmat.primitives.asymmetric.types import PrivateKeyTypes, PublicKeyTypes
from cryptography.hazmat.primitives.serialization import (
    load_pem_private_key,
    load_pem_public_key,
)
from securesystemslib.signer import CryptoSigner, SSlibKey

from seatrial.errors import UsageFault

__all__ = ["PASSWORD_VARIABLE", "read_public_key", "read_signer"]

PASSWORD_VARIABLE = "SEATRIAL_KEY_PASSWORD"  # noqa: S105 - a name, no password
_MAX_KEY = 64 << 10
"""Bytes; a PEM file with a key has a few hundred."""
_TIMEOUT_S = 20
_HOW = (
    "openssl genpkey -algorithm ed25519 -out KEY.pem makes a key, "
    "openssl pkey -in KEY.pem -pubout -out KEY.pub its public half"
)


def read_signer(path: Path, password: str | None) -> CryptoSigner:
    """A signer with the private key of a PEM file: ed25519, or ECDSA on a NIST curve.

    Raises:
        UsageFault: there is none, its password is wrong or missing, it is of another kind, or
            version control has it or would take it.
    """
    data = _read(path)
    if _under_version_control(path):
        raise UsageFault(
            "the signing key lies in a tree under version control",
            where=str(path),
            next_step="keep it elsewhere; if it was ever committed, make a new one",
        )
    try:
        private = load_pem_private_key(data, password.encode() if password else None)
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        locked = b"ENCRYPTED" in data
        raise UsageFault(
            "the signing key cannot be read",
            where=str(path),
            next_step=f"its password belongs in {PASSWORD_VARIABLE}" if locked else _HOW,
        ) from error
    _require_kind(private, path)
    return CryptoSigner(private)


def read_public_key(path: Path) -> SSlibKey:
    """The public key of a PEM file.

    Raises:
        UsageFault: there is none, it is a private key, or of another kind.
    """
    data = _read(path)
    if b"PRIVATE KEY" in data:
        raise UsageFault(
            "this is a private key; to verify takes its public half",
            where=str(path),
            next_step=_HOW,
        )
    try:
        public = load_pem_public_key(data)
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise UsageFault(
            "the public key cannot be read", where=str(path), next_step=_HOW
        ) from error
    _require_kind(public, path)
    return SSlibKey.from_crypto(public)


def _require_kind(key: PrivateKeyTypes | PublicKeyTypes, path: Path) -> None:
    if isinstance(key, ed25519.Ed25519PrivateKey | ed25519.Ed25519PublicKey):
        return
    if isinstance(key, ec.EllipticCurvePrivateKey | ec.EllipticCurvePublicKey) and isinstance(
        key.curve, ec.SECP256R1 | ec.SECP384R1 | ec.SECP521R1
    ):
        return
    raise UsageFault(
        "this kind of key is not supported: ed25519 and ECDSA on P-256, P-384 or P-521 are",
        where=str(path),
        next_step=_HOW,
    )


def _read(path: Path) -> bytes:
    try:
        if not path.is_file():
            raise UsageFault("there is no such key file", where=str(path), next_step=_HOW)
        with path.open("rb") as file:
            data = file.read(_MAX_KEY + 1)
    except OSError as error:
        raise UsageFault(
            f"the key cannot be read: {error.strerror}", where=str(path), next_step=_HOW
        ) from error
    if len(data) > _MAX_KEY:
        raise UsageFault("this file is too large for a key", where=str(path), next_step=_HOW)
    return data


def _under_version_control(path: Path) -> bool:
    """Whether git has the file, or would take it with the next `git add`."""
    real = path.resolve()
    inside = _git(real.parent, "rev-parse", "--is-inside-work-tree")
    if inside is None or inside.stdout.strip() != b"true":
        return False
    ignored = _git(real.parent, "check-ignore", "--quiet", "--", real.name)
    return ignored is None or ignored.returncode != 0


def _git(folder: Path, *arguments: str) -> subprocess.CompletedProcess[bytes] | None:
    try:
        return subprocess.run(
            ["git", *arguments], cwd=folder, capture_output=True, timeout=_TIMEOUT_S, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
