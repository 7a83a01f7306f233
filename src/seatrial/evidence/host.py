"""The fingerprint of the machine and the engine that a trial ran on."""

import platform
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from seatrial import __version__
from seatrial.evidence.hostile import plain_text
from seatrial.evidence.record import Host

__all__ = ["cpu_model", "own_cpuinfo", "read_host"]

MAX_CPUINFO = 4096
"""Characters: the first core says it all, and a container may have made it up."""
_MAX_MODEL = 200
_MODEL_KEYS = ("model name", "Model", "Hardware", "cpu model", "cpu", "uarch")
"""x86; boards with ARM; older ARM; MIPS; POWER; RISC-V."""
_ARM_KEYS = ("CPU implementer", "CPU variant", "CPU part")
"""Servers with ARM tell numbers only; these three name a core as lscpu's table has it."""


def read_host(
    info: Mapping[str, Any],
    version: Mapping[str, Any],
    compose_version: str,
    *,
    own: str = "",
    told: str = "",
) -> Host:
    """Read it from what the engine tells of itself: with a remote engine that is the machine
    that matters.

    An engine tells nothing of the processor. `own` is this machine's /proc/cpuinfo if the engine
    runs on it, `told` what a container printed of it.
    """
    components = {str(part.get("Name")) for part in version.get("Components") or ()}
    name = "Podman" if "Podman Engine" in components else "Docker Engine"
    mine, theirs = cpu_model(own), cpu_model(told)
    return Host(
        engine=f"{name} {version.get('Version', 'unknown')}",
        compose=compose_version,
        kernel=info.get("KernelVersion", "unknown"),
        architecture=info.get("Architecture", "unknown"),
        cpu=mine or theirs,
        cpu_from="this machine" if mine else "a container" if theirs else "nobody",
        cores=info.get("NCPU", 0),
        memory_bytes=info.get("MemTotal", 0),
        storage_driver=info.get("Driver", "unknown"),
        seatrial=__version__,
        python=platform.python_version(),
    )


def own_cpuinfo(
    info: Mapping[str, Any],
    *,
    engine_is_local: bool,
    kernel: str | None = None,
    path: Path = Path("/proc/cpuinfo"),
) -> str:
    """This machine's /proc/cpuinfo; empty if the engine runs elsewhere, be it in a machine of its
    own behind a local socket: then the kernel is another one.
    """
    if not engine_is_local or info.get("KernelVersion") != (kernel or platform.release()):
        return ""
    try:
        with path.open(encoding="utf-8", errors="replace") as file:
            return file.read(MAX_CPUINFO)
    except OSError:
        return ""


def cpu_model(cpuinfo: str) -> str:
    """The processor's model as the text of /proc/cpuinfo has it; empty if it says nothing."""
    values: dict[str, str] = {}
    for line in plain_text(cpuinfo[:MAX_CPUINFO]).splitlines():
        key, _, value = line.partition(":")
        values.setdefault(key.strip(), " ".join(value.split())[:_MAX_MODEL])
    for key in _MODEL_KEYS:
        if values.get(key):
            return values[key]
    numbers = [f"{key[4:]} {values[key]}" for key in _ARM_KEYS if values.get(key)]
    return f"ARM, {', '.join(numbers)}" if numbers else ""
