"""The envelope (DSSE, https://github.com/secure-systems-lab/dsse) that keys sign a statement in."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from securesystemslib.dsse import Envelope
from securesystemslib.exceptions import UnverifiedSignatureError
from securesystemslib.signer import CryptoSigner, SSlibKey

from seatrial.judge.attest.interface import MAX_SEALED, PAYLOAD_TYPE, Held, Sealed
from seatrial.judge.attest.strict_json import canonical, parse
from seatrial.words import counted

__all__ = [
    "KeySeal",
    "KeyTrust",
    "Signatures",
    "check_signatures",
    "read_envelope",
    "seal",
]

_MAX_SIGNATURES = 32


@dataclass(frozen=True)
class Signatures:
    """Who signed an envelope."""

    good: tuple[str, ...] = ()
    """Ids of the given keys whose signatures fit."""
    bad: tuple[str, ...] = ()
    """Those of the given keys whose signatures do not fit."""
    unknown: tuple[str, ...] = ()
    """Of keys that were not given; they count for nothing."""


@dataclass(frozen=True)
class KeySeal:
    """Signs with keys, each of which signs every statement."""

    signers: Sequence[CryptoSigner]
    suffix: str = ".dsse.json"

    def __call__(self, statement: Mapping[str, Any]) -> Sealed:
        """The envelope with the signatures of all keys."""
        keys = tuple(f"key {signer.public_key.keyid}" for signer in self.signers)
        return Sealed(seal(statement, self.signers), keys)


@dataclass(frozen=True)
class KeyTrust:
    """Trusts keys."""

    keys: Sequence[SSlibKey]
    threshold: int = 1
    """How many of them must have signed."""
    form: str = "a DSSE envelope of an in-toto statement"

    def held(self, data: bytes) -> Held:
        """Whether enough of the keys signed an envelope, and no signature of theirs is wrong."""
        envelope = read_envelope(data)
        signatures = check_signatures(envelope, {key.keyid: key for key in self.keys})
        told = f"{counted(len(signatures.good), 'key')} of {len(self.keys)} given signed it"
        if signatures.good:
            told += f" ({', '.join(keyid[:12] for keyid in signatures.good)})"
        told += f", {self.threshold} must have"
        if signatures.bad:
            told += f"; the signature of {', '.join(signatures.bad)} does not fit"
        if signatures.unknown:
            unknown = counted(len(signatures.unknown), "signature")
            told += f"; {unknown} by keys that were not given"
        signed = not signatures.bad and len(signatures.good) >= self.threshold
        return Held(told, envelope.payload if signed else None)


def seal(statement: Mapping[str, Any], signers: Iterable[CryptoSigner]) -> bytes:
    """The file of an envelope with the signatures of all signers."""
    envelope = Envelope(canonical(statement), PAYLOAD_TYPE, {})
    for signer in signers:
        envelope.sign(signer)
    return canonical(envelope.to_dict()) + b"\n"


def read_envelope(data: bytes) -> Envelope:
    """An envelope as `seal` writes it, to the byte; nothing in it is trusted yet.

    Spaces, base64's spare bits and the order of keys are under no signature. There is one form, so
    that no byte of the file can change unseen.

    Raises:
        ValueError: it is none, or of another form.
    """
    if len(data) > MAX_SEALED:
        raise ValueError("it is too large")
    table = parse(data)
    if isinstance(table, dict) and "verificationMaterial" in table:
        raise ValueError("it is a Sigstore bundle: --identity and --issuer check it, no --key does")
    if not isinstance(table, dict) or set(table) != {"payload", "payloadType", "signatures"}:
        raise ValueError("it is no DSSE envelope")
    listed = table["signatures"]
    if not isinstance(listed, list) or not 1 <= len(listed) <= _MAX_SIGNATURES:
        raise ValueError(f"it has not 1 to {_MAX_SIGNATURES} signatures")
    if any(not isinstance(one, dict) or set(one) != {"keyid", "sig"} for one in listed):
        raise ValueError("a signature in it holds something else than keyid and sig")
    if table["payloadType"] != PAYLOAD_TYPE:
        raise ValueError(f"its payload is not of the type {PAYLOAD_TYPE}")
    try:
        envelope = Envelope.from_dict(table)
        written = canonical(envelope.to_dict()) + b"\n"
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise ValueError("it is no DSSE envelope") from error
    if written != data:
        raise ValueError("it is not in the form in which Seatrial writes envelopes")
    return envelope


def check_signatures(envelope: Envelope, keys: Mapping[str, SSlibKey]) -> Signatures:
    """Hold each signature against the key of its id."""
    good, bad, unknown = [], [], []
    for keyid, signature in envelope.signatures.items():
        if keyid not in keys:
            unknown.append(keyid)
            continue
        try:
            keys[keyid].verify_signature(signature, envelope.pae())
            good.append(keyid)
        except UnverifiedSignatureError:
            bad.append(keyid)
    return Signatures(tuple(good), tuple(bad), tuple(unknown))
