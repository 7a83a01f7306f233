"""Turns what an engine or its connection answers into errors a user understands."""

from collections.abc import Iterator
from contextlib import contextmanager

from seatrial.errors import EnvironmentFault

__all__ = ["engine_faults"]

_REMEDIES = (
    ("executable file not found", "check the service's command and that the image has the program"),
    ("exec format error", "the image was built for another architecture; rebuild it here"),
    ("no space left", "make room: docker system df shows what the engine holds"),
    (
        'process: exec: "',
        "check that the command's file is in the image, executable, with a valid #! line",
    ),
    ("permission denied", "run as root, or add your user to the engine's group (docker)"),
    ("cannot connect", "start the engine (systemctl start docker), then run seatrial doctor"),
    ("no such file or directory", "check the paths in the service's mounts and command"),
    ("address already in use", "end what uses the port"),
    ("overlay", "use copies instead: --source copy (setting: source)"),
    ("pool overlaps", "another network uses the same subnet: remove it, or the fixed subnet"),
)


@contextmanager
def engine_faults(where: str, *, next_step: str = "") -> Iterator[None]:
    """Raise EnvironmentFault, naming `where`, for whatever the engine refuses inside."""
    from aiodocker.exceptions import DockerError  # noqa: PLC0415 - imported late, as the client is
    from aiohttp import ClientError, ClientPayloadError, ServerDisconnectedError  # noqa: PLC0415

    try:
        yield
    except (ClientPayloadError, ServerDisconnectedError, ConnectionError) as error:
        message = " ".join(str(error).split()) or type(error).__name__
        raise EnvironmentFault(
            f"the connection to the engine was lost: {message}",
            where=where,
            next_step="check that the engine runs (systemctl status docker), then try again",
        ) from error
    except (DockerError, ClientError, OSError) as error:
        message = getattr(error, "message", "") or str(error) or type(error).__name__
        raise EnvironmentFault(
            f"the engine refused: {' '.join(message.split())}",
            where=where,
            next_step=_remedy(message) or next_step or "run seatrial doctor",
        ) from error


def _remedy(message: str) -> str:
    for sign, remedy in _REMEDIES:
        if sign in message.lower():
            return remedy
    return ""
