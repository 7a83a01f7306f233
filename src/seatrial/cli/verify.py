"""`seatrial verify`: whether attestations hold, where there are only the files."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from seatrial.cli import options
from seatrial.errors import ExitCode, UsageFault

if TYPE_CHECKING:
    from seatrial.judge.attest.interface import Trust

__all__ = ["EXAMPLES", "verify"]

_HEX = frozenset("0123456789abcdef")
_SHA256_DIGITS = 64

EXAMPLES = """\b
Examples:
  seatrial verify *.dsse.json --key release.pub
  seatrial verify *.dsse.json --key release.pub --commit $(git rev-parse HEAD) --max-age 7
  seatrial verify *.dsse.json --key release.pub --min-score 95 --require coverage-enforced
  seatrial verify *.dsse.json --key release.pub --policy our-rules/seatrial.toml
  seatrial verify *.dsse.json --key ci.pub --key lead.pub --threshold 2 --no-waivers --json
  seatrial verify *.sigstore.json --issuer https://token.actions.githubusercontent.com \\
    --identity https://github.com/OWNER/REPO/.github/workflows/ship.yml@refs/heads/main

Exit codes: 0 every check passed, 1 one did not, 2 a key, a trusted root or an envelope cannot be
read.
"""


def verify(
    envelopes: Annotated[
        list[Path], typer.Argument(metavar="ENVELOPE", help="Files that seatrial attest wrote.")
    ],
    key: Annotated[
        list[Path] | None,
        typer.Option(metavar="PUBLIC", help="Public key, PEM; several may be given."),
    ] = None,
    identity: Annotated[
        str | None,
        typer.Option(metavar="ID", help="Who must have signed Sigstore bundles, instead of a key."),
    ] = None,
    issuer: Annotated[
        str | None, typer.Option(metavar="URL", help="Who must vouch for that identity.")
    ] = None,
    trusted_root: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="The trusted_root.json of a Sigstore instance.",
            show_default="the public one's, as it is on this machine",
        ),
    ] = None,
    files: Annotated[
        Path,
        typer.Option(
            metavar="FOLDER",
            help="What the covered files' paths are relative to.",
            show_default="here",
        ),
    ] = Path(),
    commit: Annotated[
        str | None, typer.Option(metavar="SHA", help="The full id of the commit it must be of.")
    ] = None,
    image: Annotated[
        str | None, typer.Option(metavar="DIGEST", help="An image it must be of, sha256:...")
    ] = None,
    max_age: Annotated[
        float | None, typer.Option(metavar="DAYS", min=0, max=36500, help="Since the trial ended.")
    ] = None,
    min_score: Annotated[
        float | None,
        typer.Option(metavar="N", min=0, max=100, show_default="what it was judged by"),
    ] = None,
    require: Annotated[
        list[str] | None,
        typer.Option(metavar="CRITERION", help="Must be met; may be given several times."),
    ] = None,
    policy: Annotated[
        str | None,
        typer.Option(
            metavar="FILE|DIGEST",
            help="The rules it must be judged by: a seatrial.toml or pyproject.toml, or sha256:...",
        ),
    ] = None,
    threshold: Annotated[
        int | None,
        typer.Option(
            metavar="N",
            min=1,
            help="How many of the keys must have signed each envelope.",
            show_default="all of them",
        ),
    ] = None,
    *,
    no_waivers: Annotated[
        bool, typer.Option("--no-waivers", help="Fail if anything was waived.")
    ] = False,
    json: options.Json = False,
    color: options.ColorOption = options.Color.AUTO,
) -> None:
    """Check signature, commit, files, age and verdict of attestations, without a network."""
    from datetime import UTC, datetime, timedelta

    from seatrial.judge.attest.verify import Demands, verified
    from seatrial.judge.attest.verify import verify as check_all
    from seatrial.report.attestation import print_verification, verification_json

    if commit is not None and not _is_commit(commit):
        raise UsageFault(
            "--commit wants the full id of a commit",
            where=commit,
            next_step="git rev-parse HEAD prints it",
        )
    trust = _trust(key, threshold, identity, issuer, trusted_root)
    checks = check_all(
        {str(path): _read(path) for path in envelopes},
        trust,
        files,
        Demands(
            commit=commit,
            image=image,
            max_age=None if max_age is None else timedelta(days=max_age),
            min_score=min_score,
            criteria=tuple(require or ()),
            no_waivers=no_waivers,
            policy=None if policy is None else _policy(policy),
        ),
        datetime.now(UTC),
    )
    if json:
        typer.echo(verification_json(checks))
    else:
        print_verification(options.console_for(color), checks)
    raise typer.Exit(ExitCode.OK if verified(checks) else ExitCode.TESTS_FAILED)


def _trust(
    key: list[Path] | None,
    threshold: int | None,
    identity: str | None,
    issuer: str | None,
    trusted_root: Path | None,
) -> "Trust":
    if (key or threshold) and (identity or issuer or trusted_root):
        raise UsageFault(
            "--key and --threshold are for envelopes, --identity, --issuer and --trusted-root for "
            "bundles: not both in one call",
            next_step="verify *.dsse.json with --key, *.sigstore.json with --identity and --issuer",
        )
    if key:
        return _key_trust(key, threshold)
    if identity and issuer:
        return _identity_trust(identity, issuer, trusted_root)
    raise UsageFault(
        "it is not said whose signatures count",
        next_step="--key PUBLIC for envelopes, --identity ID and --issuer URL for bundles",
    )


def _key_trust(paths: list[Path], threshold: int | None) -> "Trust":
    from seatrial.judge.attest.available import require_packages

    require_packages("attest")
    from seatrial.judge.attest.envelope import KeyTrust
    from seatrial.judge.attest.keys import read_public_key

    keys = list({one.keyid: one for one in map(read_public_key, paths)}.values())
    return KeyTrust(keys, threshold or len(keys))


def _identity_trust(identity: str, issuer: str, trusted_root: Path | None) -> "Trust":
    from seatrial.judge.attest.available import require_packages

    require_packages("keyless")
    from seatrial.judge.attest.bundle import IdentityTrust, read_verifier

    return IdentityTrust(identity, issuer, read_verifier(trusted_root))


def _policy(text: str) -> str:
    """The digest of the rules in a file, or the digest itself."""
    digest = text.removeprefix("sha256:")
    if len(digest) == _SHA256_DIGITS and set(digest) <= _HEX:
        return digest
    from seatrial.judge.rules import rules_digest, rules_of
    from seatrial.settings import load_settings_file

    return rules_digest(rules_of(load_settings_file(Path(text))))


def _is_commit(text: str) -> bool:
    return len(text) in {40, 64} and set(text) <= _HEX


def _read(path: Path) -> bytes:
    from seatrial.judge.attest.interface import MAX_SEALED

    try:
        if not path.is_file():
            raise UsageFault("there is no such envelope", where=str(path))
        with path.open("rb") as file:
            return file.read(MAX_SEALED + 1)
    except OSError as error:
        raise UsageFault(f"the envelope cannot be read: {error}", where=str(path)) from error
