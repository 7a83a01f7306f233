"""Finds and removes what trials left in the engine whose process is gone."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from seatrial.engine.api import Engine, Held
from seatrial.engine.faults import engine_faults
from seatrial.engine.remove import Removal, remove_labelled
from seatrial.trial.identity import OWNER_LABEL, PROJECT_LABEL, TRIAL_LABEL, label_of, owner_state

__all__ = ["Cleaned", "Leftover", "clean_up", "find_leftovers"]


@dataclass(frozen=True)
class Leftover:
    """What the engine holds of one trial."""

    trial: str
    project: str
    owner: Literal["alive", "dead", "unknown"]
    """The state of the process that ran the trial; unknown if that was on another machine."""
    held: Held


async def find_leftovers(engine: Engine) -> list[Leftover]:
    """Everything in the engine that carries a trial's label, by trial, oldest first.

    Raises:
        EnvironmentFault: the engine does not answer.
    """
    with engine_faults("the engine"):
        containers = await engine.containers(TRIAL_LABEL)
        networks = await engine.networks(TRIAL_LABEL)
        volumes = await engine.volumes(TRIAL_LABEL)
    labels: dict[str, dict[str, str]] = {}
    held: dict[str, dict[str, list[str]]] = {}

    def add(kind: str, name: str, found: dict[str, str]) -> None:
        trial = found[TRIAL_LABEL]
        labels[trial] = found
        held.setdefault(trial, {}).setdefault(kind, []).append(name)

    for container in containers:
        add("containers", container.name, dict(container.labels))
    for kind, listed in (("networks", networks), ("volumes", volumes)):
        for raw in _labelled(listed):
            add(kind, raw["Name"], raw["Labels"])
    return [
        Leftover(
            trial=trial,
            project=labels[trial].get(PROJECT_LABEL, ""),
            owner=owner_state(labels[trial].get(OWNER_LABEL, "")),
            held=Held(**{kind: tuple(sorted(names)) for kind, names in held[trial].items()}),
        )
        for trial in sorted(held)
    ]


@dataclass(frozen=True)
class Cleaned:
    """A trial's leftovers and what became of them."""

    leftover: Leftover
    removal: Removal | None
    """None: nothing was removed."""


async def clean_up(
    engine: Engine,
    *,
    everything: bool,
    show: Callable[[Sequence[Leftover]], None],
    confirm: Callable[[int], bool],
) -> list[Cleaned]:
    """Show what dead trials left, ask, and remove it; `everything`: of all trials.

    Raises:
        EnvironmentFault: the engine does not answer.
    """
    found = await find_leftovers(engine)
    leftovers = [left for left in found if everything or left.owner == "dead"]
    show(leftovers)
    if not leftovers or not confirm(len(leftovers)):
        return [Cleaned(left, None) for left in leftovers]
    with engine_faults("the engine"):
        return [
            Cleaned(left, await remove_labelled(engine, label_of(left.trial))) for left in leftovers
        ]


def _labelled(listed: Iterable[dict[str, Any]]) -> Iterable[dict[str, Any]]:
    return (raw for raw in listed if (raw.get("Labels") or {}).get(TRIAL_LABEL))
