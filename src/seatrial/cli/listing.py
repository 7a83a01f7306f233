"""`seatrial list`: the trials of a project."""

from pathlib import Path

import typer

from seatrial.cli import options

__all__ = ["EXAMPLES", "list_"]

EXAMPLES = """\b
Examples:
  seatrial list
  seatrial list --json | jq '.[0].id'
"""


def list_(
    project: options.Project = Path(),
    *,
    json: options.Json = False,
    color: options.ColorOption = options.Color.AUTO,
) -> None:
    """List the trials of the project, newest first."""
    from seatrial.evidence.folder import list_records
    from seatrial.report.summary import print_records, records_json

    records = list_records(options.project_folder(project))
    if json:
        typer.echo(records_json(records))
    elif records:
        print_records(options.console_for(color), records)
    else:
        options.console_for(color, stderr=True).print("no trials yet; make one: seatrial run")
