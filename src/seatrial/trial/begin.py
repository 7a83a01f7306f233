"""Begins a trial: its images build while the rest of what it needs is found out."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime

from seatrial.evidence.folder import RunFolder
from seatrial.interruption import Interruption
from seatrial.stack.compose import Compose
from seatrial.stack.plan import Plan
from seatrial.trial.build import build
from seatrial.trial.rig import Journal

__all__ = ["Begun", "begin"]


@dataclass(frozen=True)
class Begun:
    """A trial that has begun."""

    started: datetime
    journal: Journal
    building: asyncio.Task[None]
    interruption: Interruption


@asynccontextmanager
async def begin(
    compose: Compose,
    plan: Plan,
    folder: RunFolder,
    journal: Journal,
    *,
    started: datetime,
    limit_s: float,
) -> AsyncIterator[Begun]:
    """Begin to build, for `limit_s` at most; what still builds at the end of the block is ended.

    What is taken down of the project's files for later trials must be taken down before: a file
    that is changed meanwhile would be known as it was not when it was built.
    """
    interruption = Interruption()
    building = asyncio.create_task(build(compose, plan, folder, journal, limit_s=limit_s))
    try:
        yield Begun(started, journal, building, interruption)
    finally:
        building.cancel()
        await asyncio.gather(building, return_exceptions=True)
