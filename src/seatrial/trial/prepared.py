"""Keeps databases as images in the state in which the tests begin, and starts later trials there.

An image is found by a name of all that went into it (`trial/preparation.py`). It is a local image
like those that builds leave, and holds what the environment says, passwords included.
"""

import asyncio
from collections.abc import Callable, Iterable, Mapping
from contextlib import AbstractAsyncContextManager

from seatrial.engine.api import Engine
from seatrial.engine.faults import engine_faults
from seatrial.errors import EnvironmentFault
from seatrial.evidence.filetree import NotComparableError
from seatrial.settings import Database, PrepareSettings
from seatrial.stack.plan import Plan
from seatrial.stack.prepared import use_prepared
from seatrial.trial.identity import PROJECT_LABEL
from seatrial.trial.preparation import (
    Preparation,
    find_preparations,
    list_files,
    prepared_names,
    told_as_done,
)
from seatrial.trial.prepared_stage import filled, set_up_alone
from seatrial.trial.rig import Journal, Rig

__all__ = ["find_prepared", "make_prepared", "remove_prepared", "with_prepared"]

PREPARED_LABEL = "dev.seatrial.prepared"
_COMPOSE_LABELS = "com.docker.compose."
_FAULTS = (EnvironmentFault, NotComparableError, OSError, LookupError, TypeError, ValueError)
"""An engine that answers in a shape of its own must not cost anybody a trial."""
_ROOM_S = 20.0
"""Preparing counts in a trial's total; nothing is prepared if less than this is left of it."""
_STOP_GRACE_S = 30

_Stage = Callable[[Mapping[str, str], str], AbstractAsyncContextManager[dict[str, str]]]
"""Has databases come up from images, by service, and yields their containers; a log's name."""


async def with_prepared(
    engine: Engine,
    plan: Plan,
    prepare: PrepareSettings,
    declared: Mapping[str, Database] | None = None,
) -> tuple[Plan, tuple[Preparation, ...]]:
    """The plan with what is prepared already, and what is not.

    `declared` are services that are databases although their image's name does not tell. Whatever
    is wrong with a prepared image, the plan does without it.
    """
    missing = []
    for preparation in await find_preparations(plan, prepare, declared):
        try:
            names = await prepared_names(engine, plan, preparation)
            for name in names.values():
                with engine_faults(f"image {name}"):
                    await engine.inspect_image(name)
        except _FAULTS:
            missing.append(preparation)
        else:
            done = told_as_done(prepare)
            for wanted in preparation.databases:
                plan = use_prepared(plan, wanted, names[wanted.service], done)
    return plan, tuple(missing)


async def make_prepared(rig: Rig, journal: Journal) -> None:
    """Bring the databases that are not prepared to their state, and keep each as an image.

    To be called when the tests are over. What cannot be prepared is noted, and nothing more.
    """
    limit = rig.settings.budgets.total
    for preparation in rig.missing:
        began = rig.clock()
        told = f"service {preparation.services}"
        if limit is not None and began - journal.began + _ROOM_S > limit:
            journal.note(f"{told} was not prepared: the total budget is too near")
            continue
        try:
            names = await prepared_names(rig.engine, rig.plan, preparation)
            with engine_faults(f"preparing {told}"):
                await _make(rig, preparation, names, _stage(rig, journal, preparation))
        except _FAULTS as fault:
            reason = fault.what if isinstance(fault, EnvironmentFault) else str(fault)
            journal.note(f"{told} could not be prepared for later trials: {reason}")
        else:
            journal.note(
                f"{told} was prepared for later trials in "
                f"{rig.clock() - began:.1f} s, after the tests: {', '.join(names.values())}"
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


def _stage(rig: Rig, journal: Journal, preparation: Preparation) -> _Stage:
    if preparation.command is None:
        return lambda images, _log: set_up_alone(rig, preparation, images)
    return lambda images, log: filled(rig, journal, preparation, images, log)


async def _make(
    rig: Rig, preparation: Preparation, names: Mapping[str, str], stage: _Stage
) -> None:
    """Make the images, see that databases come up from them, and only then give them names."""
    images: dict[str, str] = {}
    try:
        bases = {wanted.service: wanted.image for wanted in preparation.databases}
        async with stage(bases, "prepare.log") as containers:
            for service, container in containers.items():
                images[service] = await _keep(rig, service, container)
        # No later trial is to find out that it does not start, or that the command, which a
        # trial's own will meet there again, does not bear to be run twice.
        async with stage(images, "prepare-again.log"):
            pass
        _refuse_changes(rig, preparation)
        for service, image in images.items():
            await rig.engine.tag(image, names[service])
    except BaseException:
        await remove_prepared(rig.engine, images.values())
        raise
    for service, image in images.items():
        older = await find_prepared(rig.engine, f"{PREPARED_LABEL}={_label(rig, service)}")
        await remove_prepared(rig.engine, (one for one in older if one != image))


async def _keep(rig: Rig, service: str, container: str) -> str:
    """Shut a database down and make an image of it."""
    await rig.engine.stop(container, grace_s=_STOP_GRACE_S)
    if code := await rig.engine.wait(container):
        raise EnvironmentFault(
            f"the server ended with exit code {code}",
            where=f"services.{service}",
            next_step="prepared = false",
        )
    labels = (await rig.engine.inspect(container))["Config"]["Labels"]
    # The trial's are emptied, so that its clean-up does not take the image for its own.
    emptied = {
        key: "" for key in labels if key in rig.plan.labels or key.startswith(_COMPOSE_LABELS)
    }
    return await rig.engine.commit(container, {**emptied, PREPARED_LABEL: _label(rig, service)})


def _label(rig: Rig, service: str) -> str:
    return f"{rig.plan.labels[PROJECT_LABEL]}/{service}"


def _refuse_changes(rig: Rig, preparation: Preparation) -> None:
    """The image that the command ran in was built of files as they were at the beginning."""
    if isinstance(preparation.files, str):
        return
    if list_files(rig.project, tuple(preparation.files)) != preparation.files:
        raise NotComparableError("files that decide what the command does changed meanwhile")
