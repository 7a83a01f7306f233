"""Start-up of a suite in turns: plain, as a tight loop sees it, by a trial, and by one prepared."""

import asyncio
import os
import sys
from pathlib import Path

from bench.first_trial import START_AT_MOST
from bench.start import remove_built, tight_loop, up_and_wait
from bench.suites import COMPOSE_FILE, Suite, copy_suite
from bench.table import Row, ratio
from bench.trials import run_trial
from seatrial.engine.connect import find_endpoint, open_engine

__all__ = ["measure_start"]

EARLIEST_AT_MOST = 1.15
SETTINGS = "seatrial.toml"
READY = "start-up until all services are ready"
PREPARED = "the same with a prepared database, migrations included"


def measure_start(name: str, rounds: int, folder: Path) -> list[Row]:
    """Measure a suite: one of `bench.suites.NAMES`.

    The first round, which fills caches, is not counted.


    A suite with settings is tried with them and without.
    """
    suite = copy_suite(name, _new(folder / "settings"), xdist=False)
    bare = suite
    if (suite.folder / SETTINGS).exists():
        bare = copy_suite(name, _new(folder / "bare"), xdist=False)
        (bare.folder / SETTINGS).unlink()
    return asyncio.run(_take_turns(suite, bare, rounds))


async def _take_turns(suite: Suite, bare: Suite, rounds: int) -> list[Row]:
    name = f"seatrial-bench-{os.getpid()}"
    services = tuple(suite.greetings)
    few = ("--workers", "1", "--command", suite.few_tests)
    waited, earliest, trials, prepared = [], [], [], []
    async with open_engine(find_endpoint(os.environ, Path.home())) as engine:
        try:
            for number in range(rounds + 1):
                counted = " (not counted)" * (number == 0)
                _say(f"{suite.name}: start-up: round {number} of {rounds}{counted}")
                waited.append(up_and_wait(bare.folder, COMPOSE_FILE, name=name, services=services))
                earliest.append(
                    await tight_loop(
                        engine, bare.folder, COMPOSE_FILE, name=name, greetings=bare.greetings
                    )
                )
                trials.append(run_trial(bare.folder, *few).start)
                if suite is not bare:
                    prepared.append(run_trial(suite.folder, *few).start)
                times = (waited[-1], earliest[-1], trials[-1], *prepared[-1:])
                _say(", ".join(f"{seconds:.2f} s" for seconds in times))
        finally:
            remove_built(bare.folder, COMPOSE_FILE, name=name)
    rows = []
    for what, ours in ((READY, trials), (PREPARED, prepared)):
        if ours:
            told = f"{suite.name}: {what}"
            rows += [
                ratio(told, "`docker compose up --wait`", ours[1:], waited[1:], START_AT_MOST),
                ratio(
                    told,
                    "the earliest moment a tight loop sees",
                    ours[1:],
                    earliest[1:],
                    EARLIEST_AT_MOST,
                ),
            ]
    return rows


def _new(folder: Path) -> Path:
    folder.mkdir()
    return folder


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)
