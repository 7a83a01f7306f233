"""A trial of the example with one worker, beside the plain Compose flow that it replaces."""

import os
import sys
from collections.abc import Sequence

from bench.plain import PlainRun, plain_flow
from bench.start import remove_built
from bench.suites import COMPOSE_FILE, EXAMPLE
from bench.table import Row, absolute, ratio
from bench.trials import TrialRun, help_seconds, run_trial

__all__ = ["CLEAN_AT_MOST", "START_AT_MOST", "compare", "measure_first_trial"]

SERVICES = ("db", "cache", "gateway")
HELP_ROUNDS = 20

START_AT_MOST = 0.35
CLEAN_AT_MOST = 0.4
OVERHEAD_AT_MOST_S = 1.5
HELP_AT_MOST_S = 0.150


def measure_first_trial(rounds: int) -> list[Row]:
    """Let both take turns; the first round, which fills caches, is not counted."""
    name = f"seatrial-bench-{os.getpid()}"
    plain, trials = [], []
    try:
        for number in range(rounds + 1):
            _say(f"round {number} of {rounds}: plain flow" + (" (not counted)" * (number == 0)))
            plain.append(
                plain_flow(EXAMPLE, COMPOSE_FILE, name=name, services=SERVICES, test="test")
            )
            _say(f"round {number} of {rounds}: trial; plain took {plain[-1].total:.1f} s")
            trials.append(run_trial(EXAMPLE, "--workers", "1"))
            _say(f"round {number} of {rounds}: trial took {trials[-1].wall:.1f} s")
    finally:
        remove_built(EXAMPLE, COMPOSE_FILE, name=name)
    return compare(plain[1:], trials[1:], [help_seconds() for _ in range(HELP_ROUNDS)])


def compare(
    plain: Sequence[PlainRun], trials: Sequence[TrialRun], helps: Sequence[float]
) -> list[Row]:
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


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)
