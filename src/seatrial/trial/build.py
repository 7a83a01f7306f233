"""Phase `build`: the project's images, built from its Dockerfiles."""

import asyncio
import re

from seatrial.engine.api import Engine
from seatrial.engine.faults import engine_faults
from seatrial.engine.project import build_images
from seatrial.errors import EnvironmentFault
from seatrial.evidence.folder import RunFolder, own_folder
from seatrial.evidence.hostile import plain_text
from seatrial.evidence.record import Image, PhaseName
from seatrial.stack.compose import Compose
from seatrial.stack.plan import Plan
from seatrial.trial.build_context import without_own_folder
from seatrial.trial.rig import Journal

__all__ = ["build", "read_built", "read_image"]

_STALE = re.compile(
    r"404 +Not Found"  # a package list in a cached layer names versions that are gone
    r"|Hash Sum mismatch|Release file .* is (?:expired|not valid yet)"
    r"|parent snapshot .* does not exist|failed to get layer|layer does not exist"
    r"|failed to compute cache key: .*: content digest sha256"
)
"""What a build says that fails on a stale or broken cache, and not on an error of the project's."""
STAND_IN_LABEL = "dev.seatrial.stand-in"


async def build(
    compose: Compose, plan: Plan, folder: RunFolder, journal: Journal, *, limit_s: float
) -> None:
    """Build what the services build, all at once.

    A build that fails on what a stale cache brings about is tried once without the cache. All of
    the output goes to `logs/build.log`.

    Raises:
        EnvironmentFault: a build failed or took longer than `limit_s`.
    """
    with journal.phase(PhaseName.BUILD):
        if not (services := _built(plan)):
            return
        log_path = folder.logs / "build.log"
        with (
            log_path.open("w", encoding="utf-8", buffering=1) as log,
            without_own_folder(plan.form, services, own_folder(plan.project)) as form,
        ):

            def on_line(line: str) -> None:
                log.write(line + "\n")
                journal.observer.output("build", plain_text(line))

            async def run(*, use_cache: bool) -> None:
                await build_images(
                    compose,
                    form,
                    services,
                    cwd=plan.project,
                    on_line=on_line,
                    use_cache=use_cache,
                    told_from=plan.form,
                )

            try:
                async with asyncio.timeout(limit_s):
                    try:
                        await run(use_cache=True)
                    except EnvironmentFault as fault:
                        if not _is_stale(fault):
                            raise
                        journal.note(
                            f"{fault.what}; this looks like a stale cache, so the build was tried "
                            "once more without it"
                        )
                        await run(use_cache=False)
            except TimeoutError as error:
                raise EnvironmentFault(
                    f"the build did not end within {limit_s:g} s",
                    where="logs/build.log in the trial's folder",
                    next_step="see which step takes so long; allow more with timeouts.build",
                ) from error


async def read_built(engine: Engine, plan: Plan) -> dict[str, Image]:
    """The images that were built, by service.

    Raises:
        EnvironmentFault: one is not there.
    """
    services = plan.form["services"]
    return {
        name: await read_image(engine, services[name]["image"], built=True) for name in _built(plan)
    }


def _built(plan: Plan) -> list[str]:
    return [name for name, service in plan.services.items() if service.built]


def _is_stale(fault: EnvironmentFault) -> bool:
    return any(_STALE.search(line) for line in (fault.what, *fault.details))


async def read_image(engine: Engine, name: str, *, built: bool) -> Image:
    """Ask the engine what an image of its local store is.

    Raises:
        EnvironmentFault: it is not there.
    """
    with engine_faults(f"image {name}"):
        inspected = await engine.inspect_image(name)
    digests = inspected.get("RepoDigests") or ()
    labels = (inspected.get("Config") or {}).get("Labels") or {}
    return Image(
        name=name,
        id=inspected["Id"],
        digest=digests[0].partition("@")[2] if digests and not built else None,
        built=built,
        # An image built on a stand-in inherits its labels, but is the project's own.
        stand_in=None if built else labels.get(STAND_IN_LABEL),
    )
