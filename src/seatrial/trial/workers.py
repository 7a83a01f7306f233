"""Decides how many workers a trial has, and divides the tests among them."""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any

from seatrial.errors import UsageFault
from seatrial.selection.division import Division, Known, divide
from seatrial.selection.workers import choose_workers
from seatrial.settings import Settings
from seatrial.stack.plan import Plan
from seatrial.stack.twin import cannot_be_doubled
from seatrial.trial.experience import Experience, look_back

__all__ = ["divide_work"]


async def divide_work(
    plan: Plan,
    settings: Settings,
    machine: Mapping[str, Any],
    tests: Sequence[str] | None = None,
) -> tuple[Known, Division]:
    """What is known of the tests, and the shares of the workers that the settings ask for.

    `machine` is what the engine tells of itself; `tests` are the only ones to run, if not all.

    Raises:
        UsageFault: several workers are asked for, and the stack cannot be there twice.
    """
    experience = await asyncio.to_thread(
        look_back, plan.project, failures_first=settings.failures_first
    )
    obstacles = cannot_be_doubled(plan.form)
    if settings.workers == "auto":
        count, reason = _automatic(experience, obstacles, machine, tests)
    else:
        count, reason = settings.workers, "the settings ask for it"
        if count > 1 and obstacles:
            raise UsageFault(
                f"{count} stacks of this project cannot run side by side: {obstacles[0]}",
                where=", ".join(str(file) for file in plan.files),
                next_step="leave addresses and networks to the engine, or use one worker",
            )
    division = divide(
        experience.known,
        count,
        reason=reason,
        tests=tests,
        fail_fast=settings.fail_fast,
        take_over_xdist=settings.xdist == "take-over",
    )
    return experience.known, division


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
