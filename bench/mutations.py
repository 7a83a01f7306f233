"""`python -m bench.mutations`: is every test that a fault breaks among those that a change selects?

Copies of the example are brought up, and what all of its tests use is recorded. Then one fault
after another is put into the mounted sources and data, the tests that `--changed` would leave out
for it are found by the functions that a trial calls, and those are run: all of them must pass.
That is the same as running everything and looking whether a test that fails was left out, but for
one thing: a test that fails only because of what a selected test left behind in the same process
or database. `--full` runs everything instead, and sees that too. A fault for which everything is
selected is not run at all, since no test can be missed.

What was tried is kept, so that a run can be stopped and taken up again; it counts as long as the
example and the options are the same. If another selection leaves a test out for a fault that was
tried before, it is run only if it did not pass then.
"""

import argparse
import asyncio
import hashlib
import json
import os
import queue
import signal
import sys
import threading
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from bench.mutants import Mutant, pick_mutants
from bench.stand import EXAMPLE, NOT_COPIED, Outcome, Stand, stand
from bench.table import Row
from seatrial.cli.options import surroundings
from seatrial.evidence.dependencies import Dependencies
from seatrial.selection.affected import Affected
from seatrial.selection.changes import snapshot
from seatrial.settings import load_settings
from seatrial.trial.changed import affected_now
from seatrial.trial.planning import plan_only

__all__ = ["COUNT", "Fault", "Tried", "main", "measure_mutations", "summary", "table", "try_fault"]

SOURCES = Path(__file__).parent.parent / "src" / "seatrial"
SELECTING = (
    "selection",
    "probe",
    "evidence/dependencies.py",
    "evidence/processes.py",
    "evidence/sources.py",
    "evidence/trace_lines.py",
    "trial/changed.py",
    "trial/whereabouts.py",
)
"""What decides which tests are left out, below SOURCES."""
MUTATED = ("src", "tests", "migrations", "alembic.ini")
RESULTS = Path(__file__).parent / "results" / "mutations.jsonl"
COUNT = 200
SEED = 2026
PATIENCE = 5
"""How many times what all tests took alone a run may take, beside those of other stands."""
LEAST_PATIENCE_S = 60


@dataclass(frozen=True)
class Tried:
    """One fault, and what came of it."""

    key: str
    selection: str
    """Which program selected, as a digest of its source."""
    file: str
    what: str
    everything: str
    """Why all tests run; empty if some are left out."""
    tests: int
    selected: int
    left_out_run: int
    """How many of those left out were run, now or before; the rest was slow, if that was not
    wanted."""
    failed: int | None
    """How many tests failed in a run of all; None if there was no such run."""
    missed: tuple[str, ...]
    """Left out, and yet they fail because of the fault."""
    seconds: float
    passed: tuple[str, ...] = ()
    """Tests that passed with the fault when they were left out, now or before."""


@dataclass(frozen=True)
class Options:
    """How faults are tried."""

    count: int = COUNT
    seed: int = SEED
    full: bool = False
    without_slow: bool = False
    stands: int = 1
    cpu_shares: int | None = None
    minutes: float | None = None
    """Begin none after that time."""

    @property
    def pytest(self) -> tuple[str, ...]:
        """What is handed to pytest."""
        return ("-m", "not slow") if self.without_slow else ()


@dataclass(frozen=True)
class Fault:
    """A fault that waits."""

    key: str
    selection: str
    mutant: Mutant
    passed: frozenset[str]
    """Tests that passed with it before."""


def main() -> int:
    """Try the faults; fail if a test was left out that one breaks, or if not all were tried."""
    parser = argparse.ArgumentParser(
        prog="python -m bench.mutations",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--count", type=int, default=COUNT, help="faults (default: %(default)s)")
    parser.add_argument("--seed", type=int, default=SEED)
    parser.add_argument("--minutes", type=float, help="begin none after that time")
    parser.add_argument("--without-slow", action="store_true", help="leave out tests marked slow")
    parser.add_argument("--full", action="store_true", help="run all tests for each fault")
    parser.add_argument("--stands", type=int, default=1, help="stacks side by side (default: 1)")
    parser.add_argument("--cpu-shares", type=int, help="weight of the containers, of 1024")
    options = Options(**vars(parser.parse_args()))
    try:
        tried = try_all(options)
    except KeyboardInterrupt:
        print("stopped; what was tried is kept for the next time", file=sys.stderr)
        return 130
    print(summary(tried, options.count))
    return 0 if len(tried) >= options.count and not any(each.missed for each in tried) else 1


def measure_mutations(stands: int) -> list[Row]:
    """Try the faults that were not tried before, and tell of all of them."""
    return table(try_all(Options(stands=stands)), COUNT)


def try_all(options: Options) -> list[Tried]:
    """Try the faults that were not tried before; what came of all of them."""
    files = {
        path.relative_to(EXAMPLE).as_posix(): path.read_bytes() for path in _files(EXAMPLE, MUTATED)
    }
    state, selection = fingerprint(options), digest_of(SOURCES, SELECTING)
    mutants = {
        _key(state, mutant): mutant for mutant in pick_mutants(files, options.count, options.seed)
    }
    kept = {each.key: each for each in _kept() if each.key in mutants}
    tried = {key: each for key, each in kept.items() if each.selection == selection}
    waiting: queue.SimpleQueue[Fault] = queue.SimpleQueue()
    for key, mutant in mutants.items():
        if key not in tried:
            before = frozenset(kept[key].passed) if key in kept else frozenset[str]()
            waiting.put(Fault(key, selection, mutant, before))
    if not waiting.empty():
        signal.signal(signal.SIGTERM, _interrupt)
        tried |= _try_waiting(waiting, options)
    return [tried[key] for key in mutants if key in tried]


def summary(tried: Sequence[Tried], wanted: int) -> str:
    """What was found, in a few lines."""
    missed = [each for each in tried if each.missed]
    some = [each for each in tried if each.selected < each.tests]
    data = [each for each in tried if not each.file.endswith(".py")]
    share = sum(each.selected / each.tests for each in tried) / max(1, len(tried))
    failing = [each for each in tried if each.failed]
    lines = [
        f"{len(tried)} of {wanted} faults were tried, {len(data)} of them in data",
        f"{len(tried) - len(missed)} of {len(tried)} break no test that is left out",
        f"{len(some)} leave tests out; on average {share:.0%} of the tests run",
        f"{sum(each.left_out_run for each in tried)} tests that are left out were run",
        *([f"{len(failing)} break a test"] if any(t.failed is not None for t in tried) else []),
        *(f"MISSED {each.file}, {each.what}: {', '.join(each.missed)}" for each in missed),
    ]
    return "\n".join(lines)


def table(tried: Sequence[Tried], wanted: int) -> list[Row]:
    """What was found, as rows; a fault that was not tried counts as one that is missed."""
    missed = sum(1 for each in tried if each.missed) + wanted - len(tried)
    shares = [each.selected / each.tests for each in tried] or [1.0]
    return [
        Row(
            what="only what changed: faults that break a test that is left out, or were not tried",
            against=f"{wanted} faults in sources and data",
            unit="faults",
            value=float(missed),
            low=float(missed),
            high=float(missed),
            at_most=0.0,
            rounds=len(tried),
        ),
        Row(
            what="only what changed: mean share of the tests that a fault selects",
            against="all tests",
            unit="ratio",
            value=sum(shares) / len(shares),
            low=min(shares),
            high=max(shares),
            at_most=None,
            rounds=len(tried),
        ),
    ]


def fingerprint(options: Options) -> str:
    """What passing depends on beside the fault: the example, and how its tests are run."""
    asked = json.dumps([options.full, options.without_slow, digest_of(EXAMPLE, (".",))])
    return hashlib.sha256(asked.encode()).hexdigest()[:16]


def digest_of(root: Path, tops: Sequence[str]) -> str:
    """A digest of the files below some places, with their names."""
    digest = hashlib.sha256()
    for path in _files(root, tops):
        content = hashlib.sha256(path.read_bytes()).hexdigest()
        digest.update(f"{path.relative_to(root).as_posix()}\0{content}\n".encode())
    return digest.hexdigest()[:16]


def _try_waiting(waiting: queue.SimpleQueue[Fault], options: Options) -> Mapping[str, Tried]:
    """Deal the faults to the stands, one after another to whichever is free."""
    ends = time.monotonic() + options.minutes * 60 if options.minutes else float("inf")
    tried: dict[str, Tried] = {}
    stopped = threading.Event()
    keeping = threading.Lock()

    def work(made: Stand) -> None:
        select = _selector(made, known)
        while not stopped.is_set() and time.monotonic() < ends:
            try:
                fault = waiting.get_nowait()
            except queue.Empty:
                return
            each = try_fault(made, select, len(known.tests), fault, options)
            with keeping:
                _keep(each)
                tried[fault.key] = each

    with ExitStack() as opened:
        stands = []
        for number in range(options.stands):
            name = f"seatrial-bench-mutations-{os.getpid()}-{number}"
            stands.append(opened.enter_context(stand(name, cpu_shares=options.cpu_shares)))
        _say(f"recording what the tests use; {waiting.qsize()} faults wait")
        began = time.monotonic()
        known = stands[0].record()
        limit_s = LEAST_PATIENCE_S + PATIENCE * (time.monotonic() - began)
        stands = [replace(made, limit_s=limit_s) for made in stands]
        with ThreadPoolExecutor(len(stands)) as pool:
            try:
                for future in [pool.submit(work, made) for made in stands]:
                    future.result()
            finally:
                stopped.set()
    return tried


def _selector(made: Stand, known: Dependencies) -> Callable[[], Affected]:
    """Tells what a change to a stand's project selects, as a trial of it would."""
    loaded = load_settings(made.project)
    plan = asyncio.run(plan_only(made.project, loaded, (), surroundings()))

    def select() -> Affected:
        states = snapshot(made.project, known.states)
        return affected_now(plan, loaded.settings, known, states)[1]

    return select


def try_fault(
    made: Stand, select: Callable[[], Affected], total: int, fault: Fault, options: Options
) -> Tried:
    """Put a fault in its place, see what it selects, and run what is left out."""
    began = time.monotonic()
    mutant = fault.mutant
    path = made.project / mutant.file
    content = path.read_bytes()
    outcome: Outcome | None = None
    missed: tuple[str, ...] = ()
    path.write_bytes(mutant.content)
    try:
        selection = select()
        left_out = frozenset() if selection.everything else selection.left_out
        new = left_out if options.full else left_out - fault.passed
        if new:
            outcome, missed = _look_for_missed(made, path, content, new, options)
    finally:
        path.write_bytes(content)
    seconds = time.monotonic() - began
    _say(
        f"{mutant.file}, {mutant.what}: {total - len(left_out)} of {total} selected"
        f"{f', {selection.reason}' if selection.everything else ''}"
        f"{f', {len(left_out - new)} passed before' if left_out - new else ''}, {seconds:.0f} s"
        f"{f', MISSED {missed}' if missed else ''}"
    )
    ran = outcome.passed + len(outcome.failed) if outcome else 0
    # Otherwise nobody knows which of them did.
    all_passed = outcome is not None and outcome.passed == len(new) and not missed
    return Tried(
        key=fault.key,
        selection=fault.selection,
        file=mutant.file,
        what=mutant.what,
        everything=selection.reason,
        tests=total,
        selected=total - len(left_out),
        left_out_run=min(ran, len(new)) + len(left_out - new),
        failed=len(outcome.failed) if outcome and options.full else None,
        missed=missed,
        seconds=seconds,
        passed=tuple(sorted(fault.passed | new if all_passed else fault.passed)),
    )


def _look_for_missed(
    made: Stand, path: Path, content: bytes, left_out: Collection[str], options: Options
) -> tuple[Outcome, tuple[str, ...]]:
    """Run what is left out, or everything; which of those left out fail because of the fault.

    A busy machine fails tests, too: what counts fails again, and passes without the fault.
    """
    outcome = made.run(None if options.full else left_out, *options.pytest)
    suspects = outcome.breaks(left_out)
    if suspects:
        again = None if options.full else suspects
        suspects = made.run(again, *options.pytest).breaks(suspects)
        if suspects:
            path.write_bytes(content)
            suspects -= made.run(again, *options.pytest).breaks(suspects)
    return outcome, tuple(sorted(suspects))


def _files(root: Path, tops: Sequence[str]) -> list[Path]:
    """The files below some places, without what runs leave there."""
    found = []
    for top in tops:
        below = [root / top] if (root / top).is_file() else sorted((root / top).rglob("*"))
        found += [
            path
            for path in below
            if path.is_file()
            and not any(
                Path(part).match(pattern)
                for part in path.relative_to(root).parts
                for pattern in NOT_COPIED
            )
        ]
    return found


def _key(state: str, mutant: Mutant) -> str:
    return f"{state}:{mutant.file}:{hashlib.sha256(mutant.content).hexdigest()[:16]}"


def _kept() -> list[Tried]:
    try:
        lines = RESULTS.read_text(encoding="utf-8").splitlines()
    except FileNotFoundError:
        return []
    found = [json.loads(line) for line in lines]
    return [
        Tried(**{**line, "missed": tuple(line["missed"]), "passed": tuple(line["passed"])})
        for line in found
        # Not written by an older form of this program.
        if "passed" in line
    ]


def _keep(tried: Tried) -> None:
    RESULTS.parent.mkdir(exist_ok=True)
    with RESULTS.open("a", encoding="utf-8") as file:
        file.write(json.dumps(asdict(tried)) + "\n")


def _interrupt(*_: object) -> None:
    raise KeyboardInterrupt


def _say(text: str) -> None:
    print(f"{time.strftime('%H:%M:%S')} {text}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
