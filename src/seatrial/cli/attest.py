"""`seatrial attest`: signs a verdict and what it rests on."""

from pathlib import Path
from typing import Annotated

import typer

from seatrial.cli import options
from seatrial.errors import UsageFault

__all__ = ["EXAMPLES", "attest"]

EXAMPLES = """\b
Examples:
  openssl genpkey -algorithm ed25519 -out ~/release.pem
  seatrial attest --key ~/release.pem             the newest verdict
  seatrial attest --key ~/release.pem a1b2c3      that on a trial, by the end of its id
  seatrial attest --key ~/release.pem --output handover --with-files

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
    *,
    with_files: Annotated[
        bool, typer.Option("--with-files", help="Copy all covered files to the output as well.")
    ] = False,
    json: options.Json = False,
    color: options.ColorOption = options.Color.AUTO,
) -> None:
    """Sign the verdict on a trial, its tests' results and the digests of all their files."""
    if not key:
        raise UsageFault(
            "there is no key to sign with",
            next_step="give one with --key; openssl genpkey -algorithm ed25519 makes one",
        )
    if with_files and output is None:
        raise UsageFault("--with-files needs --output: the folder to copy to")
    from seatrial.judge.attest.available import require_packages

    require_packages()
    import os
    from datetime import UTC, datetime

    from seatrial.judge.attest.keys import PASSWORD_VARIABLE, read_signer
    from seatrial.judge.attest.make import attest as make
    from seatrial.report.attestation import attested_json, print_attested

    password = os.environ.get(PASSWORD_VARIABLE)
    made = make(
        options.project_folder(project),
        trial,
        [read_signer(one, password) for one in key],
        datetime.now(UTC),
        output=output,
        with_files=with_files,
    )
    if json:
        typer.echo(attested_json(made))
    else:
        print_attested(options.console_for(color), made)
