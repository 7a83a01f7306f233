"""Asks, right after a failure, which services reach each other, from where each of them stands.

Only then: beside running tests, a container for each service would take the cores that they need.
"""

import asyncio
from collections.abc import Mapping
from typing import Any

from seatrial.engine.faults import engine_faults
from seatrial.errors import EnvironmentFault
from seatrial.evidence.diagnosis import ReachFrom
from seatrial.trial.reach import Question, read_answer, run_question, targets_of
from seatrial.trial.rig import Journal, Rig

__all__ = ["ask_between", "neighbours"]

MAX_SERVICES = 8
"""That are asked from; a container each."""
_AT_ONCE = 4
"""Containers: an engine that starts many at once starts none of them sooner."""
PATIENCE_S = 8.0
"""For all of them; one asks for at most 4 s."""


async def ask_between(
    rig: Rig, journal: Journal, states: Mapping[str, Mapping[str, Any]], program: str
) -> tuple[ReachFrom, ...]:
    """Ask from the network namespace of each service that runs for those it shares a network with.

    `states` is what the engine knows of each service, `program` a Python of the test image: the
    services' own images may have none.
    """
    image = journal.services[rig.plan.selection.test].image
    if image is None:
        return ()
    pairs = neighbours(states, without=rig.plan.selection.test)
    gate = asyncio.Semaphore(_AT_ONCE)

    async def ask(origin: str) -> ReachFrom:
        others = {name: states[name] for name in pairs[origin]}
        question = Question(
            image=image.id,
            program=program,
            targets=targets_of(rig, journal, others),
            # Names are asked for as the service itself would: its resolver and hosts come with it.
            networks=(f"container:{states[origin]['Id']}",),
        )
        try:
            async with asyncio.timeout(PATIENCE_S), gate:
                with engine_faults(f"reachability from {origin}"):
                    asked = read_answer(await run_question(rig, question))
        except (EnvironmentFault, ValueError) as fault:
            return ReachFrom(service=origin, error=str(fault))
        except TimeoutError:
            return ReachFrom(service=origin, error=f"no answer within {PATIENCE_S:g} s")
        return ReachFrom(service=origin, reach=asked.reach)

    return tuple(await asyncio.gather(*(ask(origin) for origin in list(pairs)[:MAX_SERVICES])))


def neighbours(
    states: Mapping[str, Mapping[str, Any]], *, without: str
) -> dict[str, tuple[str, ...]]:
    """For each running service, those that share a network with it and so should be reachable.

    Who is on no network of their own (`host`, `none`, another container's) has none.
    """
    networks = {name: _networks(inspected) for name, inspected in states.items() if name != without}
    found = {
        name: tuple(other for other in networks if other != name and own & networks[other])
        for name, own in networks.items()
        if (states[name].get("State") or {}).get("Running")
    }
    return {name: others for name, others in found.items() if others}


def _networks(inspected: Mapping[str, Any]) -> frozenset[str]:
    mode = str((inspected.get("HostConfig") or {}).get("NetworkMode") or "")
    if mode in {"host", "none"} or mode.startswith("container:"):
        return frozenset()
    return frozenset((inspected.get("NetworkSettings") or {}).get("Networks") or {})
