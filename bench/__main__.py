"""`python -m bench`: Seatrial and the plain Compose flow side by side on the bundled example.

`python -m bench start`: start-up alone, also against the earliest moment that a tight loop sees.
`python -m bench evidence`: what the probe costs, and how much memory large trials take.
`python -m bench speed`: whole trials with two workers, after a small change, and after none.
`python -m bench split`: how evenly tests are dealt out to many workers (simulated, in one round).
Rounds alternate, so that both see the same machine; the first, which fills caches, is not counted.
"""

import argparse
import asyncio
import atexit
import os
import shutil
import sys
import tempfile
from pathlib import Path

from bench.chart import draw
from bench.plain import PlainRun, plain_flow
from bench.probe import compare_probe, measure_memory
from bench.speed import measure_speed
from bench.split import measure_split
from bench.start import Greeting, remove_built, tight_loop, up_and_wait
from bench.table import Row, absolute, as_json, as_markdown, ratio
from bench.trials import TrialRun, help_seconds, run_trial
from seatrial.engine.connect import find_endpoint, open_engine

EXAMPLE = Path(__file__).parent.parent / "examples" / "shop"
RESULTS = Path(__file__).parent / "results"
COMPOSE_FILE = "docker-compose.test.yml"
SERVICES = ("db", "cache", "gateway")
HELP_ROUNDS = 20

GREETINGS: dict[str, Greeting] = {
    # A start-up message for user shop (protocol 3.0); R asks for the password, E says "not yet".
    "db": (5432, b"\x00\x00\x00\x13\x00\x03\x00\x00user\x00shop\x00\x00", b"R"),
    "cache": (6379, b"PING\r\n", b"+PONG"),
    "gateway": (8080, b"GET /health HTTP/1.0\r\n\r\n", b"HTTP/1.1 200"),
}
ONE_WORKER = ("--workers", "1")
"""As the plain flow has; the example's own settings ask for two."""
FEW_TESTS = (*ONE_WORKER, "--command", "pytest -q --no-cov tests/unit/test_money.py")
"""For rounds in which only start-up counts."""

START_AT_MOST = 0.35
EARLIEST_AT_MOST = 1.15
CLEAN_AT_MOST = 0.5
OVERHEAD_AT_MOST_S = 1.5
HELP_AT_MOST_S = 0.150


def main() -> int:
    """Measure, print the table, write it to bench/results, and fail if a target is missed."""
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument(
        "what",
        nargs="?",
        choices=["first-trial", "start", "evidence", "speed", "split"],
        default="first-trial",
    )
    parser.add_argument("--rounds", type=int, default=3, help="counted rounds (default: 3)")
    parser.add_argument(
        "--suite", action="append", choices=["shop", "rq"], help="for speed (default: both)"
    )
    arguments = parser.parse_args()
    if arguments.what == "evidence":
        rows = [*compare_probe(arguments.rounds), *measure_memory()]
    elif arguments.what == "start":
        rows = asyncio.run(_start_up(arguments.rounds))
    elif arguments.what == "speed":
        with tempfile.TemporaryDirectory(prefix="seatrial-bench-") as name:
            suites = arguments.suite or ["shop", "rq"]
            rows = [
                row
                for suite in suites
                for row in measure_speed(suite, arguments.rounds, Path(name))
            ]
    elif arguments.what == "split":
        rows = measure_split(RESULTS / "split")
    else:
        plain, trials = _rounds(arguments.rounds)
        rows = compare(plain, trials, [help_seconds() for _ in range(HELP_ROUNDS)])
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / f"{arguments.what}.md").write_text(as_markdown(rows), encoding="utf-8")
    (RESULTS / f"{arguments.what}.json").write_text(as_json(rows), encoding="utf-8")
    draw(rows, RESULTS / f"{arguments.what}.svg")
    print(as_markdown(rows))
    return 0 if all(row.met for row in rows) else 1


def compare(plain: list[PlainRun], trials: list[TrialRun], helps: list[float]) -> list[Row]:
    """The table's rows."""
    return [
        ratio(
            "start-up until all services are ready",
            "`docker compose up --wait`",
            [trial.start for trial in trials],
            [run.start for run in plain],
            START_AT_MOST,
        ),
        ratio(
            "clean-up",
            "`docker compose down -v`",
            [trial.clean for trial in trials],
            [run.clean for run in plain],
            CLEAN_AT_MOST,
        ),
        absolute(
            "overhead: wall time less build, start, test and coverage's reports",
            [trial.overhead for trial in trials],
            OVERHEAD_AT_MOST_S,
        ),
        absolute("coverage's reports", [trial.coverage for trial in trials], None),
        absolute("`seatrial --help`", helps, HELP_AT_MOST_S),
    ]


async def _start_up(count: int) -> list[Row]:
    name = f"seatrial-bench-{os.getpid()}"
    waited, earliest, trials, prepared = [], [], [], []
    async with open_engine(find_endpoint(os.environ, Path.home())) as engine:
        unprepared = _unprepared_example()
        for number in range(count + 1):
            _say(f"start-up: round {number} of {count}" + (" (not counted)" * (number == 0)))
            waited.append(up_and_wait(EXAMPLE, COMPOSE_FILE, name=name, services=SERVICES))
            earliest.append(
                await tight_loop(engine, EXAMPLE, COMPOSE_FILE, name=name, greetings=GREETINGS)
            )
            trials.append(run_trial(unprepared, *FEW_TESTS).start)
            prepared.append(run_trial(EXAMPLE, *FEW_TESTS).start)
            times = (waited[-1], earliest[-1], trials[-1], prepared[-1])
            _say(", ".join(f"{seconds:.2f} s" for seconds in times))
    remove_built(EXAMPLE, COMPOSE_FILE, name=name)
    rows = []
    for what, ours in (
        ("start-up until all services are ready", trials),
        ("the same with a prepared database, migrations included", prepared),
    ):
        rows += [
            ratio(what, "`docker compose up --wait`", ours[1:], waited[1:], START_AT_MOST),
            ratio(
                what,
                "the earliest moment a tight loop sees",
                ours[1:],
                earliest[1:],
                EARLIEST_AT_MOST,
            ),
        ]
    return rows


def _unprepared_example() -> Path:
    """A copy of the example that does without a prepared database, and all other settings."""
    parent = Path(tempfile.mkdtemp(prefix="seatrial-bench-"))
    atexit.register(shutil.rmtree, parent, ignore_errors=True)
    ignored = shutil.ignore_patterns(".seatrial", "__pycache__", ".*_cache")
    copy = shutil.copytree(EXAMPLE, parent / EXAMPLE.name, ignore=ignored)
    (copy / "seatrial.toml").unlink()
    return copy


def _rounds(count: int) -> tuple[list[PlainRun], list[TrialRun]]:
    plain, trials = [], []
    for number in range(count + 1):
        _say(f"round {number} of {count}: plain flow" + (" (not counted)" * (number == 0)))
        plain.append(
            plain_flow(
                EXAMPLE,
                COMPOSE_FILE,
                name=f"seatrial-bench-{os.getpid()}",
                services=SERVICES,
                test="test",
            )
        )
        _say(f"round {number} of {count}: trial; plain took {plain[-1].total:.1f} s")
        trials.append(run_trial(EXAMPLE, *ONE_WORKER))
        _say(f"round {number} of {count}: trial took {trials[-1].wall:.1f} s")
    return plain[1:], trials[1:]


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
