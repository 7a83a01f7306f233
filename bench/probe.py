"""What evidence costs: the probe's time in a suite of trivial tests, and Seatrial's memory."""

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import takewhile
from pathlib import Path

from bench.table import Row, absolute, ratio
from seatrial import probe as seatrial_probe
from seatrial.evidence.tests import TEST_RESULTS_FILE, read_results

__all__ = ["compare_probe", "measure_memory"]

TESTS = 10_000
PROBE_AT_MOST = 1.03
PROBE_ROUNDS = 40
MEMORY_TESTS = 50_000
LOG_LINES = 1_000_000
LOG_LINE = 1000
"""Bytes: a million of such lines are a gigabyte."""
MEMORY_AT_MOST_MB = 150.0
IMAGE = "seatrial-bench-pytest"
Process = subprocess.Popen[bytes]

_SUITE = """\
import pytest

@pytest.mark.parametrize("number", range({tests}))
def test_trivial(number):
    pass
"""
_LOUD = f"""
def test_loud():
    for _ in range({LOG_LINES}):
        print("x" * {LOG_LINE - 1})
"""
_COMPOSE = f"""\
services:
  test:
    build: .
    image: {IMAGE}
    working_dir: /app
    command: python -m pytest -q -s -p no:cacheprovider
    volumes: [".:/app"]
"""
_DOCKERFILE = "FROM python:3.13-slim\nRUN pip install --quiet pytest\n"


@dataclass(frozen=True)
class Usage:
    """What a process and those it waited for used."""

    cpu: float
    """Seconds, in the kernel and out of it: other work on the machine does not count."""
    memory: float
    """The largest resident size of one of them, in megabytes."""
    code: int


def compare_probe(rounds: int) -> list[Row]:
    """Run a suite with and without the probe at the same time, each on a core of its own.

    The machine is a guest, and its speed changes within seconds by more than the probe costs; so
    both sides of a round see the same moment. They change cores from round to round, and have the
    same seed for their hashes, on which the layout of Python's memory depends. Rounds still differ
    by several hundredths, so there are at least PROBE_ROUNDS.
    """
    rounds = max(rounds, PROBE_ROUNDS)
    plain: list[float] = []
    probed: list[float] = []
    cores = sorted(os.sched_getaffinity(0))
    with tempfile.TemporaryDirectory() as name:
        folders = Path(name, "plain"), Path(name, "probed")
        for folder in folders:
            folder.mkdir()
            (folder / "pytest.ini").write_text("[pytest]\n", encoding="utf-8")
            (folder / "test_it.py").write_text(_SUITE.format(tests=TESTS), encoding="utf-8")
        for number in range(rounds + 1):
            _say(f"probe: round {number} of {rounds}" + (" (not counted)" * (number == 0)))
            swapped = number % 2
            runs = [
                _start_suite(
                    folder, number, core=cores[(swapped + side) % len(cores)], probed=side == 1
                )
                for side, folder in enumerate(folders)
            ]
            used = [_end(run) for run in runs]
            if any(one.code for one in used):
                raise RuntimeError(f"a suite ended with exit code {[one.code for one in used]}")
            plain.append(used[0].cpu)
            probed.append(used[1].cpu)
    what = f"CPU time of {TESTS} trivial tests with the probe"
    return [ratio(what, "plain", probed[1:], plain[1:], PROBE_AT_MOST)]


def measure_memory() -> list[Row]:
    """Run a trial with many tests and one with much output, and take their largest size.

    Raises:
        RuntimeError: a trial failed, or lost a result or a byte of the log.
    """
    rows = []
    for what, text, check in (
        (f"{MEMORY_TESTS} tests", _SUITE.format(tests=MEMORY_TESTS), _check_results),
        ("1 GB of logs", _LOUD, _check_log),
    ):
        _say(f"memory: a trial with {what}")
        with tempfile.TemporaryDirectory(prefix="seatrial-bench-") as name:
            folder = Path(name)
            (folder / "docker-compose.test.yml").write_text(_COMPOSE, encoding="utf-8")
            (folder / "Dockerfile").write_text(_DOCKERFILE, encoding="utf-8")
            (folder / "test_it.py").write_text(text, encoding="utf-8")
            command = [sys.executable, "-m", "seatrial", "run", "--quiet"]
            used = _end(_start(command, folder, os.environ))
            if used.code:
                raise RuntimeError(f"the trial with {what} ended with exit code {used.code}")
            check(folder / ".seatrial" / "latest")
        rows.append(
            absolute(
                f"memory of `seatrial run` through {what}",
                [used.memory],
                MEMORY_AT_MOST_MB,
                unit="MB",
            )
        )
    return rows


def _check_results(trial: Path) -> None:
    """Every test has passed and stands there once."""
    results = [(result.id, result.outcome) for result in read_results(trial / TEST_RESULTS_FILE)]
    passed = {test for test, outcome in results if outcome == "passed"}
    if not len(results) == len(passed) == MEMORY_TESTS:
        raise RuntimeError(f"{len(passed)} tests passed, of {len(results)} results")


def _check_log(trial: Path) -> None:
    """What was printed stands there byte for byte: all lines, one after the other.

    Before and after them stands what pytest prints itself; each begins with the engine's time.
    """
    printed = b"x" * (LOG_LINE - 1) + b"\n"
    with (trial / "logs" / "test.log").open("rb") as log:
        lines = (line.partition(b" ")[2] for line in log)
        first = next((line for line in lines if line.endswith(printed)), b"")
        whole = bool(first) + sum(1 for _ in takewhile(lambda line: line == printed, lines))
    if whole != LOG_LINES:
        raise RuntimeError(f"the log holds {whole} of {LOG_LINES} lines one after the other")


def _start_suite(folder: Path, seed: int, *, core: int, probed: bool) -> Process:
    env = {
        "PATH": os.environ["PATH"],
        "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1",
        "PYTHONHASHSEED": str(seed),
    }
    if probed:
        env["PYTHONPATH"] = str(Path(seatrial_probe.__file__).parent)
        env["PYTEST_ADDOPTS"] = "-p seatrial_probe"
        env["SEATRIAL_EVENTS"] = str(folder / "events.jsonl")
    (folder / "events.jsonl").unlink(missing_ok=True)
    process = _start([sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider"], folder, env)
    os.sched_setaffinity(process.pid, {core})
    return process


def _start(command: Sequence[str], folder: Path, env: Mapping[str, str]) -> Process:
    return subprocess.Popen(command, cwd=folder, env=env, stdout=subprocess.DEVNULL)


def _end(process: Process) -> Usage:
    _, status, used = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    # Linux counts in kibibytes.
    return Usage(used.ru_utime + used.ru_stime, used.ru_maxrss * 1024 / 1e6, process.returncode)


def _say(text: str) -> None:
    print(f"{time.strftime('%H:%M:%S')} {text}", file=sys.stderr, flush=True)
