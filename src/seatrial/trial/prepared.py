"""Keeps databases after their first-time set-up as images, and starts later trials from them.

An image is found by a key of all that went into it: the server's image, the service's command and
environment, and what its init scripts say. It is a local image like those that builds leave, and
holds what the environment says, passwords included.
"""

import asyncio
import hashlib
import json
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from seatrial.engine.api import Engine
from seatrial.engine.faults import engine_faults
from seatrial.engine.readiness import watch_service
from seatrial.errors import EnvironmentFault
from seatrial.evidence.filetree import HashCache, NotComparableError, Root, hash_tree, list_tree
from seatrial.stack.plan import Plan
from seatrial.stack.prepared import (
    DATA_VARIABLE,
    PREPARED_DATA,
    Preparable,
    find_preparable,
    use_prepared,
)
from seatrial.trial.identity import PROJECT_LABEL
from seatrial.trial.rig import Journal, Rig

__all__ = ["find_prepared", "make_prepared", "remove_prepared", "with_prepared"]

PREPARED_LABEL = "dev.seatrial.prepared"
_FORMAT = 1
"""Part of every key; raised when what is prepared would come out differently."""
_FAULTS = (EnvironmentFault, NotComparableError, OSError, LookupError, TypeError, ValueError)
"""An engine that answers in a shape of its own must not cost anybody a trial."""
_ROOM_S = 20.0
"""Preparing counts in a trial's total; nothing is prepared if less than this is left of it."""
_INITDB = "POSTGRES_INITDB_ARGS"
_PATIENCE_S = 60.0
_STOP_GRACE_S = 30


async def with_prepared(engine: Engine, plan: Plan) -> tuple[Plan, tuple[Preparable, ...]]:
    """The plan with what is prepared already, and what is not.

    Whatever is wrong with a prepared image, the plan does without it.
    """
    missing = []
    for wanted in find_preparable(plan):
        try:
            name = await _name(engine, plan, wanted)
            with engine_faults(f"image {name}"):
                await engine.inspect_image(name)
        except _FAULTS:
            missing.append(wanted)
        else:
            plan = use_prepared(plan, wanted, name)
    return plan, tuple(missing)


async def make_prepared(rig: Rig, journal: Journal) -> None:
    """Do the set-up of the databases that are not prepared, and keep each as an image.

    To be called when the tests are over. What cannot be prepared is noted, and nothing more.
    """
    limit = rig.settings.budgets.total
    for wanted in rig.missing:
        began = rig.clock()
        if limit is not None and began - journal.began + _ROOM_S > limit:
            journal.note(f"service {wanted.service} was not prepared: the total budget is too near")
            continue
        try:
            name = await _name(rig.engine, rig.plan, wanted)
            with engine_faults(f"preparing service {wanted.service}"):
                await _make(rig, wanted, name)
        except _FAULTS as fault:
            told = fault.what if isinstance(fault, EnvironmentFault) else str(fault)
            journal.note(f"service {wanted.service} could not be prepared for later trials: {told}")
        else:
            journal.note(
                f"service {wanted.service} was prepared for later trials in "
                f"{rig.clock() - began:.1f} s, after the tests: {name}"
            )


async def find_prepared(engine: Engine, label: str = PREPARED_LABEL) -> list[str]:
    """The ids of the prepared images that carry a label.

    Raises:
        EnvironmentFault: the engine does not answer.
    """
    with engine_faults("prepared images"):
        return await engine.images(label)


async def remove_prepared(engine: Engine, images: Iterable[str]) -> None:
    """Remove images; one that a trial is using stays, until another is made in its place."""
    await asyncio.gather(*(engine.remove_image(one) for one in images), return_exceptions=True)


async def _name(engine: Engine, plan: Plan, wanted: Preparable) -> str:
    """The name of the image that all that goes into it leads to.

    Raises:
        EnvironmentFault: the server's image is not here.
        NotComparableError: its init scripts cannot be read.
    """
    with engine_faults(f"image {wanted.image}"):
        base = (await engine.inspect_image(wanted.image))["Id"]
    scripts = await asyncio.to_thread(_hash_scripts, wanted)
    facts = [_FORMAT, base, wanted.command, sorted(wanted.environment.items()), scripts]
    key = hashlib.sha256(json.dumps(facts).encode()).hexdigest()[:16]
    service = re.sub(r"[^a-z0-9]+", "-", wanted.service.lower()).strip("-") or "service"
    return f"seatrial-prepared-{plan.labels[PROJECT_LABEL]}-{service}:{key}"


def _hash_scripts(wanted: Preparable) -> list[tuple[str, str]]:
    hashed = []
    for mount in wanted.mounts:
        root = Root(Path(mount.source))
        hashed.append((mount.target, hash_tree(root, list_tree(root), HashCache(0))))
    return hashed


async def _make(rig: Rig, wanted: Preparable, name: str) -> None:
    container = await _create(rig, wanted, wanted.image)
    image = None
    try:
        await _come_up(rig, wanted, container)
        await rig.engine.stop(container, grace_s=_STOP_GRACE_S)
        if code := await rig.engine.wait(container):
            raise _fault(wanted, f"the server ended with exit code {code}")
        label = f"{rig.plan.labels[PROJECT_LABEL]}/{wanted.service}"
        # The trial's are emptied, so that its clean-up does not take the image for its own.
        labels = {**dict.fromkeys(rig.plan.labels, ""), PREPARED_LABEL: label}
        image = await rig.engine.commit(container, labels)
    finally:
        await rig.engine.remove_container(container)
    try:
        await _try_out(rig, wanted, image)
        await rig.engine.tag(image, name)
    except BaseException:
        await rig.engine.remove_image(image)
        raise
    older = await find_prepared(rig.engine, f"{PREPARED_LABEL}={label}")
    await remove_prepared(rig.engine, (one for one in older if one != image))


async def _try_out(rig: Rig, wanted: Preparable, image: str) -> None:
    """See that a database starts from it: no later trial is to find out that it does not."""
    container = await _create(rig, wanted, image)
    try:
        await _come_up(rig, wanted, container)
    finally:
        await rig.engine.remove_container(container)


async def _create(rig: Rig, wanted: Preparable, image: str) -> str:
    environment = {
        **wanted.environment,
        DATA_VARIABLE: PREPARED_DATA,
        # Nothing has to outlive a crash before the engine has made an image of it.
        _INITDB: f"{wanted.environment.get(_INITDB, '')} --no-sync".strip(),
    }
    config: dict[str, Any] = {
        "Image": image,
        "Cmd": list(wanted.command),
        "Env": [f"{key}={value}" for key, value in environment.items()],
        "Healthcheck": {"Test": ["NONE"]},
        "Labels": dict(rig.plan.labels),
        "HostConfig": {
            # What a script fetches from elsewhere would be kept as it once was.
            "NetworkMode": "none",
            "Mounts": [
                {"Type": "bind", "Source": m.source, "Target": m.target, "ReadOnly": True}
                for m in wanted.mounts
            ],
        },
    }
    return await rig.engine.create_container(config)


async def _come_up(rig: Rig, wanted: Preparable, container: str) -> None:
    await rig.engine.start(container)
    readiness = await watch_service(
        rig.engine,
        container,
        image=wanted.image,
        declared_ports=(),
        reachable=False,
        timeout_s=min(_PATIENCE_S, rig.settings.timeouts.start),
        clock=rig.clock,
    )
    if readiness.state != "ready":
        raise _fault(wanted, f"it was {readiness.state} ({readiness.detail or 'no answer'})")


def _fault(wanted: Preparable, what: str) -> EnvironmentFault:
    return EnvironmentFault(what, where=f"services.{wanted.service}", next_step="prepared = false")
