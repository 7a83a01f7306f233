"""`python -m bench`: Seatrial beside what it replaces, as one table and one chart in bench/results.

Parts, all of them unless some are named:

first-trial  a whole trial of the example beside the plain Compose flow
start        start-up alone, also against the earliest moment that a tight loop sees
speed        whole trials with two workers, after a small change, and after none
split        how evenly tests are dealt out to many workers (simulated, in one round)
evidence     what the probe costs, and how much memory large trials take
mutations    whether every test that a fault breaks is among those that a change selects

Rounds alternate, so that both sides see the same machine; the first, which fills caches, is not
counted.
"""

import argparse
import subprocess
import sys
import tempfile
import traceback
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from bench.chart import draw
from bench.first_trial import measure_first_trial
from bench.machine import describe_machine
from bench.mutations import measure_mutations
from bench.probe import compare_probe, measure_memory
from bench.speed import measure_speed
from bench.split import measure_split
from bench.start_up import measure_start
from bench.suites import NAMES
from bench.table import Bench, Part, Row, as_json, as_markdown

RESULTS = Path(__file__).parent / "results"
WHOLE = "bench"
"""The name of the results that have all parts, of all suites."""

Measure = Callable[[], Sequence[Row]]


def main() -> int:
    """Measure, print the table, write it to bench/results, and fail if a target is missed."""
    parser = argparse.ArgumentParser(
        prog="python -m bench",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("parts", nargs="*", metavar="PART", help="default: all")
    parser.add_argument("--rounds", type=int, default=3, help="counted rounds (default: 3)")
    parser.add_argument(
        "--suite", action="append", choices=NAMES, help="for start and speed (default: all)"
    )
    parser.add_argument(
        "--stands", type=int, default=3, help="stacks side by side, for mutations (default: 3)"
    )
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="seatrial-bench-") as folder:
        measures = parts(arguments.rounds, arguments.suite or NAMES, arguments.stands, Path(folder))
        if unknown := [name for name in arguments.parts if name not in measures]:
            parser.error(f"there is no part {unknown[0]}; there are {', '.join(measures)}")
        names = arguments.parts or list(measures)
        whole = set(names) == set(measures) and not arguments.suite
        stem = WHOLE if whole else "-".join([*names, *(arguments.suite or ())])
        bench = Bench(describe_machine(), ())
        for name in names:
            part = run_part(f"python -m bench {name}", measures[name])
            bench = replace(bench, parts=(*bench.parts, part))
            # After each part, so that what was measured survives whatever comes.
            write(bench, stem)
    print(as_markdown(bench))
    return 0 if bench.met else 1


def parts(rounds: int, suites: Sequence[str], stands: int, folder: Path) -> dict[str, Measure]:
    """How each part is measured; `folder` is for copies of the suites."""

    def each(measure: Callable[[str, int, Path], Sequence[Row]], part: str) -> list[Row]:
        rows: list[Row] = []
        for suite in suites:
            own = folder / f"{part}-{suite}"
            own.mkdir()
            rows += measure(suite, rounds, own)
        return rows

    return {
        "first-trial": lambda: measure_first_trial(rounds),
        "start": lambda: each(measure_start, "start"),
        "speed": lambda: each(measure_speed, "speed"),
        "split": lambda: measure_split(RESULTS / "split"),
        "evidence": lambda: [*compare_probe(rounds), *measure_memory()],
        "mutations": lambda: measure_mutations(stands),
    }


def run_part(command: str, measure: Measure) -> Part:
    """Measure a part; a fault in it does not keep the others from being measured."""
    rows: Sequence[Row] = ()
    fault = ""
    try:
        rows = measure()
    except Exception as error:  # noqa: BLE001 - whatever it is, it is told, and the bench fails
        traceback.print_exc()
        if isinstance(error, subprocess.CalledProcessError):
            said = error.stderr or error.output or b""
            print(said if isinstance(said, str) else said.decode(errors="replace"), file=sys.stderr)
        fault = " ".join(f"{type(error).__name__}: {error}".split())[:200].replace("|", "/")
    return Part(command, f"{datetime.now(UTC):%Y-%m-%d %H:%M}", tuple(rows), fault)


def write(bench: Bench, stem: str) -> None:
    """Write the table as Markdown and JSON, and the chart."""
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / f"{stem}.md").write_text(as_markdown(bench), encoding="utf-8")
    (RESULTS / f"{stem}.json").write_text(as_json(bench), encoding="utf-8")
    draw(bench.rows, RESULTS / f"{stem}.svg")


if __name__ == "__main__":
    sys.exit(main())
