"""How evenly tests are dealt out: simulated numbers of workers on what real suites took."""

import shutil
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from bench.table import Row
from bench.trials import run_trial
from seatrial.evidence.tests import TEST_RESULTS_FILE
from seatrial.selection.assign import FILE_COST, assign, expected_loads, file_of
from seatrial.selection.durations import durations_in

__all__ = ["Split", "measure_split", "simulate"]

ROOT = Path(__file__).parent.parent
EXAMPLE = "shop"
FOREIGN = ("rq", "sqlalchemy-utils", "pgqueuer")
"""Suites of released packages, in tests/foreign."""
WORKERS = (2, 3, 4, 6, 8, 12, 16, 24, 32, 48, 64)
AT_MOST = 1.05


@dataclass(frozen=True)
class Split:
    """One suite, dealt out to a number of workers."""

    workers: int
    ratio: float
    """The longest worker to the perfect one: an even share, or the longest test if that is more."""
    split_files: int
    extra_imports: int
    """How often a split file is imported beyond the first time."""


def measure_split(cache: Path) -> list[Row]:
    """The worst number of workers for each suite; what the suites took is measured once."""
    cache.mkdir(parents=True, exist_ok=True)
    rows = []
    for suite in (EXAMPLE, *FOREIGN):
        path = cache / f"{suite}.jsonl"
        if path.exists() or _collect(suite, path):
            tests = durations_in([path]).tests
            rows += _rows(suite, tests)
    return rows


def simulate(tests: Mapping[str, float], workers: int, *, file_cost: float) -> Split:
    """Deal out, and add up what each worker got; both sides of the ratio pay for their files."""
    assignment = assign(tests, workers, file_cost=file_cost)
    files = {file_of(test) for test in tests}
    split = {file_of(test) for test in assignment.tests}
    parts = {(file_of(test), worker) for test, worker in assignment.tests.items()}
    even = (sum(tests.values()) + file_cost * len(files)) / workers
    longest = max(expected_loads(assignment, tests, file_cost=file_cost))
    return Split(
        workers=workers,
        # Sums of the same numbers in another order differ in their last digits.
        ratio=round(longest / max(even, max(tests.values()) + file_cost), 6),
        split_files=len(split),
        extra_imports=len(parts) - len(split),
    )


def _rows(suite: str, tests: Mapping[str, float]) -> list[Row]:
    alone = [simulate(tests, workers, file_cost=0.0) for workers in WORKERS]
    paid = [simulate(tests, workers, file_cost=FILE_COST) for workers in WORKERS]
    what = f"{suite}, {len(tests)} tests, {WORKERS[0]} to {WORKERS[-1]} workers"
    imports = [float(split.extra_imports) for split in paid]
    most = max(paid, key=lambda split: split.extra_imports)
    return [
        _worst(f"{what}: the longest", alone),
        _worst(f"{what}: the longest, with {FILE_COST:g} s per file", paid),
        Row(
            what=f"{what}: most imports beside the first of each file, at {most.workers}, "
            f"for {most.split_files} split files",
            against="-",
            unit="imports",
            value=max(imports),
            low=min(imports),
            high=max(imports),
            at_most=None,
            rounds=len(imports),
        ),
    ]


def _worst(what: str, splits: list[Split]) -> Row:
    worst = max(splits, key=lambda split: split.ratio)
    return Row(
        what=f"{what}, worst at {worst.workers}",
        against="perfect split",
        unit="ratio",
        value=worst.ratio,
        low=min(split.ratio for split in splits),
        high=worst.ratio,
        at_most=AT_MOST,
        rounds=len(splits),
    )


def _collect(suite: str, target: Path) -> bool:
    """Run the suite in a trial and keep its results; False: it cannot be had here."""
    with tempfile.TemporaryDirectory(prefix="seatrial-bench-") as name:
        if suite == EXAMPLE:
            project = ROOT / "examples" / suite
        else:
            project = Path(name) / suite
            fetch = ROOT / "tests" / "foreign" / "fetch.py"
            if subprocess.run([sys.executable, fetch, suite, project], check=False).returncode:
                _say(f"{suite}: left out, its source cannot be had")
                return False
        _say(f"{suite}: running it once to see what its tests take")
        run_trial(project, "--workers", "1")
        shutil.copyfile(project / ".seatrial" / "latest" / TEST_RESULTS_FILE, target)
    return True


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)
