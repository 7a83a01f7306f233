"""What was built in a trial, of what, and how much of it came from the cache."""

from collections.abc import Iterable
from typing import Annotated, Literal

from pydantic import Field, NonNegativeFloat, NonNegativeInt

from seatrial.evidence.model import Model

__all__ = ["BaseImage", "Build", "BuildState", "BuildStep", "BuiltImage", "sum_up"]

BuildState = Literal["cold", "warm", "mixed"]
"""`cold`: no step came from the cache; `warm`: all did; `mixed`: some did."""


class BuildStep(Model):
    """One step as the builder ran it; a step that several images share is one step."""

    services: tuple[str, ...]
    """Services under whose name the builder showed it; of a shared step it may show only one."""
    stage: str
    """As the Dockerfile names it; empty if it has no name."""
    instruction: str
    """At most 200 characters of it, with variables filled in."""
    cached: bool
    """True: nothing was run or fetched for it."""
    seconds: NonNegativeFloat | None
    """As the builder tells, to a tenth; None: it was not finished. 0 for a cached step."""
    failed: bool = False

    @property
    def is_base(self) -> bool:
        """Whether it only brings in an image that was built elsewhere."""
        return self.instruction.upper().startswith("FROM ")


class BaseImage(Model):
    """An image that the build started from or copied from."""

    name: str
    digest: str | None = None
    """As the builder resolved it or a registry knows it; None: the image is only here."""
    id: str | None = None
    """In the engine's store; None: the builder keeps it elsewhere."""
    stand_in: str | None = None
    """What the image really is, if it only stands in for the one of that name."""


class BuiltImage(Model):
    """An image that the trial built."""

    services: tuple[str, ...]
    name: str
    id: str
    size_bytes: NonNegativeInt
    target: str | None = None
    """The stage that was asked for; None: the last one."""
    dockerfile: str | None = None
    """Relative to the project if it is in it; None: it is written in the compose file, or the
    context is not on this machine."""
    dockerfile_sha256: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")] | None = None
    stages: tuple[str, ...] = ()
    """Named stages that the builder worked on for this Dockerfile; images built from one
    Dockerfile side by side share this list."""
    base_images: tuple[BaseImage, ...] = ()
    """For this Dockerfile, as the stages are."""


class Build(Model):
    """One run of the builder; steps that only bring in a base image are not counted."""

    steps: tuple[BuildStep, ...]
    cached_steps: NonNegativeInt
    total_steps: NonNegativeInt
    context_bytes: NonNegativeInt | None
    """Sent to the builder in this run; it asks only for what changed since it saw the context
    last. None: no context was asked for."""
    state: BuildState
    images: tuple[BuiltImage, ...] = ()
    """Empty if the build failed."""

    def slowest(self, count: int) -> tuple[BuildStep, ...]:
        """The steps that took the most time, base images included."""
        timed = [step for step in self.steps if step.seconds and not step.cached]
        return tuple(sorted(timed, key=lambda step: -(step.seconds or 0)))[:count]


def sum_up(steps: Iterable[BuildStep], context_bytes: int | None) -> Build:
    """Count the steps, and tell from them whether the build was cold."""
    listed = tuple(steps)
    counted = [step for step in listed if not step.is_base]
    cached = sum(step.cached for step in counted)
    state: BuildState = "mixed"
    if cached == len(counted):
        state = "warm"
    elif cached == 0:
        state = "cold"
    return Build(
        steps=listed,
        cached_steps=cached,
        total_steps=len(counted),
        context_bytes=context_bytes,
        state=state,
    )
