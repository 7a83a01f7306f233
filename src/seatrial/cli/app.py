"""The program `seatrial`: its commands, and how a fault ends it."""

import sys

import typer

from seatrial import __version__
from seatrial.cli import (
    approve,
    attest,
    audit,
    bench,
    claims,
    clean,
    doctor,
    drill,
    listing,
    plan,
    run,
    schema,
    show,
    verify,
)
from seatrial.errors import ExitCode, SeatrialError

__all__ = ["app", "main"]

app = typer.Typer(
    name="seatrial",
    no_args_is_help=True,
    # Plain help: it needs no Rich, whose import would double the time that --help takes.
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog="Exit codes: 0 passed, 1 tests failed or rejected, 2 usage, 3 environment failed, "
    "4 over budget, 5 no tests, 130 interrupted.",
)
app.command(name="run", epilog=run.EXAMPLES)(run.run)
app.command(name="plan", epilog=plan.EXAMPLES)(plan.plan)
app.command(name="list", epilog=listing.EXAMPLES)(listing.list_)
app.command(name="show", epilog=show.EXAMPLES)(show.show)
app.command(name="clean", epilog=clean.EXAMPLES)(clean.clean)
app.command(name="doctor", epilog=doctor.EXAMPLES)(doctor.doctor)
app.command(name="bench", epilog=bench.EXAMPLES)(bench.bench)
app.command(name="audit", epilog=audit.EXAMPLES)(audit.audit)
app.command(name="drill", epilog=drill.EXAMPLES)(drill.drill)
app.command(name="approve", epilog=approve.EXAMPLES)(approve.approve)
app.command(name="schema", epilog=schema.EXAMPLES)(schema.schema)
app.command(name="attest", epilog=attest.EXAMPLES)(attest.attest)
app.command(name="verify-claims", epilog=claims.EXAMPLES)(claims.verify_claims)
app.command(name="verify", epilog=verify.EXAMPLES)(verify.verify)


def _version(value: bool) -> None:
    if value:
        typer.echo(f"seatrial {__version__}")
        raise typer.Exit


@app.callback()
def seatrial(
    *,
    version: bool = typer.Option(
        False, "--version", callback=_version, is_eager=True, help="Print the version and exit."
    ),
) -> None:
    """Sea trials for Python projects: run the project's own compose tests, and measure them."""


def main() -> None:
    """Run the program; a foreseeable fault ends it with a message and its exit code."""
    try:
        app()
    except SeatrialError as error:
        from seatrial.report.text import console, print_error

        print_error(console(stderr=True), error)
        sys.exit(error.exit_code)
    except KeyboardInterrupt:
        sys.exit(ExitCode.INTERRUPTED)
    except BrokenPipeError:
        # The reader of our output went away (`seatrial list | head`); nothing is wrong.
        sys.stderr.close()
        sys.exit(ExitCode.OK)
