"""`seatrial run`: one trial."""

import contextlib
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from seatrial.cli import options

if TYPE_CHECKING:
    from seatrial.stack.plan import Plan
    from seatrial.trial.identity import Identity
    from seatrial.trial.observer import Observer

__all__ = ["EXAMPLES", "run"]

EXAMPLES = """\b
Examples:
  seatrial run                              the project in this folder
  seatrial run -- -k login -x               hand arguments to pytest
  seatrial run --changed                    only tests that your edits can affect
  seatrial run --workers auto               split the tests among isolated stacks
  seatrial run -s app -c "pytest -q"        tests that run in the application's service
  seatrial run -f compose.yml -f ci.yml     several compose files
  seatrial run --json | jq .status          the record, for programs
"""


def run(
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
    base: Annotated[
        str | None,
        typer.Option(
            metavar="COMMIT",
            help="Compare with this commit: coverage of the lines that changed, and --changed.",
        ),
    ] = None,
    start_timeout: Annotated[
        float | None,
        typer.Option(metavar="SECONDS", help="Until every service must be ready.", min=0.1),
    ] = None,
    test_timeout: Annotated[
        float | None,
        typer.Option(metavar="SECONDS", help="Until the tests must have ended.", min=0.1),
    ] = None,
    workers: Annotated[
        str | None,
        typer.Option(
            metavar="N|auto", help="Run the tests on this many isolated stacks side by side."
        ),
    ] = None,
    changed: Annotated[
        bool | None,
        typer.Option(
            "--changed",
            help="Run only the tests that what changed can affect: since they were last run like "
            "this and, with --base, since that commit. In doubt, all.",
        ),
    ] = None,
    fail_fast: Annotated[
        bool | None,
        typer.Option(
            "--fail-fast/--no-fail-fast",
            help="End the run, on all workers, at the first failure.",
            show_default=False,
        ),
    ] = None,
    retries: Annotated[
        int | None,
        typer.Option(
            metavar="N",
            help="Run failed tests again in a fresh stack, this often at most.",
            min=0,
            max=10,
        ),
    ] = None,
    fresh: Annotated[
        bool, typer.Option("--fresh", help="Measure anew even if nothing has changed.")
    ] = False,
    verbose: Annotated[
        bool, typer.Option("--verbose", "-v", help="Show the output of builds and tests.")
    ] = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Show only the result.")] = False,
    json: options.Json = False,
    color: options.ColorOption = options.Color.AUTO,
) -> None:
    """Run one trial: build, start, test, collect, clean up; and write its record."""
    import asyncio
    from json import dumps

    from seatrial.errors import NothingAffected
    from seatrial.settings import load_settings
    from seatrial.trial.launch import launch

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
        )
        | {
            "timeouts.start": start_timeout,
            "timeouts.test": test_timeout,
            "coverage.base": base,
            "retries": retries,
            "workers": int(workers) if workers and workers.isdecimal() else workers,
            "fail_fast": fail_fast,
            "changed": changed,
        },
    )
    with contextlib.ExitStack() as stack:

        def announce(plan: "Plan", identity: "Identity") -> "Observer":
            if quiet:
                from seatrial.trial.observer import SilentObserver

                return SilentObserver()
            from seatrial.report.plan import print_plan_heading
            from seatrial.report.progress import LiveProgress, PlainProgress

            out = options.console_for(color, stderr=json)
            print_plan_heading(out, plan, identity.trial)
            if out.is_terminal:
                return stack.enter_context(LiveProgress(out, verbose=verbose))
            return stack.enter_context(PlainProgress(out, verbose=verbose))

        try:
            record, run_folder = asyncio.run(
                launch(
                    folder,
                    loaded,
                    arguments or (),
                    options.surroundings(),
                    announce=announce,
                    fresh=fresh,
                )
            )
        except NothingAffected as nothing:
            if json:  # of a record, what there is to tell
                told = {"status": "nothing_affected", "reason": nothing.what, "exit_code": 0}
                typer.echo(dumps(told, indent=2))
            raise
    if json:
        typer.echo(record.model_dump_json(indent=2))
    else:
        from seatrial.report.summary import print_record

        out = options.console_for(color)
        print_record(out, record, run_folder.path)
    raise typer.Exit(record.exit_code)
