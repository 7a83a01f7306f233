"""What evidence costs: the probe's time in a suite of trivial tests, and Seatrial's memory."""

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from bench.table import Row, absolute, ratio
from seatrial import probe

__all__ = ["compare_probe", "measure_memory"]

TESTS = 10_000
PROBE_AT_MOST = 1.03
MEMORY_TESTS = 50_000
LOG_LINES = 1_000_000
LOG_LINE = 1000
"""Bytes: a million of such lines are a gigabyte."""
MEMORY_AT_MOST_MB = 150.0
IMAGE = "seatrial-bench-pytest"

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
    """Run a suite with and without the probe, in turns; the first turn is not counted."""
    plain, junit, probed, alone = [], [], [], []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "pytest.ini").write_text("[pytest]\n", encoding="utf-8")
        (folder / "test_it.py").write_text(_SUITE.format(tests=TESTS), encoding="utf-8")
        for number in range(rounds + 1):
            _say(f"probe: round {number} of {rounds}" + (" (not counted)" * (number == 0)))
            plain.append(_suite(folder))
            alone.append(_suite(folder, "-p", "no:junitxml", with_probe=True))
            junit.append(_suite(folder, "--junitxml=junit.xml"))
            probed.append(_suite(folder, with_probe=True))
    what = f"CPU time of {TESTS} trivial tests with the probe"
    return [
        ratio(f"{what}, its JUnit file included", "plain", probed[1:], plain[1:], PROBE_AT_MOST),
        ratio(f"{what}, no JUnit file", "plain", alone[1:], plain[1:], PROBE_AT_MOST),
        ratio(what, "with `--junitxml`, as the probe asks", probed[1:], junit[1:], PROBE_AT_MOST),
    ]


def measure_memory() -> list[Row]:
    """Run a trial with many tests and one with much output, and take their largest size."""
    rows = []
    for what, text in (
        (f"{MEMORY_TESTS} tests", _SUITE.format(tests=MEMORY_TESTS)),
        ("1 GB of logs", _LOUD),
    ):
        _say(f"memory: a trial with {what}")
        with tempfile.TemporaryDirectory(prefix="seatrial-bench-") as name:
            folder = Path(name)
            (folder / "docker-compose.test.yml").write_text(_COMPOSE, encoding="utf-8")
            (folder / "Dockerfile").write_text(_DOCKERFILE, encoding="utf-8")
            (folder / "test_it.py").write_text(text, encoding="utf-8")
            used = _use([sys.executable, "-m", "seatrial", "run", "--quiet"], folder, os.environ)
        if used.code:
            raise RuntimeError(f"the trial with {what} ended with exit code {used.code}")
        rows.append(
            absolute(
                f"memory of `seatrial run` through {what}",
                [used.memory],
                MEMORY_AT_MOST_MB,
                unit="MB",
            )
        )
    return rows


def _suite(folder: Path, *arguments: str, with_probe: bool = False) -> float:
    """CPU seconds of one run of the suite."""
    env = {"PATH": os.environ["PATH"], "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
    if with_probe:
        env["PYTHONPATH"] = str(Path(probe.__file__).parent)
        env["PYTEST_ADDOPTS"] = "-p seatrial_probe"
        env["SEATRIAL_EVENTS"] = str(folder / "events.jsonl")
    (folder / "events.jsonl").unlink(missing_ok=True)
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *arguments]
    used = _use(command, folder, env)
    if used.code:
        raise RuntimeError(f"the suite ended with exit code {used.code}")
    return used.cpu


def _use(command: Sequence[str], folder: Path, env: Mapping[str, str]) -> Usage:
    process = subprocess.Popen(command, cwd=folder, env=env, stdout=subprocess.DEVNULL)
    _, status, used = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    # Linux counts in kibibytes.
    return Usage(used.ru_utime + used.ru_stime, used.ru_maxrss * 1024 / 1e6, process.returncode)


def _say(text: str) -> None:
    print(f"{time.strftime('%H:%M:%S')} {text}", file=sys.stderr, flush=True)
