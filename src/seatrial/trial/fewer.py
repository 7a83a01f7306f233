"""Tries once more with fewer workers what ran out of time or memory with many."""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime

from seatrial.evidence.split import FewerWorkers
from seatrial.selection.division import divide
from seatrial.trial.attempt import Attempt, make_attempt
from seatrial.trial.clean import remove_stacks
from seatrial.trial.merge import merge_phases
from seatrial.trial.rig import Journal, Rig, fresh_services
from seatrial.words import counted

__all__ = ["try_with_fewer"]

_ASIDE = "first-attempt"
_OF_THE_ATTEMPT = ("workers", "coverage", "collected.jsonl", "tests.jsonl", "junit.xml")


async def try_with_fewer(
    rig: Rig, journal: Journal, first: Attempt, *, wall_clock: Callable[[], datetime]
) -> tuple[Attempt, FewerWorkers | None]:
    """Halve the workers if the first attempt was cut off by time or memory; what it left is kept.

    Workers share cores and memory, which one of them may need for itself. With a single worker
    nothing is tried again: it would come to the same.
    """
    workers = len(rig.division.shares)
    if workers == 1 or first.run is None or not (first.run.timed_out or first.run.out_of_memory):
        return first, None
    fewer = workers // 2
    journal.note(f"{first.outcome.reason}; tried once more with {counted(fewer, 'worker')}")
    await remove_stacks(rig, journal)
    aside = rig.folder.path / _ASIDE
    aside.mkdir()
    for name in _OF_THE_ATTEMPT:
        if (rig.folder.path / name).exists():
            (rig.folder.path / name).rename(aside / name)
    for worker in journal.crew:
        journal.removed += worker.journal.removed
    journal.crew.clear()
    journal.services = fresh_services(rig)
    journal.log_tasks.clear()
    began = rig.clock()
    division = divide(
        rig.known,
        fewer,
        reason=f"{counted(workers, 'worker')} ran out of time or memory",
        tests=rig.division.shares[0].tests,
        left_out=rig.division.shares[0].left_out,
        fail_fast=rig.settings.fail_fast,
        take_over_xdist=rig.settings.xdist == "take-over",
    )
    second = await make_attempt(replace(rig, division=division), journal, wall_clock=wall_clock)
    journal.phases[:] = merge_phases(journal.phases)
    return second, FewerWorkers(
        workers=workers,
        then=fewer,
        reason=first.outcome.reason,
        folder=_ASIDE,
        seconds=began - journal.began,
    )
