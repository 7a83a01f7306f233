"""Patches the canonical form for a trial: isolated, labelled, and unable to harm what is outside.

Each patch is one function that edits the form it is given (a private copy) and yields what it
changed, so that `seatrial plan` can show every change with its reason.
"""

import math
import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Literal

from seatrial.errors import UsageFault
from seatrial.stack.health_defaults import RETRIES, TIMEOUT_S
from seatrial.stack.model import Form

__all__ = [
    "Change",
    "built_image_names",
    "calm_health_checks",
    "keep_only",
    "label_everything",
    "no_container_names",
    "no_published_ports",
    "no_restarts",
    "one_container_for_tests",
    "own_names",
    "plain_logging",
    "static_addresses",
]

_STATIC_ADDRESSES = ("ipv4_address", "ipv6_address")
_CALM_INTERVAL_S = 15
"""Whether a service is ready is asked many times a second by Seatrial itself; the engine's own runs
of a check only show later what became of it. With two stacks of three services and one run in 5 s,
they took a tenth of the processor time of the example's whole trial."""
_UNITS_S = {"h": 3600.0, "m": 60.0, "s": 1.0, "ms": 1e-3, "us": 1e-6, "µs": 1e-6, "ns": 1e-9}
_READABLE_LOG_DRIVERS = ("json-file", "local", "journald")


@dataclass(frozen=True)
class Change:
    """One difference between the project's form and the patched one."""

    where: str
    """Dotted place in the form, e.g. `services.db.ports`."""
    what: str
    why: str


def keep_only(form: Form, services: Collection[str]) -> Iterator[Change]:
    """Drop the services that take no part, and the networks and volumes that nobody else uses."""
    for name in list(form["services"]):
        if name not in services:
            del form["services"][name]
            yield Change(f"services.{name}", "not started", "the tests do not need it")
        else:
            form["services"][name].pop("profiles", None)
    used_networks = {n for s in form["services"].values() for n in s.get("networks") or ()}
    used_volumes = {
        mount["source"]
        for s in form["services"].values()
        for mount in s.get("volumes") or ()
        if mount.get("type") == "volume" and mount.get("source")
    }
    for key, used in (("networks", used_networks), ("volumes", used_volumes)):
        form[key] = {name: raw for name, raw in (form.get(key) or {}).items() if name in used}


def own_names(form: Form, project: str, external: Literal["refuse", "replace"]) -> Iterator[Change]:
    """Give networks and volumes the trial's own names; refuse or replace those from outside.

    Raises:
        UsageFault: something is external and the settings say to refuse that.
    """
    for key in ("networks", "volumes"):
        for name, raw in form[key].items():
            where = f"{key}.{name}"
            own = f"{project}_{name}"
            if raw.get("external"):
                if external == "refuse":
                    raise UsageFault(
                        f"the {key.removesuffix('s')} {name!r} is external: it exists outside the "
                        "project, and a trial would share it",
                        where=where,
                        next_step=(
                            "use a fresh one in trials with --external replace "
                            '(setting: external = "replace"), or make it part of the project'
                        ),
                    )
                raw.clear()
                yield Change(where, "external → fresh", "a trial shares nothing with the outside")
            elif raw.get("name") not in (None, own):
                yield Change(
                    where, f"name {raw['name']} → {own}", "two stacks must fit side by side"
                )
            raw["name"] = own
    for name, raw in form["services"].items():
        if raw.pop("external_links", None):
            yield Change(
                f"services.{name}.external_links", "removed", "a trial reaches nothing outside"
            )


def no_container_names(form: Form) -> Iterator[Change]:
    """Drop `container_name`, but keep the name resolvable in the service's networks."""
    for name, raw in form["services"].items():
        fixed = raw.pop("container_name", None)
        if fixed is None:
            continue
        for network in raw.get("networks") or {}:
            entry = raw["networks"][network] or {}
            entry["aliases"] = [*(entry.get("aliases") or []), fixed]
            raw["networks"][network] = entry
        yield Change(
            f"services.{name}.container_name",
            f"{fixed} → network alias {fixed}",
            "two stacks must fit side by side",
        )


def no_published_ports(form: Form) -> Iterator[Change]:
    """Turn published ports into exposed ones."""
    for name, raw in form["services"].items():
        ports = raw.pop("ports", None)
        if not ports:
            continue
        targets = [f"{port['target']}/{port.get('protocol', 'tcp')}" for port in ports]
        raw["expose"] = list(dict.fromkeys([*(raw.get("expose") or []), *targets]))
        yield Change(
            f"services.{name}.ports",
            f"{', '.join(targets)}: not published on the host",
            "two stacks must fit side by side",
        )


def no_restarts(form: Form) -> Iterator[Change]:
    """Let nothing be started again by the engine: an exit is a fact that the trial must see."""
    for name, raw in form["services"].items():
        policy = raw.pop("restart", None)
        (raw.get("deploy") or {}).pop("restart_policy", None)
        if policy not in (None, "no"):
            yield Change(
                f"services.{name}.restart", f"{policy} → no", "an exit must be seen, not undone"
            )


def plain_logging(form: Form) -> Iterator[Change]:
    """Replace log drivers whose logs cannot be read back."""
    for name, raw in form["services"].items():
        driver = (raw.get("logging") or {}).get("driver")
        if driver and driver not in _READABLE_LOG_DRIVERS:
            raw["logging"] = {"driver": "json-file"}
            yield Change(f"services.{name}.logging", f"{driver} → json-file", "logs are evidence")


def one_container_for_tests(form: Form, test: str) -> Iterator[Change]:
    """One container for the test service, judged by its tests and not by a health check."""
    raw = form["services"][test]
    if raw.pop("scale", 1) != 1 or (raw.get("deploy") or {}).pop("replicas", 1) != 1:
        yield Change(f"services.{test}.scale", "→ 1", "a worker's tests run in one container")
    if raw.get("healthcheck"):
        yield Change(
            f"services.{test}.healthcheck", "switched off", "it would probe a server, not tests"
        )
    # Switched off even where the compose file has none: the image may bring one.
    raw["healthcheck"] = {"disable": True}


def calm_health_checks(form: Form) -> Iterator[Change]:
    """Have the engine run checks seldom, and call a service unhealthy after the same time.

    A check that allows itself less than one such run stays as it is, and so does one of which the
    image says what and how often.
    """
    for name, raw in form["services"].items():
        check = raw.get("healthcheck") or {}
        interval = _seconds(check.get("interval"))
        if not interval or not check.get("test"):
            continue
        timeout = _seconds(check.get("timeout")) or TIMEOUT_S
        allowed = (check.get("retries") or RETRIES) * (interval + timeout)
        retries = max(1, int(allowed / (_CALM_INTERVAL_S + timeout)))
        calm = round(allowed / retries - timeout, 3)
        if interval >= _CALM_INTERVAL_S or calm <= interval:
            continue
        yield Change(
            f"services.{name}.healthcheck.interval",
            f"{check['interval']} → {calm:g}s",
            "readiness is asked for directly; the engine's runs cost the tests' time",
        )
        check["interval"], check["retries"] = f"{calm:g}s", retries


def _seconds(duration: str | None) -> float:
    """A duration of the canonical form, such as `1m30s`; 0 if there is none."""
    parts = re.findall(r"([\d.]+)(h|ms|us|µs|ns|m|s)", duration or "")
    return math.fsum(float(number) * _UNITS_S[unit] for number, unit in parts)


def built_image_names(form: Form, slug: str) -> Iterator[Change]:
    """Name the images that have no name yet; a project's images keep their tags for the cache."""
    for name, raw in form["services"].items():
        if "build" not in raw:
            continue
        # With the image in the local store by then, Compose must neither build nor pull.
        raw.pop("pull_policy", None)
        if not raw.get("image"):
            raw["image"] = f"seatrial-{slug}-{name}"
            yield Change(
                f"services.{name}.image",
                f"built as {raw['image']}",
                "named after the project, not after the trial: the next build finds its cache",
            )


def label_everything(form: Form, labels: Mapping[str, str]) -> Iterator[Change]:
    """Label all that the engine will hold of the trial, so that all of it can be found again."""
    for key in ("services", "networks", "volumes"):
        for raw in form[key].values():
            raw["labels"] = {**(raw.get("labels") or {}), **labels}
    yield Change("*.labels", ", ".join(labels), "clean-up finds everything by its label")


def static_addresses(form: Form) -> list[str]:
    """The services with a fixed address: two such stacks cannot run side by side."""
    return [
        name
        for name, raw in form["services"].items()
        for entry in (raw.get("networks") or {}).values()
        if any(key in (entry or {}) for key in _STATIC_ADDRESSES)
    ]
