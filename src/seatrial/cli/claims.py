"""`seatrial verify-claims`: what an approval that somebody else wrote is worth."""

from pathlib import Path
from typing import Annotated

import typer

from seatrial.cli import options
from seatrial.errors import ExitCode, UsageFault

__all__ = ["EXAMPLES", "verify_claims"]

EXAMPLES = """\b
Examples:
  seatrial verify-claims docs/APPROVAL.md                 against the newest trial
  seatrial verify-claims docs/APPROVAL.md --trial a1b2c3
  seatrial verify-claims docs/APPROVAL.md --no-evidence --allow-unsupported

Exit codes: 0 the claims hold, 1 they do not, 2 usage.
"""


def verify_claims(
    document: Annotated[
        Path, typer.Argument(metavar="FILE", help="A Markdown document that claims something.")
    ],
    trial: Annotated[
        str | None,
        typer.Option(
            metavar="ID", help="A trial's id, or its start or end.", show_default="the newest"
        ),
    ] = None,
    project: options.Project = Path(),
    *,
    no_evidence: Annotated[
        bool, typer.Option("--no-evidence", help="Hold the document against itself alone.")
    ] = False,
    allow_unsupported: Annotated[
        bool,
        typer.Option("--allow-unsupported", help="End with 0 if nothing speaks against a claim."),
    ] = False,
    json: options.Json = False,
    color: options.ColorOption = options.Color.AUTO,
) -> None:
    """List each claim of a document, and hold it against the document itself and a trial."""
    if no_evidence and trial is not None:
        raise UsageFault("--trial and --no-evidence exclude each other")
    from seatrial.judge.claims.check import check_claims, stands, trial_evidence
    from seatrial.judge.claims.document import read_document
    from seatrial.report.claims import claims_json, print_claims

    read = read_document(document)
    evidence = None if no_evidence else trial_evidence(options.project_folder(project), trial)
    findings = check_claims(read, evidence)
    holds = stands(findings, allow_unsupported=allow_unsupported)
    if json:
        typer.echo(claims_json(findings, evidence, stands=holds))
    else:
        print_claims(options.console_for(color), findings, evidence, stands=holds)
    raise typer.Exit(ExitCode.OK if holds else ExitCode.TESTS_FAILED)
