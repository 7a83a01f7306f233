"""`seatrial clean`: leftovers of dead trials."""

import os
from pathlib import Path
from typing import Annotated

import typer

from seatrial.cli import options
from seatrial.errors import ExitCode

__all__ = ["EXAMPLES", "clean"]

EXAMPLES = """\b
Examples:
  seatrial clean              ask, then remove what dead trials left
  seatrial clean --dry-run    only show it
  seatrial clean --yes        for scripts
"""


def clean(
    *,
    everything: Annotated[
        bool,
        typer.Option("--all", help="Also of trials that run now or ran on another machine."),
    ] = False,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", "-n", help="Remove nothing.")] = False,
    json: options.Json = False,
    color: options.ColorOption = options.Color.AUTO,
) -> None:
    """Remove containers, networks and volumes of trials whose process is gone."""
    import asyncio

    from seatrial.engine.connect import find_endpoint, open_engine
    from seatrial.report.leftovers import leftovers_json, print_leftovers
    from seatrial.trial.leftovers import Cleaned, clean_up

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

    results = asyncio.run(work())
    if json:
        typer.echo(leftovers_json(results))
    if any(result.removal and result.removal.left for result in results):
        raise typer.Exit(ExitCode.ENVIRONMENT)
