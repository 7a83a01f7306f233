"""A container that is like another one at its end: the same files, mounts, user and environment."""

from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Sequence
from contextlib import asynccontextmanager

from seatrial.engine.api import SERVICE_LABEL, Engine
from seatrial.engine.archive import Entry, put_entries

__all__ = ["MAX_LAYER_BYTES", "LayerTooLarge", "throwaway"]

MAX_LAYER_BYTES = 4 << 30
"""What an ended container may have written for a copy of it to be made."""
_PROJECT_LABEL = "com.docker.compose.project"


class LayerTooLarge(Exception):
    """The container wrote too much for a copy."""


@asynccontextmanager
async def throwaway(
    engine: Engine,
    container: str,
    *,
    command: Sequence[str],
    files: Callable[[], Awaitable[Sequence[Entry]]],
    unset: Collection[str] = (),
) -> AsyncIterator[str]:
    """Create a container like an ended one that runs `command` without a network; yields its id.

    `files` are asked for when it is there and put at its root, `unset` names variables that it
    does not get. It carries the labels of the original, as does the image that it is made of, and
    both are removed at the end.

    Raises:
        LayerTooLarge: the original wrote over 4 GiB to its own files.
        DockerError: the engine refuses.
    """
    if await engine.written_bytes(container) > MAX_LAYER_BYTES:
        raise LayerTooLarge
    image = await engine.commit(container)
    made = None
    try:
        made = await engine.create_container(
            {
                "Image": image,
                "Entrypoint": list(command),
                "Cmd": [],
                # A name without a value takes the variable away.
                "Env": sorted(unset),
                "Healthcheck": {"Test": ["NONE"]},
                # Compose, and whoever asks for the services' containers, must not take it for one.
                "Labels": {SERVICE_LABEL: "", _PROJECT_LABEL: ""},
                "Tty": False,
                "HostConfig": {
                    "NetworkMode": "none",
                    "VolumesFrom": [container],
                    "SecurityOpt": ["no-new-privileges"],
                },
            }
        )
        await put_entries(engine, made, "/", await files())
        yield made
    finally:
        if made:
            await engine.remove_container(made)
        await engine.remove_image(image)
