"""Ends and removes the services of a stack while the tests' results are still being taken out.

Only after a good run: a failure is looked into while its services still run. What cannot be
removed here is removed with all the rest at the end.
"""

import asyncio
from collections.abc import Awaitable, Iterable, Sequence

from seatrial.engine.api import Held
from seatrial.trial.identity import label_of_stack
from seatrial.trial.rig import Journal, Rig

__all__ = ["end_services", "remove_services"]


def end_services(rig: Rig, journal: Journal) -> None:
    """Begin to end the services: the tests are over, and how each of them stands is written down.

    Their file systems stay until `remove_services`.
    """
    for name, service in journal.services.items():
        if name != rig.plan.selection.test and service.container:
            journal.released[name] = asyncio.create_task(rig.engine.kill(service.container))


def remove_services(rig: Rig, journal: Journal) -> None:
    """Begin to remove what was ended, and the networks: nothing is taken out of it any more."""
    journal.releasing = asyncio.create_task(_remove(rig, journal))


async def _remove(rig: Rig, journal: Journal) -> None:
    # What runs beside the tests is over with them, but for its own container and network.
    await asyncio.gather(*journal.released.values(), *journal.beside, return_exceptions=True)
    engine, label = rig.engine, label_of_stack(rig.plan.name)
    # Only these: coverage may be read meanwhile, in a container of its own.
    ended = {journal.services[name].container for name in journal.released}
    containers = [c.name for c in await engine.containers(label) if c.id in ended]
    networks = [str(network["Name"]) for network in await engine.networks(label)]
    gone = await asyncio.gather(
        _all_gone(containers, map(engine.remove_container, containers)),
        _all_gone(networks, map(engine.remove_network, networks)),
    )
    journal.removed.append(Held(*gone))


async def _all_gone(names: Sequence[str], removing: Iterable[Awaitable[None]]) -> tuple[str, ...]:
    results = await asyncio.gather(*removing, return_exceptions=True)
    return tuple(n for n, result in zip(names, results, strict=True) if result is None)
