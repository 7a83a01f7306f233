"""`seatrial show`: one trial's record."""

from pathlib import Path
from typing import Annotated

import typer

from seatrial.cli import options

__all__ = ["EXAMPLES", "show"]

EXAMPLES = """\b
Examples:
  seatrial show             the newest trial
  seatrial show a1b2c3      by the end of its id
  seatrial show --json | jq .phases
"""


def show(
    trial: Annotated[
        str | None,
        typer.Argument(
            metavar="[ID]", help="A trial's id, or its start or end.", show_default="newest"
        ),
    ] = None,
    project: options.Project = Path(),
    *,
    json: options.Json = False,
    color: options.ColorOption = options.Color.AUTO,
) -> None:
    """Show a trial: how it ended, where the time went, and where its files are."""
    from seatrial.evidence.folder import read_record
    from seatrial.report.summary import print_record

    record, folder = read_record(options.project_folder(project), trial)
    if json:
        typer.echo(record.model_dump_json(indent=2))
    else:
        print_record(options.console_for(color), record, folder.path)
