"""Looks for what a trial left behind, in the engine and among the programs that run."""

import asyncio
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path

from seatrial.engine.api import Engine
from seatrial.engine.faults import engine_faults
from seatrial.engine.labels import label_of
from seatrial.engine.remove import remove_labelled

__all__ = ["remains_of", "remove_images"]

_PAUSE_S = 0.25


async def remains_of(
    engine: Engine, trials: Sequence[str], *, patience_s: float, clock: Callable[[], float]
) -> tuple[str, ...]:
    """What there still is of the trials after that time; the engine's part is removed then.

    Raises:
        EnvironmentFault: the engine does not answer.
    """
    deadline = clock() + patience_s
    left = await _left(engine, trials)
    while left:
        if clock() >= deadline:
            break
        await asyncio.sleep(_PAUSE_S)
        left = await _left(engine, trials)
    if left:
        with engine_faults("what a drill left"):
            for trial in trials:
                await remove_labelled(engine, label_of(trial))
    return left


async def remove_images(engine: Engine, names: Iterable[str]) -> None:
    """Remove images by their names; those that are not there are no fault.

    Raises:
        EnvironmentFault: the engine refuses.
    """
    for name in sorted(set(names)):
        with engine_faults(f"image {name}"):
            await engine.remove_image(name)


async def _left(engine: Engine, trials: Sequence[str]) -> tuple[str, ...]:
    found: list[str] = []
    with engine_faults("what a trial left"):
        for trial in trials:
            label = label_of(trial)
            held = await engine.held(label)
            found += [*held.containers, *held.networks, *held.volumes, *await engine.images(label)]
    return (*found, *(f"program {pid}" for pid in _programs(trials)))


def _programs(trials: Sequence[str]) -> Iterator[str]:
    """Ids of programs that name one of the trials: its reaper, and what works for it."""
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            words = path.read_bytes().decode(errors="replace")
        except OSError:
            continue  # it has just ended
        if any(trial in words for trial in trials):
            yield path.parent.name
