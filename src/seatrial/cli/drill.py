"""`seatrial drill`: rehearses failures in a throwaway copy of the project."""

from pathlib import Path
from typing import Annotated

import typer

from seatrial.cli import options
from seatrial.errors import ExitCode, UsageFault

__all__ = ["EXAMPLES", "drill"]

EXAMPLES = """\b
Examples:
  seatrial drill                        all drills, one after the other
  seatrial drill --list                 what they break
  seatrial drill --only build-fails     one of them, after the control
  seatrial drill --json | jq '.results[] | select(.passed == false)'

Exit codes: 0 all that were made passed, 1 one did not, 2 usage, 3 the environment failed (the
control did not pass), 130 interrupted.
"""


def drill(
    project: options.Project = Path(),
    files: options.Files = None,
    profiles: options.Profiles = None,
    env_files: options.EnvFiles = None,
    service: options.Service = None,
    command: options.Command = None,
    *,
    only: Annotated[
        list[str] | None,
        typer.Option(metavar="KEY", help="Make this drill; give it several times for several."),
    ] = None,
    list_: Annotated[bool, typer.Option("--list", help="Only list the drills.")] = False,
    json: options.Json = False,
    color: options.ColorOption = options.Color.AUTO,
) -> None:
    """Break a throwaway copy of the project on purpose, and check what a trial makes of it."""
    from seatrial.drill.breakings import CONTROL, DRILLS, SUMMARIES
    from seatrial.drill.rehearse import rehearse_unless_interrupted
    from seatrial.report.drill import DrillProgress, print_drills
    from seatrial.settings import load_settings

    if list_:
        if json:
            from json import dumps

            typer.echo(dumps(SUMMARIES, indent=2))
        else:
            for key, summary in SUMMARIES.items():
                typer.echo(f"{key:<16}  {summary}")
        return
    unknown = [key for key in only or () if key not in DRILLS]
    if unknown:
        raise UsageFault(
            f"there is no drill {unknown[0]!r}",
            where="--only",
            next_step=f"choose of: {', '.join(DRILLS)}",
        )
    folder = options.project_folder(project)
    loaded = load_settings(
        folder,
        options.overrides(
            compose_files=files,
            profiles=profiles,
            env_files=env_files,
            service=service,
            command=command,
        ),
    )
    display = DrillProgress(options.console_for(color, stderr=json))
    try:
        report, place = rehearse_unless_interrupted(
            folder, loaded, only or list(DRILLS), options.surroundings(), display
        )
    finally:
        display.close()
    if json:
        typer.echo(report.model_dump_json(indent=2))
    else:
        print_drills(options.console_for(color), report, place)
    control = report.result(CONTROL)
    if control is None or not control.passed:
        raise typer.Exit(ExitCode.ENVIRONMENT)
    if any(result.passed is False for result in report.results):
        raise typer.Exit(ExitCode.TESTS_FAILED)
