"""Brings together what is known of a trial's build: the builder's log, the files, the images."""

import asyncio
import hashlib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from seatrial.engine.api import Engine
from seatrial.engine.faults import engine_faults
from seatrial.errors import EnvironmentFault
from seatrial.evidence.build import BaseImage, Build, BuildStep, BuiltImage
from seatrial.evidence.buildlog import read_build_log
from seatrial.stack.dockerfile import dockerfile_path
from seatrial.trial.build import STAND_IN_LABEL
from seatrial.trial.rig import Journal, Rig

__all__ = ["examine_build", "read_base"]

_REGISTRY_OF_SHORT_NAMES = ("docker.io/library/", "docker.io/")
_MAX_DOCKERFILE_BYTES = 1 << 22


async def examine_build(rig: Rig, journal: Journal) -> Build | None:
    """What was built, or was being built when it failed; None if nothing was to be built."""
    services = [name for name, service in rig.plan.services.items() if service.built]
    if not services:
        return None
    build = await asyncio.to_thread(read_build_log, rig.folder.logs / "build.log", services)
    if build is None:
        return None
    try:
        images = [image for name in services if (image := await _image(rig, journal, build, name))]
    except EnvironmentFault as fault:
        journal.note(f"the built images could not be examined: {fault.what}")
        return build
    return build.model_copy(update={"images": _by_id(images)})


def _by_id(images: Iterable[BuiltImage]) -> tuple[BuiltImage, ...]:
    """One entry for each name and id, as services may share an image."""
    merged: dict[tuple[str, str], BuiltImage] = {}
    for image in images:
        key = (image.name, image.id)
        if key in merged:
            services = (*merged[key].services, *image.services)
            merged[key] = merged[key].model_copy(update={"services": services})
        else:
            merged[key] = image
    return tuple(merged.values())


async def _image(rig: Rig, journal: Journal, build: Build, service: str) -> BuiltImage | None:
    image = journal.services[service].image
    if image is None or not image.built:
        return None
    with engine_faults(f"image {image.name}"):
        inspected = await rig.engine.inspect_image(image.id)
    raw = rig.plan.form["services"][service].get("build") or {}
    siblings = {
        name
        for name, other in rig.plan.form["services"].items()
        if _dockerfile(other.get("build") or {}) == _dockerfile(raw)
    } | {service}
    steps = [step for step in build.steps if siblings & set(step.services)]
    path, sha256 = await asyncio.to_thread(_fingerprint, rig.project, raw)
    return BuiltImage(
        services=(service,),
        name=image.name,
        id=image.id,
        size_bytes=inspected.get("Size") or 0,
        target=raw.get("target"),
        dockerfile=path,
        dockerfile_sha256=sha256,
        stages=tuple(dict.fromkeys(step.stage for step in steps if step.stage)),
        base_images=await _bases(rig, steps),
    )


async def _bases(rig: Rig, steps: Iterable[BuildStep]) -> tuple[BaseImage, ...]:
    named = dict.fromkeys(step.instruction.split()[1] for step in steps if step.is_base)
    return tuple([await read_base(rig.engine, name) for name in named])


async def read_base(engine: Engine, resolved: str) -> BaseImage:
    """What is known of a base image; `resolved` is its name as the builder's log has it.

    The digest is the builder's, or else that of the engine's image of this name, if it has one.
    """
    name, _, digest = resolved.partition("@")
    for prefix in _REGISTRY_OF_SHORT_NAMES:
        name = name.removeprefix(prefix)
    try:
        with engine_faults(f"image {name}"):
            inspected = await engine.inspect_image(name)
    except EnvironmentFault:
        # A builder of its own (buildx with another driver) keeps base images to itself.
        return BaseImage(name=name, digest=digest or None)
    digests = [entry.partition("@")[2] for entry in inspected.get("RepoDigests") or ()]
    if digest and digest not in digests:
        return BaseImage(name=name, digest=digest)  # the local one of that name is another
    return BaseImage(
        name=name,
        digest=digest or next(iter(digests), None),
        id=inspected["Id"],
        stand_in=((inspected.get("Config") or {}).get("Labels") or {}).get(STAND_IN_LABEL),
    )


def _dockerfile(raw: Mapping[str, Any]) -> tuple[Any, ...]:
    return raw.get("context"), raw.get("dockerfile") or "Dockerfile", raw.get("dockerfile_inline")


def _fingerprint(project: Path, raw: Mapping[str, Any]) -> tuple[str | None, str | None]:
    """The Dockerfile's path and SHA-256, as far as there is one on this machine."""
    path = dockerfile_path(raw)
    if path is None:
        return None, hashlib.sha256(str(raw["dockerfile_inline"]).encode()).hexdigest()
    try:
        with path.open("rb") as file:
            sha256 = hashlib.sha256(file.read(_MAX_DOCKERFILE_BYTES)).hexdigest()
    except OSError:
        return None, None
    inside = path.is_relative_to(project)
    return str(path.relative_to(project) if inside else path), sha256
