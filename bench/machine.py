"""Describes the machine and the engine that something was measured on, in one line."""

import os
import platform
import subprocess

__all__ = ["describe_machine"]


def describe_machine() -> str:
    """Cores, memory, system, Python, and the programs that run the containers."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    try:
        system = platform.freedesktop_os_release()["PRETTY_NAME"]
    except OSError:
        system = platform.system()
    parts = [
        f"{os.cpu_count()} cores",
        f"{memory:.0f} GiB",
        system,
        f"{platform.system()} {'.'.join(platform.release().split('.')[:2])}",
        f"Python {platform.python_version()}",
        _said("engine", "docker", "version", "--format", "{{.Server.Version}}"),
        _said("Compose", "docker", "compose", "version", "--short"),
    ]
    return ", ".join(part for part in parts if part)


def _said(what: str, *command: str) -> str:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return f"{what} {done.stdout.strip()}" if done.returncode == 0 else ""
