"""`seatrial doctor`: whether this machine can run trials, and what makes builds slow."""

from pathlib import Path

import typer

from seatrial.cli import options
from seatrial.errors import ExitCode

__all__ = ["EXAMPLES", "doctor"]

EXAMPLES = """\b
Examples:
  seatrial doctor
  seatrial doctor --json | jq '.[] | select(.state == "failed")'
  seatrial doctor --json | jq '.[] | select(.name == "build cache") | {where, cost_seconds}'
"""


def doctor(
    project: options.Project = Path(),
    *,
    json: options.Json = False,
    color: options.ColorOption = options.Color.AUTO,
) -> None:
    """Check engine, Compose, buildx, disk, memory and DNS, and say what to do about each.

    Names the lines of the project's Dockerfiles that spoil the build cache, and what they cost.
    """
    import asyncio

    from seatrial.report.checks import checks_json, print_checks
    from seatrial.trial.doctor import examine

    folder = options.project_folder(project)
    checks = asyncio.run(examine(options.surroundings(), folder))
    if json:
        typer.echo(checks_json(checks))
    else:
        print_checks(options.console_for(color), checks)
    if any(check.state == "failed" for check in checks):
        raise typer.Exit(ExitCode.ENVIRONMENT)
