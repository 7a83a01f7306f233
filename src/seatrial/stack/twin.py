"""Makes of a plan the same stack once more, to run beside the first."""

import copy
from collections.abc import Iterator
from dataclasses import replace

from seatrial.errors import UsageFault
from seatrial.stack.model import Form
from seatrial.stack.patch import static_addresses
from seatrial.stack.plan import Plan

__all__ = ["cannot_be_doubled", "refuse_impossible", "twin"]

_SHARED_NETWORKS = ("host", "container:")


def twin(plan: Plan, name: str, stack_label: str) -> Plan:
    """The plan under another compose project's name; all that is made of it carries that too.

    `stack_label` is the label whose value is the compose project's name.
    """
    form = copy.deepcopy(plan.form)
    form["name"] = name
    for key in ("services", "networks", "volumes"):
        for raw in form[key].values():
            if stack_label in (raw.get("labels") or {}):
                raw["labels"][stack_label] = name
            if key != "services":
                raw["name"] = _renamed(raw["name"], plan.name, name)
    return replace(
        plan,
        name=name,
        form=form,
        labels={**plan.labels, stack_label: name},
        sources=tuple(
            replace(source, volume=_renamed(source.volume, plan.name, name))
            for source in plan.sources
        ),
    )


def cannot_be_doubled(form: Form) -> list[str]:
    """Why two stacks of this form cannot run side by side; nothing if they can."""
    return [
        *(f"service {name} has a fixed address" for name in static_addresses(form)),
        *(f"network {name} has a fixed subnet" for name in _fixed_subnets(form)),
        *(f"service {name} shares a network with others" for name in _sharing_networks(form)),
    ]


def refuse_impossible(plan: Plan, workers: int | str) -> None:
    """Hold the number of workers that is asked for against the stack.

    Raises:
        UsageFault: several are asked for, and the stack cannot be there twice.
    """
    if isinstance(workers, int) and workers > 1 and (obstacles := cannot_be_doubled(plan.form)):
        raise UsageFault(
            f"{workers} stacks of this project cannot run side by side: {obstacles[0]}",
            where=", ".join(str(file) for file in plan.files),
            next_step="leave addresses and networks to the engine, or use one worker",
        )


def _fixed_subnets(form: Form) -> Iterator[str]:
    for name, raw in form["networks"].items():
        if any(entry.get("subnet") for entry in (raw.get("ipam") or {}).get("config") or ()):
            yield name


def _sharing_networks(form: Form) -> Iterator[str]:
    for name, raw in form["services"].items():
        if str(raw.get("network_mode", "")).startswith(_SHARED_NETWORKS):
            yield name


def _renamed(name: str, old: str, new: str) -> str:
    return new + name.removeprefix(old) if name.startswith(f"{old}_") else name
