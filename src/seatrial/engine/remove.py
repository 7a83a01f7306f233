"""Removes everything that carries a label, at once and in parallel."""

import asyncio
from dataclasses import dataclass

from seatrial.engine.api import Engine, Held

__all__ = ["Removal", "remove_labelled"]

_ROUNDS = 4
"""A volume is still in use for a moment after its container is gone; then another round helps."""
_PAUSE_S = 0.1


@dataclass(frozen=True)
class Removal:
    """What was found and removed, and what is left."""

    removed: Held
    left: Held
    faults: tuple[str, ...]
    """What the engine said of that which is left."""


async def remove_labelled(engine: Engine, label: str) -> Removal:
    """Kill and remove all containers, then all networks and volumes that carry `label`."""
    before = await engine.held(label)
    faults: list[str] = []
    left = before
    for attempt in range(_ROUNDS):
        if attempt:
            await asyncio.sleep(_PAUSE_S * attempt)
        faults = [*await _round(engine, left), *await _remove_images(engine, label)]
        left = await engine.held(label)
        if not left:
            break
    gone = Held(
        tuple(name for name in before.containers if name not in left.containers),
        tuple(name for name in before.networks if name not in left.networks),
        tuple(name for name in before.volumes if name not in left.volumes),
    )
    return Removal(gone, left, tuple(faults))


async def _round(engine: Engine, held: Held) -> list[str]:
    # A network can go when its containers have ended, a volume only when they are removed: so
    # networks go beside the containers, which saves a third of the time.
    await asyncio.gather(*(engine.kill(name) for name in held.containers), return_exceptions=True)
    results = await asyncio.gather(
        _containers_then_volumes(engine, held),
        *(engine.remove_network(name) for name in held.networks),
        return_exceptions=True,
    )
    return [str(result) for result in results if isinstance(result, Exception)]


async def _containers_then_volumes(engine: Engine, held: Held) -> None:
    containers = await asyncio.gather(
        *(engine.remove_container(name) for name in held.containers), return_exceptions=True
    )
    volumes = await asyncio.gather(
        *(engine.remove_volume(name) for name in held.volumes), return_exceptions=True
    )
    for result in (*containers, *volumes):
        if isinstance(result, Exception):
            raise result


async def _remove_images(engine: Engine, label: str) -> list[str]:
    """Remove what a killed trial left of a throwaway container: the image that it was made of."""
    results = await asyncio.gather(
        *(engine.remove_image(image) for image in await engine.images(label)),
        return_exceptions=True,
    )
    return [str(result) for result in results if isinstance(result, Exception)]
