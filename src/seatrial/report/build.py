"""Renders what was built: a line if all came from the cache, and where the time went if not."""

from rich.console import Console
from rich.text import Text

from seatrial.evidence.build import Build
from seatrial.words import duration

__all__ = ["print_build"]

_SLOWEST = 3
_MIN_SECONDS = 0.5
"""Below that a step is not what makes a build slow."""
_MAX_INSTRUCTION = 80


def print_build(out: Console, build: Build) -> None:
    """Print how much came from the cache, and the slowest of the other steps."""
    out.print(
        Text.assemble(
            ("build: ", "dim"),
            f"{build.cached_steps} of {build.total_steps} "
            f"step{'s' * (build.total_steps != 1)} from the cache",
        )
    )
    for step in build.slowest(_SLOWEST):
        if step.seconds is not None and step.seconds >= _MIN_SECONDS:
            instruction = step.instruction
            if len(instruction) > _MAX_INSTRUCTION:
                instruction = instruction[: _MAX_INSTRUCTION - 1] + "…"
            stage = f"{step.stage}: " if step.stage else ""
            line = f"  {duration(step.seconds):>7}  {stage}{instruction}"
            out.print(Text(line, style="dim"))
