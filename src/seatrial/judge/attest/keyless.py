"""Signs statements with the identity of a CI job, through Sigstore."""

from collections.abc import Callable, Mapping
from functools import cached_property
from pathlib import Path
from typing import Any

from cryptography.x509 import (
    Certificate,
    ObjectIdentifier,
    RFC822Name,
    SubjectAlternativeName,
    UniformResourceIdentifier,
)
from id import GitHubOidcPermissionCredentialError
from sigstore.dsse import Statement
from sigstore.models import ClientTrustConfig
from sigstore.oidc import IdentityError, IdentityToken, detect_credential
from sigstore.sign import Signer, SigningContext

from seatrial.errors import EnvironmentFault, UsageFault
from seatrial.evidence.hostile import plain_text
from seatrial.judge.attest.interface import Sealed
from seatrial.judge.attest.strict_json import canonical

__all__ = ["KeylessSeal", "ambient_identity", "read_trust_config"]

_ISSUER = ObjectIdentifier("1.3.6.1.4.1.57264.1.1")
"""The extension in which Fulcio names who vouched."""
_GIVE_IDENTITY = (
    "in GitHub Actions, give the job `permissions: id-token: write` (pull requests from forks "
    "cannot have it); in GitLab, `id_tokens: SIGSTORE_ID_TOKEN: aud: sigstore`; "
    "elsewhere, sign with --key"
)


class KeylessSeal:
    """Signs with one short-lived certificate, and enters each signature in the public log."""

    suffix = ".sigstore.json"

    def __init__(self, identity: IdentityToken, config: Callable[[], ClientTrustConfig]) -> None:
        self._identity = identity
        self._config = config

    @cached_property
    def _signer(self) -> Signer:
        return Signer(self._identity, SigningContext.from_trust_config(self._config()))

    def __call__(self, statement: Mapping[str, Any]) -> Sealed:
        """The bundle with the signature, the certificate and the entry in the log."""
        try:
            bundle = self._signer.sign_dsse(_AnyStatement(canonical(statement)))
            signer = _certified(bundle.signing_certificate)
        except UsageFault:
            raise
        except Exception as error:
            # What the library raises for its services has no base class of its own.
            told = plain_text(str(error)) or type(error).__name__
            raise EnvironmentFault(
                f"Sigstore did not sign: {told}",
                next_step="nothing was written; see that this machine reaches it, and run it again",
            ) from error
        return Sealed(bundle.to_json().encode() + b"\n", (signer,))


class _AnyStatement(Statement):
    """A statement whose subjects may have any digest of in-toto.

    Sigstore's own model of a statement knows those of SHA-2 and SHA-3 alone, and refuses the
    `gitCommit` of a commit. What is signed are these bytes; nothing else reads that model.
    """

    def __init__(self, contents: bytes) -> None:
        self._contents = contents


def _certified(certificate: Certificate) -> str:
    """The identity and the issuer by their options of `seatrial verify`."""
    names = certificate.extensions.get_extension_for_class(SubjectAlternativeName).value
    identities = [
        *names.get_values_for_type(UniformResourceIdentifier),
        *names.get_values_for_type(RFC822Name),
    ]
    issuer = certificate.extensions.get_extension_for_oid(_ISSUER).value.public_bytes().decode()
    return plain_text(f"--identity {' '.join(identities)} --issuer {issuer}")


def ambient_identity(
    detect: Callable[[], str | None] = detect_credential,
) -> IdentityToken:
    """The identity that the CI provider gives this job.

    Raises:
        UsageFault: this is no CI job, or it may not have one.
        EnvironmentFault: the provider failed to give one.
    """
    try:
        token = detect()
        if token is not None:
            return IdentityToken(token)
    except IdentityError as error:
        refused = isinstance(error.__cause__, GitHubOidcPermissionCredentialError)
        raise (UsageFault if refused else EnvironmentFault)(
            f"this job got no identity to sign with: {plain_text(str(error))}",
            next_step=_GIVE_IDENTITY,
        ) from error
    raise UsageFault(
        "there is no identity to sign with: this is no CI job", next_step=_GIVE_IDENTITY
    )


def read_trust_config(path: Path | None) -> ClientTrustConfig:
    """Where to sign, and whose answers to believe; None: at the public instance, fetched anew.

    Raises:
        UsageFault: the file is not there, or is none.
        sigstore.errors.TUFError: the public instance's cannot be fetched.
    """
    if path is None:
        return ClientTrustConfig.production()
    try:
        return ClientTrustConfig.from_json(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise UsageFault(
            "the trust configuration cannot be read",
            where=str(path),
            next_step="give a ClientTrustConfig (JSON) of the Sigstore instance",
        ) from error
