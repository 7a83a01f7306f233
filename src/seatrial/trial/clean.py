"""Phase `clean`: everything of the trial leaves the engine; what stays is said."""

import asyncio

from seatrial.engine.api import Held
from seatrial.engine.faults import engine_faults
from seatrial.engine.remove import Removal, remove_labelled
from seatrial.evidence.record import CleanUp, Inventory
from seatrial.trial.identity import TRIAL_LABEL, label_of, label_of_stack
from seatrial.trial.rig import Journal, Rig

__all__ = ["clean", "remove_stack", "remove_stacks"]

_LOG_END_S = 2.0
"""A log ends when its container is gone; the last bytes are on their way for a moment."""


async def clean(rig: Rig, journal: Journal, before: Held) -> CleanUp:
    """Remove the trial's containers, networks and volumes, and wait for the logs to end.

    `before` is all that the engine held when the trial began, whoever made it: what the trial
    made without its label (a volume without a name) shows in the difference.

    Raises:
        EnvironmentFault: the engine does not answer.
    """
    label = label_of(rig.plan.labels[TRIAL_LABEL])
    crew = [worker.journal for worker in journal.crew] or [journal]
    await asyncio.gather(*(_come_to_rest(own) for own in crew))
    try:
        removal = await _remove(rig, journal, label)
    finally:
        await asyncio.gather(*(_end_logs(own) for own in crew))
    with engine_faults("clean-up"):
        after = await rig.engine.held()
    for worker in journal.crew:
        journal.removed += worker.journal.removed
    return CleanUp(
        removed_containers=tuple(n for held in journal.removed for n in held.containers),
        removed_networks=tuple(n for held in journal.removed for n in held.networks),
        removed_volumes=tuple(n for held in journal.removed for n in held.volumes),
        left=_names(removal.left),
        held_before=_inventory(before),
        held_after=_inventory(after),
        difference=tuple(sorted(set(_names(after)) - set(_names(before)))),
        faults=removal.faults if removal.left else (),
    )


async def remove_stack(rig: Rig, journal: Journal) -> Removal:
    """Remove all that the engine holds of a stack, and let sampling and logs come to an end.

    Raises:
        EnvironmentFault: the engine does not answer.
    """
    await _come_to_rest(journal)
    removal = await _remove(rig, journal, label_of_stack(rig.plan.name))
    await _end_logs(journal)
    return removal


async def remove_stacks(rig: Rig, journal: Journal) -> None:
    """Remove every worker's stack.

    Raises:
        EnvironmentFault: the engine does not answer.
    """
    for worker in journal.crew:
        await remove_stack(worker.rig, worker.journal)
    if not journal.crew:
        await remove_stack(rig, journal)


async def _come_to_rest(journal: Journal) -> None:
    # What one of these could not end, the removal does.
    releasing = (journal.releasing,) if journal.releasing else ()
    await asyncio.gather(
        *journal.released.values(), *releasing, *journal.beside, return_exceptions=True
    )
    await journal.resources.stop()
    for name in journal.services:
        journal.update(name, resources=journal.resources.summary(name))


async def _remove(rig: Rig, journal: Journal, label: str) -> Removal:
    with engine_faults("clean-up"):
        removal = await remove_labelled(rig.engine, label)
    journal.removed.append(removal.removed)
    return removal


async def _end_logs(journal: Journal) -> None:
    if not journal.log_tasks:
        return
    _, unfinished = await asyncio.wait(journal.log_tasks.values(), timeout=_LOG_END_S)
    for task in unfinished:
        task.cancel()
    ended = await asyncio.gather(*journal.log_tasks.values(), return_exceptions=True)
    for path, result in zip(journal.log_tasks, ended, strict=True):
        if isinstance(result, BaseException):
            journal.note(f"{path} may be incomplete: {type(result).__name__} {result}")
    journal.log_tasks.clear()


def _inventory(held: Held) -> Inventory:
    return Inventory(
        containers=len(held.containers), networks=len(held.networks), volumes=len(held.volumes)
    )


def _names(held: Held) -> tuple[str, ...]:
    return (*held.containers, *held.networks, *held.volumes)
