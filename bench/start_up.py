"""Start-up of a suite in turns: plain, as a tight loop sees it, by a trial, and by one prepared."""

import asyncio
import os
import sys
from collections import defaultdict
from pathlib import Path

from bench.first_trial import START_AT_MOST
from bench.start import Ready, loop_beside_trial, remove_built, tight_loop, up_and_wait
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
    waited, plain = list[float](), list[float]()
    told = defaultdict[str, list[float]](list)
    watched = defaultdict[str, list[Ready]](list)
    folders = {READY: bare.folder} | ({PREPARED: suite.folder} if suite is not bare else {})
    async with open_engine(find_endpoint(os.environ, Path.home())) as engine:
        try:
            for number in range(rounds + 1):
                note = " (not counted)" * (number == 0)
                _say(f"{suite.name}: start-up: round {number} of {rounds}{note}")
                waited.append(up_and_wait(bare.folder, COMPOSE_FILE, name=name, services=services))
                plain.append(
                    await tight_loop(
                        engine, bare.folder, COMPOSE_FILE, name=name, greetings=bare.greetings
                    )
                )
                _say(f"`up --wait` {waited[-1]:.2f} s, a tight loop {plain[-1]:.2f} s")
                for what, folder in folders.items():
                    told[what].append(run_trial(folder, *few).start)
                    beside = await loop_beside_trial(
                        engine, folder, *few, greetings=suite.greetings
                    )
                    watched[what].append(beside)
                    _say(
                        f"{what}: {told[what][-1]:.2f} s; with a tight loop beside it "
                        f"{beside.told:.2f} s, which saw them ready after {beside.seen:.2f} s"
                    )
        finally:
            remove_built(bare.folder, COMPOSE_FILE, name=name)
    rows = []
    for what, ours in told.items():
        named = f"{suite.name}: {what}"
        counted = watched[what][1:]
        rows += [
            ratio(named, "`docker compose up --wait`", ours[1:], waited[1:], START_AT_MOST),
            ratio(
                named,
                "the earliest moment a tight loop sees them ready",
                [ready.told for ready in counted],
                [ready.seen for ready in counted],
                EARLIEST_AT_MOST,
            ),
            ratio(
                named,
                "the same loop beside a plain `docker compose up --detach`",
                ours[1:],
                plain[1:],
                None,
            ),
        ]
    return rows


def _new(folder: Path) -> Path:
    folder.mkdir()
    return folder


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)
