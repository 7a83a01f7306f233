"""The fingerprint of the machine and the engine that a trial ran on."""

import platform
from collections.abc import Mapping
from typing import Any

from seatrial import __version__
from seatrial.evidence.record import Host

__all__ = ["read_host"]


def read_host(info: Mapping[str, Any], version: Mapping[str, Any], compose_version: str) -> Host:
    """Read it from what the engine tells of itself: with a remote engine that is the machine
    that matters.
    """
    components = {str(part.get("Name")) for part in version.get("Components") or ()}
    name = "Podman" if "Podman Engine" in components else "Docker Engine"
    return Host(
        engine=f"{name} {version.get('Version', 'unknown')}",
        compose=compose_version,
        kernel=info.get("KernelVersion", "unknown"),
        architecture=info.get("Architecture", "unknown"),
        cores=info.get("NCPU", 0),
        memory_bytes=info.get("MemTotal", 0),
        storage_driver=info.get("Driver", "unknown"),
        seatrial=__version__,
        python=platform.python_version(),
    )
