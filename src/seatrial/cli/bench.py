"""`seatrial bench`: trials again and again, held against the project's budgets."""

from pathlib import Path
from typing import Annotated

import typer

from seatrial.cli import options
from seatrial.errors import EnvironmentFault, ExitCode, UsageFault

__all__ = ["EXAMPLES", "bench"]

EXAMPLES = """\b
Examples:
  seatrial bench                                1, 2 and 4 workers, three times each
  seatrial bench --workers 1 --repeats 5        one scenario, five times
  seatrial bench --cold --quick "not slow"      also without the build cache, and a quick choice
  seatrial bench --json | jq '.metrics[] | select(.status == "not met")'

Press Ctrl-C to stop; the same command goes on where it was.
"""


def bench(
    arguments: options.Arguments = None,
    project: options.Project = Path(),
    files: options.Files = None,
    profiles: options.Profiles = None,
    env_files: options.EnvFiles = None,
    service: options.Service = None,
    command: options.Command = None,
    *,
    repeats: Annotated[
        int, typer.Option(metavar="N", help="How often each scenario is run.", min=1, max=1000)
    ] = 3,
    workers: Annotated[
        str, typer.Option(metavar="N,N,…", help="Numbers of workers to compare.")
    ] = "1,2,4",
    cold: Annotated[
        bool,
        typer.Option(
            "--cold",
            help="Also build the project's images without the cache, as docker compose build "
            "--no-cache does; nothing is removed from it.",
        ),
    ] = False,
    quick: Annotated[
        str | None,
        typer.Option(
            metavar="EXPR", help="Also run only the tests that this -m expression selects."
        ),
    ] = None,
    keep_going: Annotated[
        bool, typer.Option("--keep-going", help="Go on after a trial that did not pass.")
    ] = False,
    resume: Annotated[
        bool,
        typer.Option(
            "--resume/--restart",
            help="Go on with an unfinished bench of the same plan, or start over.",
        ),
    ] = True,
    output: Annotated[
        Path,
        typer.Option(
            metavar="FOLDER",
            help="Where the results go, from the project's folder.",
            show_default=True,
        ),
    ] = Path("performance_results"),
    verbose: Annotated[
        bool, typer.Option("--verbose", "-v", help="Show the output of builds and tests.")
    ] = False,
    json: options.Json = False,
    color: options.ColorOption = options.Color.AUTO,
) -> None:
    """Run trials again and again; write metrics.csv and a report on where the time goes."""
    from seatrial.report.bench import BenchProgress, print_bench, write_bench
    from seatrial.report.text import print_fault
    from seatrial.trial.bench import make_report, make_scenarios, plan_bench, read_state, run_bench
    from seatrial.words import counted

    folder = options.project_folder(project)
    planned = plan_bench(
        folder,
        options.overrides(
            compose_files=files,
            profiles=profiles,
            env_files=env_files,
            service=service,
            command=command,
        ),
        arguments=arguments or (),
        scenarios=make_scenarios(_numbers(workers), cold=cold, quick=quick is not None),
        quick=quick,
        repeats=repeats,
    )
    out = options.console_for(color, stderr=json)
    state = read_state(planned) if resume else None
    if state and state.runs:
        out.print(f"going on after {counted(len(state.runs), 'run')} (--restart starts over)")
    outcome = run_bench(
        planned,
        state,
        options.surroundings(),
        BenchProgress(out, verbose=verbose),
        keep_going=keep_going,
    )
    if outcome.stopped_by:
        stopped = outcome.stopped_by
        if stopped.fault:
            print_fault(out, stopped.fault)
        done = counted(len(outcome.state.runs), "run")
        out.print(f"bench stopped at trial {stopped.id}: {stopped.status.value}")
        out.print(f"next: seatrial show {stopped.id}; the same command goes on after {done}")
        raise typer.Exit(stopped.exit_code)
    report = make_report(planned, outcome.state)
    target = folder / output
    try:
        write_bench(report, target)
    except OSError as error:
        raise EnvironmentFault(
            f"the results cannot be written: {error.strerror or error}",
            where=str(target),
            next_step="choose another folder with --output; the runs are kept",
        ) from error
    if json:
        typer.echo(report.model_dump_json(indent=2))
    else:
        print_bench(out, report, target)
    if any(run.status.value not in {"passed", "over budget"} for run in report.runs):
        raise typer.Exit(ExitCode.TESTS_FAILED)
    if any(metric.status != "met" for metric in report.metrics if metric.budget is not None):
        raise typer.Exit(ExitCode.BUDGET)


def _numbers(text: str) -> list[int]:
    parts = text.split(",")
    if not all(part.strip().isdecimal() and int(part) for part in parts):
        raise UsageFault(
            f"--workers {text!r} is no list of numbers from 1 on",
            where="command line",
            next_step="e.g. --workers 1,2,4",
        )
    return [int(part) for part in parts]
