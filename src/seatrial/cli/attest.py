"""`seatrial attest`: signs a verdict and what it rests on."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from seatrial.cli import options
from seatrial.errors import UsageFault

if TYPE_CHECKING:
    from seatrial.judge.attest.interface import Seal

__all__ = ["EXAMPLES", "attest"]

EXAMPLES = """\b
Examples:
  openssl genpkey -algorithm ed25519 -out ~/release.pem
  seatrial attest --key ~/release.pem             the newest verdict
  seatrial attest --key ~/release.pem a1b2c3      that on a trial, by the end of its id
  seatrial attest --key ~/release.pem --output handover --with-files
  seatrial attest --keyless                       in CI, with the job's identity

A key with a password: SEATRIAL_KEY_PASSWORD in the environment.
"""


def attest(
    trial: Annotated[
        str | None,
        typer.Argument(
            metavar="[ID]",
            help="A trial's id, or its start or end.",
            show_default="the newest that was judged",
        ),
    ] = None,
    key: Annotated[
        list[Path] | None,
        typer.Option(metavar="FILE", help="Private key, PEM; with several, each signs."),
    ] = None,
    output: Annotated[
        Path | None,
        typer.Option(metavar="FOLDER", help="Where to write.", show_default="beside the approval"),
    ] = None,
    project: options.Project = Path(),
    trust_config: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="Another Sigstore instance to sign at, as a ClientTrustConfig.",
            show_default="the public one",
        ),
    ] = None,
    *,
    keyless: Annotated[
        bool, typer.Option("--keyless", help="Sign with this CI job's identity, by Sigstore.")
    ] = False,
    with_files: Annotated[
        bool, typer.Option("--with-files", help="Copy all covered files to the output as well.")
    ] = False,
    json: options.Json = False,
    color: options.ColorOption = options.Color.AUTO,
) -> None:
    """Sign the verdict on a trial, its tests' results and the digests of all their files."""
    if not key and not keyless:
        raise UsageFault(
            "there is no key to sign with",
            next_step="give one with --key; openssl genpkey -algorithm ed25519 makes one; "
            "in CI, --keyless needs none",
        )
    if key and keyless:
        raise UsageFault("--key and --keyless exclude each other", next_step="sign with one")
    if trust_config is not None and not keyless:
        raise UsageFault("--trust-config goes with --keyless: a key needs no instance")
    if with_files and output is None:
        raise UsageFault("--with-files needs --output: the folder to copy to")
    from datetime import UTC, datetime

    seal = _keyless_seal(trust_config) if keyless else _key_seal(key or [])
    from seatrial.judge.attest.make import attest as make
    from seatrial.report.attestation import attested_json, print_attested

    made = make(
        options.project_folder(project),
        trial,
        seal,
        datetime.now(UTC),
        output=output,
        with_files=with_files,
    )
    if json:
        typer.echo(attested_json(made))
    else:
        print_attested(options.console_for(color), made)


def _key_seal(keys: list[Path]) -> "Seal":
    from seatrial.judge.attest.available import require_packages

    require_packages("attest")
    import os

    from seatrial.judge.attest.envelope import KeySeal
    from seatrial.judge.attest.keys import PASSWORD_VARIABLE, read_signer

    password = os.environ.get(PASSWORD_VARIABLE)
    return KeySeal([read_signer(one, password) for one in keys])


def _keyless_seal(trust_config: Path | None) -> "Seal":
    from seatrial.judge.attest.available import require_packages

    require_packages("keyless")
    from seatrial.judge.attest.keyless import KeylessSeal, ambient_identity, read_trust_config

    return KeylessSeal(ambient_identity(), lambda: read_trust_config(trust_config))
