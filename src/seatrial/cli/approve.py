"""`seatrial approve`: decides from evidence whether a commit may ship."""

from pathlib import Path
from typing import Annotated

import typer

from seatrial.cli import options

__all__ = ["EXAMPLES", "approve"]

EXAMPLES = """\b
Examples:
  seatrial approve                   on the newest trial
  seatrial approve a1b2c3            on a trial, by the end of its id
  seatrial approve --output release  APPROVAL.md and approval.json into that folder
  seatrial approve --json | jq .verdict.reasons

Exit codes: 0 approved, 1 rejected, 2 usage.
"""


def approve(
    trial: Annotated[
        str | None,
        typer.Argument(
            metavar="[ID]", help="A trial's id, or its start or end.", show_default="newest"
        ),
    ] = None,
    output: Annotated[
        Path | None,
        typer.Option(
            metavar="FOLDER",
            help="Where to write both files.",
            show_default=".seatrial/approvals/TRIAL",
        ),
    ] = None,
    project: options.Project = Path(),
    *,
    json: options.Json = False,
    color: options.ColorOption = options.Color.AUTO,
) -> None:
    """Decide from evidence whether this commit may ship, and write down why."""
    import asyncio
    import os
    from datetime import UTC, datetime

    from seatrial.errors import ExitCode
    from seatrial.judge.approval import approval_json
    from seatrial.judge.approve import approve as judge
    from seatrial.judge.earlier_approval import approval_folder
    from seatrial.report.approval import print_approval, write_approval
    from seatrial.settings import load_settings

    root = options.project_folder(project)
    loaded = load_settings(root)
    with options.console_for(color, stderr=True).status("looking at the evidence …"):
        approval = asyncio.run(judge(root, loaded, trial, datetime.now(UTC), environ=os.environ))
    folder = output or approval_folder(root, approval.trial.id)
    write_approval(folder, approval)
    if json:
        typer.echo(approval_json(approval), nl=False)
    else:
        print_approval(options.console_for(color), approval, folder)
    if not approval.verdict.approved:
        raise typer.Exit(ExitCode.TESTS_FAILED)
