"""Finds the Compose program and runs it."""

import json
import os
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from seatrial.errors import EnvironmentFault
from seatrial.stack.process import Completed, run_process

__all__ = ["Compose", "find_compose"]

_CANDIDATES = (("docker", "compose"), ("docker-compose",))
_PLUGIN = "docker-compose"
_PLUGIN_FOLDERS = (
    "/usr/local/lib/docker/cli-plugins",
    "/usr/local/libexec/docker/cli-plugins",
    "/usr/lib/docker/cli-plugins",
    "/usr/libexec/docker/cli-plugins",
)
"""Where the Docker client looks for its plug-ins last, in its order."""

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


async def find_compose(
    environ: Mapping[str, str], cwd: Path, *, plugin_folders: Sequence[str] = _PLUGIN_FOLDERS
) -> Compose:
    """Return the first Compose v2 that answers; `plugin_folders` are the system's own.

    The plug-in that `docker compose` would run is run without the client, which asks it what it
    is each time before it runs it: that is half of what a call costs.

    Raises:
        EnvironmentFault: there is none, or only the one that was written in Python (v1).
    """
    seen = ""
    for program in (*_plugins(environ, plugin_folders), *_CANDIDATES):
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


def _plugins(environ: Mapping[str, str], folders: Sequence[str]) -> Iterator[tuple[str, ...]]:
    """The plug-in that the Docker client on the PATH runs, unless something stands in for that."""
    client = shutil.which("docker", path=environ.get("PATH", ""))
    if client is None or _is_script(client):
        return  # a script may do more than run the client
    own = Path(environ.get("DOCKER_CONFIG") or f"{environ.get('HOME', '')}/.docker")
    for folder in (*_extra_folders(own / "config.json"), str(own / "cli-plugins"), *folders):
        path = Path(folder) / _PLUGIN
        if path.is_file() and os.access(path, os.X_OK):
            yield (str(path),)
            return


def _is_script(program: str) -> bool:
    try:
        with Path(program).open("rb") as file:
            return file.read(2) == b"#!"
    except OSError:
        return True


def _extra_folders(config: Path) -> list[str]:
    try:
        found = json.loads(config.read_bytes()).get("cliPluginsExtraDirs") or []
        return [str(folder) for folder in found]
    except (OSError, ValueError, AttributeError, TypeError):
        return []
