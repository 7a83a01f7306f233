"""Finds the Compose program and runs it."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from seatrial.errors import EnvironmentFault
from seatrial.stack.process import Completed, run_process

__all__ = ["Compose", "find_compose"]

_CANDIDATES = (("docker", "compose"), ("docker-compose",))

_INSTALL = (
    "install the Compose plug-in (Debian 13: docker-compose; Docker's own packages: "
    "docker-compose-plugin), or run scripts/setup-engine of Seatrial's source on Debian as root"
)


@dataclass(frozen=True)
class Compose:
    """A Compose program that answers."""

    program: tuple[str, ...]
    version: str
    environ: Mapping[str, str]
    """The environment it runs in: the user's own, so that variables in compose files resolve."""
    on_start: Callable[[int], None] | None = None
    """Told the id of every process that is started, for whoever must end it if we cannot."""

    async def run(
        self,
        arguments: Sequence[str],
        *,
        cwd: Path,
        stdin: bytes = b"",
        on_line: Callable[[str], None] | None = None,
    ) -> Completed:
        """Run Compose with `arguments` in `cwd`; its exit code is the caller's to judge."""
        return await run_process(
            [*self.program, *arguments],
            cwd=cwd,
            environ=self.environ,
            stdin=stdin,
            on_line=on_line,
            on_start=self.on_start,
        )


async def find_compose(environ: Mapping[str, str], cwd: Path) -> Compose:
    """Return the first Compose v2 that answers.

    Raises:
        EnvironmentFault: there is none, or only the one that was written in Python (v1).
    """
    seen = ""
    for program in _CANDIDATES:
        try:
            done = await run_process([*program, "version", "--short"], cwd=cwd, environ=environ)
        except OSError:  # there is none, or it is none that this machine or user can run
            continue
        version = done.stdout.strip().removeprefix("v")
        if done.code == 0 and version and not version.startswith("1."):
            return Compose(program, version, environ)
        seen = seen or version
    raise EnvironmentFault(
        f"Docker Compose {seen} is too old" if seen else "Docker Compose is missing",
        where="docker compose",
        next_step=_INSTALL,
    )
