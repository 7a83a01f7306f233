"""The plain Compose flow, as a project's README describes it: build, up, run, down."""

import subprocess
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

__all__ = ["PlainRun", "compose_command", "plain_flow"]


@dataclass(frozen=True)
class PlainRun:
    """Wall-clock seconds of each step."""

    build: float
    start: float
    """`up --wait` of the services that the tests need."""
    test: float
    clean: float

    @property
    def total(self) -> float:
        """The whole flow."""
        return self.build + self.start + self.test + self.clean


def plain_flow(
    project: Path, compose_file: str, *, name: str, services: Sequence[str], test: str
) -> PlainRun:
    """Run the flow once, under a compose project of its own, and clean up whatever happens.

    `services` are those that stay up; services that only run once are started by `run`.

    Raises:
        CalledProcessError: a step failed, so there is nothing to compare with.
    """
    compose = compose_command(name, compose_file)

    def timed(*arguments: str) -> float:
        began = time.perf_counter()
        subprocess.run([*compose, *arguments], cwd=project, check=True, capture_output=True)
        return time.perf_counter() - began

    try:
        build = timed("build")
        start = timed("up", "--wait", "--detach", *services)
        tested = timed("run", "--rm", "-T", test)
    except BaseException:
        subprocess.run([*compose, "down", "-v"], cwd=project, check=False, capture_output=True)
        raise
    return PlainRun(build, start, tested, timed("down", "-v"))


def compose_command(name: str, compose_file: str) -> list[str]:
    """Compose on a file, under a project's name of its own."""
    return ["docker", "compose", "--project-name", name, "--file", compose_file]
