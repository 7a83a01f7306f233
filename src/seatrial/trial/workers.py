"""Decides how many workers a trial has, and divides the tests among them."""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any

from seatrial.selection.assign import file_of
from seatrial.selection.division import Division, Known, divide
from seatrial.selection.workers import choose_workers
from seatrial.settings import Settings
from seatrial.stack.plan import Plan
from seatrial.stack.twin import cannot_be_doubled
from seatrial.trial.changed import Narrowing
from seatrial.trial.experience import Experience, look_back
from seatrial.words import counted, duration

__all__ = ["divide_work"]

WORTH_S = 5.0
"""Seconds of tests that are worth a stack of their own: starting and removing one takes about half
of it, on the cores that the other tests run on."""


async def divide_work(
    plan: Plan,
    settings: Settings,
    machine: Mapping[str, Any],
    narrowing: Narrowing | None = None,
) -> tuple[Known, Division]:
    """What is known of the tests, and the shares of the workers that the settings ask for.

    `machine` is what the engine tells of itself; `narrowing` says which tests to run, if not all.
    """
    experience = await asyncio.to_thread(
        look_back, plan.project, failures_first=settings.failures_first
    )
    tests = narrowing.tests if narrowing else None
    if settings.workers == "auto":
        count, reason = _automatic(experience, cannot_be_doubled(plan.form), machine, tests)
    else:
        count, reason = settings.workers, "the settings ask for it"
    if tests is not None and count > 1:
        count, reason = _worth_it(experience.known, tests, count, reason)
    division = divide(
        experience.known,
        count,
        reason=reason,
        tests=tests,
        left_out=narrowing.left_out if narrowing else None,
        fail_fast=settings.fail_fast,
        take_over_xdist=settings.xdist == "take-over",
        whole=settings.whole_files,
    )
    return experience.known, division


def _worth_it(known: Known, tests: Sequence[str], count: int, reason: str) -> tuple[int, str]:
    """Fewer workers if a part of the tests is over before a further stack has paid for itself."""
    if known.weighed_by != "durations":
        return count, reason
    weights = known.weights_of(tests)
    files = {file_of(test) for test in weights}
    seconds = sum(weights.values()) + sum(known.shared.get(file, 0.0) for file in files)
    worth = max(1, int(seconds / WORTH_S))
    if worth >= count:
        return count, reason
    return worth, f"{counted(worth, 'worker')}: the tests took {duration(seconds)} before"


def _automatic(
    experience: Experience,
    obstacles: list[str],
    machine: Mapping[str, Any],
    tests: Sequence[str] | None,
) -> tuple[int, str]:
    if obstacles:
        return 1, f"1 worker: {obstacles[0]}, so a second stack cannot run beside it"
    known = experience.known
    return choose_workers(
        int(machine.get("NCPU") or 1),
        int(machine.get("MemTotal") or 0),
        past_peak_bytes=experience.peak_bytes,
        units=len(known.weights if tests is None else tests) or 1,
        unit="test" if known.weighed_by == "durations" else "test file",
    )
