"""Says which databases can be kept after their first-time set-up, and puts a kept one to use.

The official PostgreSQL image keeps its data in a volume, of which an image sees nothing. So a
prepared one has its data in a folder of its own, which its entry point finds filled.
"""

import copy
from collections.abc import Mapping
from dataclasses import dataclass, replace

from seatrial.settings import Database
from seatrial.stack.model import Mount, unescape
from seatrial.stack.patch import Change
from seatrial.stack.plan import Plan
from seatrial.stack.servers import recognise

__all__ = [
    "PREPARED_DATA",
    "SET_UP",
    "Preparable",
    "find_preparable",
    "initial_environment",
    "tell_prepared",
    "use_prepared",
]

PREPARED_DATA = "/var/lib/seatrial-prepared"
_DATA_VARIABLE = "PGDATA"
_INITDB = "POSTGRES_INITDB_ARGS"
SET_UP = "its first-time set-up"
_DATA = ("/var/lib/postgresql/data", "/var/lib/postgresql")
_INIT_FOLDER = "/docker-entrypoint-initdb.d"
_PROGRAM = "postgres"
_HARMLESS = frozenset(
    (
        *("command", "deploy", "entrypoint", "environment", "expose", "healthcheck", "hostname"),
        *("image", "init", "labels", "logging", "mem_limit", "networks", "platform", "pull_policy"),
        *("shm_size", "stop_grace_period", "stop_signal", "ulimits", "volumes"),
    )
)
"""Keys of a service that do not change what its set-up writes, or are part of what is compared.
With any other (secrets, another user, services it waits for) nothing is prepared."""


@dataclass(frozen=True)
class Preparable:
    """A database, with all of its compose service that its set-up depends on."""

    service: str
    image: str
    command: tuple[str, ...]
    environment: Mapping[str, str]
    mounts: tuple[Mount, ...]


def find_preparable(
    plan: Plan, declared: Mapping[str, Database] | None = None
) -> tuple[Preparable, ...]:
    """The databases of a plan whose set-up can be done beforehand: throwaway PostgreSQLs.

    One is known by its image's name, or because `declared` names its service.
    """
    found = (_preparable(plan, name, (declared or {}).get(name)) for name in plan.services)
    return tuple(one for one in found if one)


def initial_environment(environment: Mapping[str, str | None]) -> dict[str, str | None]:
    """The environment in which a database is set up, to be kept."""
    return {
        **environment,
        _DATA_VARIABLE: PREPARED_DATA,
        # Nothing has to outlive a crash before the engine has made an image of it.
        _INITDB: f"{environment.get(_INITDB) or ''} --no-sync".strip(),
    }


def use_prepared(plan: Plan, wanted: Preparable, image: str, done: str = SET_UP) -> Plan:
    """The plan with a service that starts from a prepared `image`, in which that is `done`."""
    form = copy.deepcopy(plan.form)
    raw = form["services"][wanted.service]
    raw["image"] = image
    raw["environment"] = {**(raw.get("environment") or {}), _DATA_VARIABLE: PREPARED_DATA}
    raw.pop("pull_policy", None)
    change = Change(
        f"services.{wanted.service}.image",
        f"{wanted.image} → {image}",
        f"{done} was done by an earlier trial",
    )
    return replace(
        plan,
        form=form,
        changes=(*plan.changes, change),
        prepared={**plan.prepared, wanted.service: plan.form["services"][wanted.service]},
    )


def tell_prepared(
    plan: Plan, done: str = SET_UP, declared: Mapping[str, Database] | None = None
) -> Plan:
    """The plan, with the databases that a trial may start from prepared images."""
    changes = (
        Change(
            f"services.{wanted.service}.image",
            f"{wanted.image} → its prepared image, once there is one",
            f"{done} is the same in every trial",
        )
        for wanted in find_preparable(plan, declared)
    )
    return replace(plan, changes=(*plan.changes, *changes))


def _preparable(plan: Plan, name: str, declared: Database | None) -> Preparable | None:
    raw = plan.form["services"][name]
    image = raw.get("image", "")
    known = recognise(image, ())
    command = tuple(unescape(word) for word in raw.get("command") or ())
    if (
        (declared or (known.name if known else None)) != "PostgreSQL"
        or name == plan.selection.test
        or any(raw.get(key) for key in raw if key not in _HARMLESS)
        or not any(mount.get("type") == "tmpfs" for mount in raw.get("volumes") or ())
    ):
        return None
    binds = tuple(mount for mount in plan.services[name].mounts if mount.kind == "bind")
    if any(not mount.target.startswith(_INIT_FOLDER) for mount in binds):
        return None
    kept = [m for m in plan.services[name].mounts if m.kind != "bind"]
    if any(mount.target not in _DATA for mount in kept):
        return None
    environment = raw.get("environment") or {}
    return Preparable(
        service=name,
        image=image,
        command=command if command[0] == _PROGRAM else (_PROGRAM, *command),
        environment={k: unescape(str(v)) for k, v in environment.items() if v is not None},
        mounts=binds,
    )
