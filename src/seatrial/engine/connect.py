"""Finds the engine and opens a connection to it."""

import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from seatrial.engine.api import Engine
from seatrial.engine.faults import engine_faults
from seatrial.errors import EnvironmentFault

if TYPE_CHECKING:
    from aiodocker import Docker

__all__ = ["Endpoint", "find_endpoint", "import_client", "open_engine"]

_DOCKER_SOCKETS = ("/run/docker.sock", "/var/run/docker.sock")
_PODMAN_SOCKET = "/run/podman/podman.sock"

_NEXT = (
    "start it (systemctl start docker), or point DOCKER_HOST at one that runs; on Debian as root "
    "scripts/setup-engine of Seatrial's source installs and starts one"
)


@dataclass(frozen=True)
class Endpoint:
    """Where an engine listens."""

    url: str | None
    """None: what aiodocker finds by itself, in the order the Docker client uses."""
    source: str
    """What named it: `DOCKER_HOST`, `context NAME` or the path of the socket."""
    local: bool
    """True for a socket on this machine: the engine then sees this machine's files."""

    def environ(self, environ: Mapping[str, str]) -> dict[str, str]:
        """The environment in which Docker's own programs talk to the same engine."""
        return {**environ, **({"DOCKER_HOST": self.url} if self.url else {})}


def find_endpoint(environ: Mapping[str, str], home: Path, root: Path = Path("/")) -> Endpoint:
    """Find an engine as the Docker client would, and after that Podman's sockets.

    `root` is where the paths of sockets begin.

    Raises:
        EnvironmentFault: nothing names an engine and there is no socket.
    """
    if host := environ.get("DOCKER_HOST"):
        return Endpoint(host, "DOCKER_HOST", local=host.startswith("unix://"))
    context = environ.get("DOCKER_CONTEXT") or _current_context(home)
    if context and context != "default":
        return Endpoint(None, f"context {context}", local=False)
    podman = [_PODMAN_SOCKET]
    if runtime := environ.get("XDG_RUNTIME_DIR"):
        podman.insert(0, f"{runtime}/podman/podman.sock")
    own = str(home / ".docker/run/docker.sock")
    for path in (*_DOCKER_SOCKETS, own, *podman):
        if (root / path.lstrip("/")).is_socket():
            # Named, so that the Docker programs we run use the very same one.
            url = None if path in _DOCKER_SOCKETS else f"unix://{path}"
            return Endpoint(url, path, local=True)
    raise EnvironmentFault(
        "no container engine found", where="DOCKER_HOST, contexts, sockets", next_step=_NEXT
    )


@asynccontextmanager
async def open_engine(endpoint: Endpoint) -> AsyncIterator[Engine]:
    """Connect, and check that the engine answers.

    Raises:
        EnvironmentFault: it does not answer, or not to this user.
    """
    docker = _client(endpoint)
    try:
        engine = Engine(docker)
        with engine_faults(f"the engine at {endpoint.source}", next_step=_NEXT):
            await engine.info()
        yield engine
    finally:
        await docker.close()


def import_client() -> None:
    """Import the engine's client: 0.2 s, in which other things can be done."""
    import aiodocker  # noqa: F401, PLC0415


def _client(endpoint: Endpoint) -> "Docker":
    from aiodocker import Docker  # noqa: PLC0415 - takes 0.2 s, which --help must not pay
    from aiodocker.exceptions import DockerContextError  # noqa: PLC0415

    try:
        return Docker(url=endpoint.url)
    except (DockerContextError, ValueError, OSError) as error:
        raise EnvironmentFault(
            f"the engine's address cannot be used: {error}",
            where=endpoint.source,
            next_step="check DOCKER_HOST and `docker context ls`",
        ) from error


def _current_context(home: Path) -> str | None:
    try:
        config = json.loads((home / ".docker/config.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    context = config.get("currentContext") if isinstance(config, dict) else None
    return context if isinstance(context, str) else None
