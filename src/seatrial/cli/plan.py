"""`seatrial plan`: what a trial would run, without running it."""

from pathlib import Path

import typer

from seatrial.cli import options

__all__ = ["EXAMPLES", "plan"]

EXAMPLES = """\b
Examples:
  seatrial plan                       services, and what is changed in the compose form
  seatrial plan --json | jq .form     the patched form, which Compose accepts as a file
"""


def plan(
    arguments: options.Arguments = None,
    project: options.Project = Path(),
    files: options.Files = None,
    profiles: options.Profiles = None,
    env_files: options.EnvFiles = None,
    service: options.Service = None,
    command: options.Command = None,
    services: options.Services = None,
    external: options.External = None,
    source: options.Source = None,
    *,
    json: options.Json = False,
    color: options.ColorOption = options.Color.AUTO,
) -> None:
    """Print the patched compose form and what was changed in it; run nothing."""
    import asyncio

    from seatrial.report.plan import plan_json, print_plan
    from seatrial.settings import load_settings
    from seatrial.trial.planning import plan_only

    folder = options.project_folder(project)
    loaded = load_settings(
        folder,
        options.overrides(
            compose_files=files,
            profiles=profiles,
            env_files=env_files,
            service=service,
            command=command,
            services=services,
            external=external,
            source=source,
        ),
    )
    made = asyncio.run(plan_only(folder, loaded, arguments or (), options.surroundings()))
    if json:
        typer.echo(plan_json(made))
    else:
        print_plan(options.console_for(color), made)
