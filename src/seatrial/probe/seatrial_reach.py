"""Asks from beside the tests which services can be reached, and how much disk and memory there is.

Run as `python -c SOURCE TARGETS` in a container of the test image, so it needs nothing but
Python 3.8. TARGETS is JSON: a list of {"service": name, "ports": [numbers]}. Prints one JSON
document.
"""

from __future__ import annotations

import json
import os
import socket
import sys
import threading
import time
from typing import Any, Callable

PATIENCE = 2.0
"""Seconds for a name, and again for its ports; all are asked side by side."""


def ask(found: dict[str, Any], service: str, ports: list[int]) -> None:
    """Look a service up and connect to its ports."""
    try:
        infos = socket.getaddrinfo(service, None, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        found["error"] = str(error)
        return
    found["addresses"] = sorted({info[4][0] for info in infos})
    found["error"] = ""
    threads = [
        start(connect, found["ports"][str(port)], found["addresses"][0], port) for port in ports
    ]
    for thread in threads:
        thread.join(PATIENCE)


def connect(found: dict[str, Any], address: str, port: int) -> None:
    """Connect to a port and say what came of it."""
    began = time.monotonic()
    try:
        socket.create_connection((address, port), timeout=PATIENCE).close()
        found["open"], found["error"] = True, ""
    except OSError as error:
        found["error"] = str(error)
    found["seconds"] = time.monotonic() - began


def start(target: Callable[..., None], *arguments: Any) -> threading.Thread:
    """Run a function in a thread that nobody waits for at the end."""
    thread = threading.Thread(target=target, args=arguments, daemon=True)
    thread.start()
    return thread


def memory() -> list[int | None]:
    """Total and available memory of the machine, in bytes."""
    try:
        with open("/proc/meminfo") as file:
            values = dict(line.split(":", 1) for line in file)
        return [int(values[key].split()[0]) * 1024 for key in ("MemTotal", "MemAvailable")]
    except (OSError, KeyError, ValueError):
        return [None, None]


def cpuinfo() -> str:
    """What the kernel tells of the machine's first processor, and perhaps of others."""
    try:
        with open("/proc/cpuinfo", errors="replace") as file:
            return file.read(4096)
    except OSError:
        return ""


def main() -> None:
    """Ask all side by side, and print what is known when the time is up."""
    silent = {"open": False, "seconds": PATIENCE, "error": "no answer"}
    targets = json.loads(sys.argv[1])
    reach = [
        {
            "service": target["service"],
            "addresses": [],
            "error": "no answer",
            "ports": {str(port): dict(silent) for port in target["ports"]},
        }
        for target in targets
    ]
    threads = [
        start(ask, found, target["service"], target["ports"])
        for found, target in zip(reach, targets)  # noqa: B905 - Python 3.8 has no `strict`
    ]
    deadline = time.monotonic() + 2 * PATIENCE
    for thread in threads:
        thread.join(max(0.0, deadline - time.monotonic()))
    disk = os.statvfs("/")
    total, available = memory()
    answer = {
        "reach": reach,
        "disk_free": disk.f_bavail * disk.f_frsize,
        "memory_total": total,
        "memory_available": available,
        "cpuinfo": cpuinfo(),
    }
    sys.stdout.write(json.dumps(answer) + "\n")
    sys.stdout.flush()
    os._exit(0)  # a name that is still being looked up must not keep this alive


main()
