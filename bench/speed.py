"""Whole trials beside the plain Compose flow: two workers, a small change, and no change at all."""

import os
import re
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from bench.first_trial import CLEAN_AT_MOST
from bench.plain import compose_command
from bench.suites import COMPOSE_FILE, Suite, copy_suite
from bench.table import Row, ratio
from bench.trials import TrialRun, run_trial

__all__ = ["measure_speed"]

WORKERS = ("--workers", "2")
_STATEMENT = "return "
PATIENCE_S = 600.0
"""A suite that is not made for several processes on one database may hang there."""

AGAINST_XDIST_AT_MOST = 0.75
AGAINST_PLAIN_AT_MOST = 0.55
CHANGED_AT_MOST = 0.25
UNCHANGED_AT_MOST = 0.03


@dataclass(frozen=True)
class Plain:
    """Seconds of the plain flow."""

    total: float
    clean: float
    failed: int
    """Tests that failed; with several processes on one database it may be some."""


def measure_speed(name: str, rounds: int, folder: Path) -> list[Row]:
    """Measure a suite: `shop`, the example, or one of others."""
    suite = copy_suite(name, folder, xdist=True)
    project = f"seatrial-bench-{os.getpid()}"
    _say(f"{name}: warming up")
    _plain(suite, project)
    _trial(suite)
    serial, xdist, trials, unchanged = [], [], [], []
    changed: dict[str, list[float]] = {Path(leaf).name: [] for leaf in suite.leaves}
    try:
        for number in range(1, rounds + 1):
            serial.append(_plain(suite, project))
            xdist.append(_plain(suite, project, {"PYTEST_ADDOPTS": "-n 2"}))
            trials.append(_trial(suite))
            unchanged.append(_seconds(suite, *WORKERS))
            for leaf in suite.leaves:
                changed[Path(leaf).name].append(_after_a_change(suite, leaf))
            after = ", ".join(f"{name} {seconds[-1]:.1f} s" for name, seconds in changed.items())
            _say(
                f"{name}: round {number} of {rounds}: plain {serial[-1].total:.1f} s, with xdist "
                f"{xdist[-1].total:.1f} s ({xdist[-1].failed} failed), trial "
                f"{trials[-1].wall:.1f} s, nothing changed {unchanged[-1]:.2f} s, "
                f"after a change of {after}"
            )
    finally:
        down = [*compose_command(project, COMPOSE_FILE), "down", "-v", "--rmi", "local"]
        subprocess.run(down, cwd=suite.folder, check=False, capture_output=True)
    walls = [trial.wall for trial in trials]
    broken = median(run.failed for run in xdist)
    full = f"{name}: a full warm trial, 2 workers"
    return [
        ratio(
            full,
            "plain flow with `pytest -n 2`" + (f" ({broken:g} tests fail there)" if broken else ""),
            walls,
            [run.total for run in xdist],
            AGAINST_XDIST_AT_MOST,
        ),
        ratio(full, "plain flow", walls, [run.total for run in serial], AGAINST_PLAIN_AT_MOST),
        ratio(
            f"{name}: clean-up of 2 workers",
            "`docker compose down -v`",
            [trial.clean for trial in trials],
            [run.clean for run in serial],
            CLEAN_AT_MOST,
        ),
        *(
            ratio(
                f"{name}: after changing one leaf module, {leaf}",
                "a full warm trial",
                seconds,
                walls,
                CHANGED_AT_MOST,
            )
            for leaf, seconds in changed.items()
        ),
        ratio(f"{name}: nothing changed", "a full warm trial", unchanged, walls, UNCHANGED_AT_MOST),
    ]


def _plain(suite: Suite, project: str, environ: Mapping[str, str] | None = None) -> Plain:
    compose = compose_command(project, COMPOSE_FILE)
    variables = [
        word for key, value in (environ or {}).items() for word in ("-e", f"{key}={value}")
    ]

    def run(*arguments: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [*compose, *arguments],
            cwd=suite.folder,
            check=check,
            capture_output=True,
            text=True,
            timeout=PATIENCE_S,
        )

    began = time.perf_counter()
    try:
        run("build")
        run("up", "--wait", "--detach", *suite.greetings)
        tested = run("run", "--rm", "-T", *variables, "test", check=not environ)
    finally:
        cleaning = time.perf_counter()
        run("down", "-v")
    ended = time.perf_counter()
    counted = re.findall(r"(\d+) (?:failed|errors?)\b", tested.stdout.strip().rpartition("\n")[2])
    return Plain(ended - began, ended - cleaning, sum(map(int, counted)))


def _trial(suite: Suite) -> TrialRun:
    return run_trial(suite.folder, *WORKERS)


def _after_a_change(suite: Suite, leaf: str) -> float:
    """What `--changed` takes after a change that no test minds; it is taken back afterwards."""
    # As a developer who works like that has done before.
    _seconds(suite, "--changed", "--fresh", *WORKERS)
    path = suite.folder / leaf
    text = path.read_text(encoding="utf-8")
    if _STATEMENT not in text:
        raise ValueError(f"{leaf} has no {_STATEMENT!r}")
    try:
        path.write_text(text.replace(_STATEMENT, f"assert True; {_STATEMENT}", 1), encoding="utf-8")
        return _seconds(suite, "--changed", *WORKERS)
    finally:
        path.write_text(text, encoding="utf-8")


def _seconds(suite: Suite, *arguments: str) -> float:
    began = time.perf_counter()
    command = [sys.executable, "-m", "seatrial", "run", "--quiet", *arguments]
    subprocess.run(command, cwd=suite.folder, check=True, capture_output=True)
    return time.perf_counter() - began


def _say(text: str) -> None:
    print(f"{time.strftime('%H:%M:%S')} {text}", file=sys.stderr, flush=True)
