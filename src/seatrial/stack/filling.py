"""Makes of a plan the small stack in which the project's own command fills its databases."""

import copy
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from seatrial.errors import EnvironmentFault
from seatrial.stack.instrument import replace_command
from seatrial.stack.model import Form
from seatrial.stack.plan import Plan
from seatrial.stack.prepared import initial_environment
from seatrial.stack.redirect import SourceMount

__all__ = ["filling_plan"]

_NO_CHECK = {"disable": True}
_NO_GATEWAY = "com.docker.network.bridge.inhibit_ipv4"
"""Without it a network that is internal still reaches what listens on the engine's machine."""


def filling_plan(
    plan: Plan, databases: Mapping[str, str], *, test_image: str, command: str | Sequence[str]
) -> Plan:
    """The plan with nothing but `databases`, by service their images, and the test service.

    The test service runs `command`; all else of it is as it is for the tests. The databases have
    their data where they are kept. No network leads out of the stack.

    Raises:
        EnvironmentFault: the test service has a network that is not its stack's own.
    """
    test = plan.selection.test
    form = copy.deepcopy(plan.form)
    tests: dict[str, Any] = form["services"][test]
    if tests.get("network_mode"):
        raise EnvironmentFault(
            "its network cannot be cut off from others",
            where=f"services.{test}.network_mode",
            next_step="prepared = false",
        )
    services = {test: {**_alone(tests), "image": test_image}}
    for name, image in databases.items():
        raw = form["services"][name]
        services[name] = {
            **_alone(raw),
            "image": image,
            "environment": initial_environment(raw.get("environment") or {}),
            "volumes": [one for one in raw.get("volumes") or () if one.get("type") != "tmpfs"],
        }
    form["services"] = services
    form["networks"] = {
        key: _cut_off(raw or {}) for key, raw in (form.get("networks") or {}).items()
    }
    replace_command(form, test, command)
    return replace(plan, form=form, sources=tuple(_sources(plan, form)))


def _alone(raw: Mapping[str, Any]) -> dict[str, Any]:
    """A service without what others are for it, and with an image that is here."""
    dropped = {"build", "depends_on", "pull_policy"}
    kept = {key: value for key, value in raw.items() if key not in dropped}
    return {**kept, "healthcheck": _NO_CHECK}


def _cut_off(network: Mapping[str, Any]) -> dict[str, Any]:
    """A network that leads neither to others nor to the engine's machine itself."""
    own: dict[str, Any] = {"internal": True}
    if network.get("driver", "bridge") == "bridge":
        own["driver_opts"] = {**(network.get("driver_opts") or {}), _NO_GATEWAY: "true"}
    return {**network, **own}


def _sources(plan: Plan, form: Form) -> Iterator[SourceMount]:
    """The mounted folders that are left, each as one of the services left has it."""
    mounts = [
        ((form["volumes"].get(mount.get("source")) or {}).get("name"), name, mount["target"])
        for name, raw in form["services"].items()
        for mount in raw.get("volumes") or ()
    ]
    for source in plan.sources:
        for volume, service, target in mounts:
            if volume == source.volume:
                yield replace(source, service=service, target=target)
                break
