"""`seatrial audit`: what should not be in Dockerfile, compose file and CI workflow."""

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from seatrial.cli import options

if TYPE_CHECKING:
    from seatrial.evidence.record import Record

__all__ = ["EXAMPLES", "audit"]

EXAMPLES = """\b
Examples:
  seatrial audit                                     findings with file and line
  seatrial audit --fail-on medium                    for CI that wants more than the default
  seatrial audit --format sarif --output audit.sarif for code scanning
  seatrial audit --json | jq '.findings[].rule'      for programs
"""


class Format(StrEnum):
    """How findings are printed."""

    TEXT = "text"
    JSON = "json"
    SARIF = "sarif"


class FailOn(StrEnum):
    """The least severity that makes the exit code 1."""

    HIGH = "high"
    MEDIUM = "medium"
    LOW = "low"
    NEVER = "never"


def audit(
    project: options.Project = Path(),
    files: options.Files = None,
    env_files: options.EnvFiles = None,
    *,
    format_: Annotated[
        Format | None,
        typer.Option("--format", help="How to print the findings.", show_default="text"),
    ] = None,
    output: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Write to this file instead of stdout.")
    ] = None,
    fail_on: Annotated[
        FailOn | None,
        typer.Option(
            help="Least severity of a finding that makes the exit code 1.",
            show_default="setting verdict.audit_fails_on",
        ),
    ] = None,
    json: options.Json = False,
    color: options.ColorOption = options.Color.AUTO,
) -> None:
    """Audit Dockerfile, compose file and CI workflow; run nothing of the project."""
    import asyncio
    import os

    from seatrial.audit.audit import audit_project, fails
    from seatrial.errors import ExitCode, UsageFault
    from seatrial.evidence.commit import has_tracked_files
    from seatrial.report.audit import print_audit
    from seatrial.report.sarif import sarif_json
    from seatrial.settings import load_settings

    if json and format_ not in {None, Format.JSON}:
        raise UsageFault("--json contradicts --format", next_step="give one of them")
    folder = options.project_folder(project)
    overrides = options.overrides(compose_files=files, env_files=env_files)
    settings = load_settings(folder, overrides).settings
    report = asyncio.run(
        audit_project(
            folder,
            settings,
            environ=os.environ,
            record=_newest(folder),
            has_tracked_files=has_tracked_files,
        )
    )
    chosen = Format.JSON if json else format_ or Format.TEXT
    if chosen is not Format.TEXT:
        text = report.model_dump_json(indent=2) if chosen is Format.JSON else sarif_json(report)
    try:
        if output is None and chosen is Format.TEXT:
            print_audit(options.console_for(color), report)
        elif output is None:
            typer.echo(text)
        elif chosen is Format.TEXT:
            from rich.console import Console

            with output.open("w", encoding="utf-8") as file:
                print_audit(Console(file=file, markup=False, highlight=False, width=200), report)
        else:
            output.write_text(f"{text}\n", encoding="utf-8")
    except OSError as error:
        if output is None:
            raise
        raise UsageFault(
            f"the findings cannot be written: {error.strerror}",
            where=str(output),
            next_step="check --output",
        ) from error
    least = fail_on.value if fail_on else settings.verdict.audit_fails_on
    raise typer.Exit(ExitCode.TESTS_FAILED if fails(report, least) else ExitCode.OK)


def _newest(folder: Path) -> "Record | None":
    """The newest trial's record, whose image and measurements are looked at too."""
    from seatrial.errors import SeatrialError
    from seatrial.evidence.folder import read_record

    try:
        return read_record(folder, None)[0]
    except SeatrialError:
        return None
