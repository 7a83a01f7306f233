"""Tells where a bench's time went and what would help, each sentence with its number."""

import json
import statistics
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

from seatrial.evidence.bench import Finding
from seatrial.evidence.hostile import plain_text
from seatrial.evidence.record import PhaseName, Record
from seatrial.words import counted, duration

__all__ = [
    "TestTimes",
    "analyse",
    "critical_path",
    "read_times",
    "speed_ups",
    "typical_of",
]

SLOWEST = 5
MIN_TESTS = 4 * SLOWEST
"""With fewer tests the slowest ones are most of them."""
MIN_SAVING_S = 0.1
"""Less than that is not worth a sentence: it is within what the machine's other work makes."""
_MAX_LINE = 1 << 20
_MAX_TESTS = 1_000_000
_MAX_NAME = 200


@dataclass(frozen=True)
class TestTimes:
    """What the tests of a trial took, in seconds."""

    __test__ = False

    count: int
    total: float
    """Set-up, call and teardown of all tests, added up."""
    fixtures: float
    """Set-up and teardown alone."""
    slowest: tuple[tuple[str, float], ...]


def read_times(path: Path) -> TestTimes | None:
    """Read a trial's file of results; None if there is none, or nothing in it."""
    count, total, fixtures = 0, 0.0, 0.0
    slowest: list[tuple[str, float]] = []
    try:
        with path.open("rb") as file:
            for name, setup, call, teardown in _results(
                iter(lambda: file.readline(_MAX_LINE), b"")
            ):
                count += 1
                seconds = setup + call + teardown
                total += seconds
                fixtures += setup + teardown
                slowest = sorted([*slowest, (name, seconds)], key=lambda one: -one[1])[:SLOWEST]
                if count == _MAX_TESTS:
                    break
    except OSError:
        return None
    return TestTimes(count, total, fixtures, tuple(slowest)) if count else None


def typical_of(records: Sequence[Record]) -> Record:
    """The record whose total is nearest to the median of all."""
    middle = statistics.median(record.seconds for record in records)
    return min(records, key=lambda record: abs(record.seconds - middle))


def critical_path(record: Record) -> dict[str, float]:
    """The seconds of the trial that each phase answers for; they add up to the whole.

    Build and start overlap. That time is the build's if every service was ready before the build
    was done, since then the test container waited for its image alone; else it is the start's.
    """
    build = record.phase(PhaseName.BUILD)
    ready = [service.ready_at for service in record.services if service.ready_at is not None]
    build_first = build is not None and build.start + build.seconds >= max(ready, default=0.0)
    order = {name: number for number, name in enumerate(PhaseName)}
    order[PhaseName.BUILD] = -1 if build_first else len(order)
    spans = [
        (min(one.start, record.seconds), min(one.start + one.seconds, record.seconds), one.name)
        for one in record.phases
    ]
    edges = sorted({0.0, record.seconds, *(edge for a, b, _ in spans for edge in (a, b))})
    path: dict[str, float] = {}
    for begin, end in pairwise(edges):
        active = [name for a, b, name in spans if a <= begin and b >= end]
        name = min(active, key=lambda one: order[one]).value if active else "between phases"
        path[name] = path.get(name, 0.0) + end - begin
    return path


def analyse(
    scenarios: Mapping[str, Sequence[Record]],
    *,
    main: str,
    cold: str | None,
    by_workers: Mapping[int, Sequence[tuple[Record, Record]]],
    times: TestTimes | None,
) -> tuple[Finding, ...]:
    """The findings, those that only explain first, then by what they would save.

    `main` names the scenario whose typical record is taken apart, and whose tests took `times`;
    `by_workers` has, for each other number of workers, its records with the one of `main` before
    them that is of the same round.
    """
    records = scenarios[main]
    record = typical_of(records)
    path = critical_path(record)
    found = [
        _phases(record, len(records), path),
        *_tests(record, path, times),
        *_services(record, path),
        *_build(records, main, path),
        *(_cold(scenarios[cold]) if cold and scenarios.get(cold) else ()),
        *_waiting(records),
        *_workers(by_workers),
    ]
    worth = [one for one in found if one.saves is None or one.saves >= MIN_SAVING_S]
    return tuple(sorted(worth, key=lambda one: -(one.saves or float("inf"))))


def _phases(record: Record, n: int, path: Mapping[str, float]) -> Finding:
    large = {name: seconds for name, seconds in path.items() if seconds >= record.seconds / 100}
    parts = [
        f"{name} {duration(seconds)} ({_share(seconds, record.seconds)})"
        for name, seconds in sorted(large.items(), key=lambda item: -item[1])
    ]
    if len(large) < len(path):
        parts.append(f"the rest {duration(record.seconds - sum(large.values()))}")
    build = record.phase(PhaseName.BUILD)
    beside = build.seconds - path.get("build", 0.0) if build else 0.0
    told = f"; {duration(beside)} of building passed beside the start" if beside >= 0.1 else ""
    return Finding(
        about="phases",
        sentence=f"Of {duration(record.seconds)} (trial {record.id}, the nearest to the median of "
        f"n = {n}): {', '.join(parts)}{told}.",
    )


def _tests(record: Record, path: Mapping[str, float], times: TestTimes | None) -> Iterator[Finding]:
    phase = path.get("test", 0.0)
    if times is None or not phase or not times.total:
        return
    top = sum(seconds for _, seconds in times.slowest)
    if times.count >= MIN_TESTS:
        yield Finding(
            about="tests",
            sentence=f"The {len(times.slowest)} slowest of {counted(times.count, 'test')} took "
            f"{duration(top)} of {duration(times.total)} ({_share(top, times.total)}).",
            saves=min(top, phase),
            advice="see the table of the slowest tests",
        )
    yield Finding(
        about="fixtures",
        sentence=f"Set-up and teardown took {duration(times.fixtures)} of the tests' "
        f"{duration(times.total)} ({_share(times.fixtures, times.total)}).",
        saves=min(times.fixtures, phase),
        advice="share what is expensive: fixtures of a wider scope",
    )
    if record.split is None and phase > times.total:
        outside = phase - times.total
        yield Finding(
            about="outside tests",
            sentence=f"{duration(outside)} of the test phase's {duration(phase)} "
            f"({_share(outside, phase)}) passed outside of tests: the command's own work, the "
            "start of pytest, imports, collection, reports.",
            saves=outside,
            advice="pytest --collect-only and python -X importtime show which part it is",
        )


def _services(record: Record, path: Mapping[str, float]) -> Iterator[Finding]:
    ready = [one for one in record.services if one.ready_at is not None and one.ready_seconds]
    if not ready:
        return
    slowest = sorted(ready, key=lambda one: -(one.ready_seconds or 0))[:3]
    last = max(ready, key=lambda one: one.ready_at or 0)
    told = ", ".join(f"`{one.name}` {duration(one.ready_seconds or 0)}" for one in slowest)
    yield Finding(
        about="services",
        sentence=f"From their start until they were ready the slowest services took {told}; "
        f"`{last.name}` was the last, {duration(last.ready_at or 0)} after the trial began.",
        saves=path.get("start", 0.0),
        advice=f"make `{last.name}` ready sooner, or do without what it waits for",
    )


def _build(records: Sequence[Record], name: str, path: Mapping[str, float]) -> Iterator[Finding]:
    builds = [record.build for record in records if record.build is not None]
    if not builds:
        return
    changed = [build for build in builds if build.state != "warm"]
    if not changed:
        yield Finding(
            about="build",
            sentence=f"All {builds[0].total_steps} build steps came from the cache in all runs of "
            f"`{name}` (n = {len(builds)}).",
        )
        return
    steps = changed[-1].slowest(3)
    told = ", ".join(f"`{_short(one.instruction)}` {duration(one.seconds or 0)}" for one in steps)
    yield Finding(
        about="build",
        sentence=f"In {len(changed)} of {counted(len(builds), 'run')} of `{name}` steps were run "
        f"again although nothing had changed: {told or 'none of them took time'}.",
        saves=path.get("build"),  # None: it held up nothing, as the services were not ready
        advice="seatrial doctor names the lines of the Dockerfile that spoil the cache",
    )


def _cold(records: Sequence[Record]) -> Iterator[Finding]:
    record = typical_of(records)
    build = record.phase(PhaseName.BUILD)
    if record.build is None or build is None:
        return
    steps = record.build.slowest(3)
    told = ", ".join(f"`{_short(one.instruction)}` {duration(one.seconds or 0)}" for one in steps)
    yield Finding(
        about="build",
        sentence=f"Without the cache the build took {duration(build.seconds)} (trial {record.id}); "
        f"its slowest steps: {told}.",
    )


def _waiting(records: Sequence[Record]) -> Iterator[Finding]:
    means = [
        one.resources.cpu_mean
        for record in records
        for one in record.services
        if one.role == "test" and one.resources and one.resources.cpu_mean is not None
    ]
    phases = [phase.seconds for one in records if (phase := one.phase(PhaseName.TEST))]
    if not means or not phases:
        return
    mean, test = statistics.median(means), statistics.median(phases)
    cores = records[0].host.cores
    if mean >= 1:
        sentence = (
            f"The test container kept {mean:.2f} of {cores} cores busy (median, n = {len(means)}): "
            "its tests compute rather than wait."
        )
        yield Finding(about="waiting", sentence=sentence)
        return
    yield Finding(
        about="waiting",
        sentence=f"The test container kept {mean:.2f} of {cores} cores busy (median, "
        f"n = {len(means)}): for {_share(1 - mean, 1)} of its time one process would have been "
        "waiting, for services, sleeps or the disk, or for a core if the machine was busy.",
        saves=(1 - mean) * test,
        advice="several workers use that time; so does waiting for events instead of sleeping",
    )


def speed_ups(pairs: Sequence[tuple[Record, Record]]) -> list[float]:
    """How many times as fast the second record's test phase was, for each pair of a round.

    What else the machine does changes from round to round, so only those of one are compared.
    """
    tested = [(one.phase(PhaseName.TEST), other.phase(PhaseName.TEST)) for one, other in pairs]
    return [one.seconds / other.seconds for one, other in tested if one and other and other.seconds]


def _workers(by_workers: Mapping[int, Sequence[tuple[Record, Record]]]) -> Iterator[Finding]:
    for workers, pairs in sorted(by_workers.items()):
        ratios = speed_ups(pairs)
        if not ratios:
            continue
        saved = statistics.median(one.seconds - other.seconds for one, other in pairs)
        span = f", {min(ratios):.2f} to {max(ratios):.2f}" if len(ratios) > 1 else ""
        yield Finding(
            about="workers",
            sentence=f"With {counted(workers, 'worker')} the test phase was "
            f"{statistics.median(ratios):.2f} times as fast (median of n = {len(ratios)} rounds"
            f"{span}), and the trial took {duration(abs(saved))} "
            f"{'less' if saved > 0 else 'more'}.",
            saves=saved if saved > 0 else None,
            measured=True,
            advice=f"set workers = {workers}" if saved > 0 else "",
        )
        yield from _imbalance([other for _, other in pairs], workers)


def _imbalance(records: Sequence[Record], workers: int) -> Iterator[Finding]:
    record = typical_of(records)
    seconds = [one.seconds for one in record.split.workers if one.seconds] if record.split else []
    if len(seconds) < 2:
        return
    mean, longest = statistics.mean(seconds), max(seconds)
    yield Finding(
        about="workers",
        sentence=f"Of {counted(workers, 'worker')} the last took {duration(longest)}, their mean "
        f"was {duration(mean)} ({longest / mean:.2f} times the mean; trial {record.id}).",
        saves=longest - mean,
        advice="split the file that takes longest, so that the shares can be equal",
    )


def _share(part: float, whole: float) -> str:
    return f"{100 * part / whole:.0f} %"


def _short(instruction: str) -> str:
    text = plain_text(instruction).replace("`", "'").replace("\n", " ")
    return text if len(text) <= 80 else f"{text[:79]}…"


def _results(lines: Iterator[bytes]) -> Iterator[tuple[str, float, float, float]]:
    for line in lines:
        try:
            result = json.loads(line)
            times = [float(result.get(part) or 0.0) for part in ("setup", "call", "teardown")]
            name = " ".join(plain_text(str(result["id"])).split())[:_MAX_NAME]
        except (ValueError, TypeError, KeyError, AttributeError):
            continue  # cut off by its length, or edited
        if all(0 <= seconds < float("inf") for seconds in times):
            yield name, times[0], times[1], times[2]
