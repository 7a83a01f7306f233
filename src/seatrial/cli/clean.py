"""`seatrial clean`: leftovers of dead trials."""

import os
from pathlib import Path
from typing import Annotated

import typer

from seatrial.cli import options
from seatrial.errors import ExitCode
from seatrial.words import counted

__all__ = ["EXAMPLES", "clean"]

EXAMPLES = """\b
Examples:
  seatrial clean              ask, then remove what dead trials left
  seatrial clean --dry-run    only show it
  seatrial clean --yes        for scripts
  seatrial clean --prepared   remove the prepared databases instead
"""


def clean(
    *,
    everything: Annotated[
        bool,
        typer.Option("--all", help="Also of trials that run now or ran on another machine."),
    ] = False,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
    prepared: Annotated[
        bool, typer.Option("--prepared", help="Prepared databases of all projects instead.")
    ] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", "-n", help="Remove nothing.")] = False,
    json: options.Json = False,
    color: options.ColorOption = options.Color.AUTO,
) -> None:
    """Remove containers, networks and volumes of trials whose process is gone."""
    import asyncio
    from json import dumps

    from seatrial.engine.connect import find_endpoint, open_engine
    from seatrial.report.leftovers import leftovers_json, print_leftovers
    from seatrial.trial.leftovers import Cleaned, clean_up
    from seatrial.trial.prepared import find_prepared, remove_prepared

    out = options.console_for(color, stderr=json)

    def confirm(count: int) -> bool:
        return not dry_run and (yes or typer.confirm(f"Remove what {count} trials left?", err=True))

    async def work() -> list[Cleaned]:
        async with open_engine(find_endpoint(os.environ, Path.home())) as engine:
            return await clean_up(
                engine,
                everything=everything,
                show=lambda leftovers: print_leftovers(out, leftovers),
                confirm=confirm,
            )

    async def work_on_prepared() -> list[str]:
        async with open_engine(find_endpoint(os.environ, Path.home())) as engine:
            images = await find_prepared(engine)
            out.print(f"the engine holds {counted(len(images), 'prepared database')}")
            asked = f"Remove {counted(len(images), 'prepared database')}?"
            if not images or dry_run or not (yes or typer.confirm(asked, err=True)):
                return []
            await remove_prepared(engine, images)
            return images

    if prepared:
        removed = asyncio.run(work_on_prepared())
        if json:
            typer.echo(dumps(removed))
        return
    results = asyncio.run(work())
    if json:
        typer.echo(leftovers_json(results))
    if any(result.removal and result.removal.left for result in results):
        raise typer.Exit(ExitCode.ENVIRONMENT)
