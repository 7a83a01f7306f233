"""Gives a database that lives for one trial the settings that such a database should have.

Its data need not survive a crash, so they are kept in memory and nothing waits for a disk.
"""

import re
from collections.abc import Iterator
from typing import Any

from seatrial.stack.model import Form, read_services
from seatrial.stack.patch import Change
from seatrial.stack.servers import recognise

__all__ = ["throwaway_databases"]

_DATA = "/var/lib/postgresql/data"
"""The official image's, up to release 17; 18 has it elsewhere and refuses to start with this."""
_LAST_MAJOR = 17
_FLAGS = ("fsync=off", "synchronous_commit=off", "full_page_writes=off")
"""What PostgreSQL's manual names under "Non-Durable Settings", as far as it is safe to switch."""


def throwaway_databases(form: Form, test: str) -> Iterator[Change]:
    """Put PostgreSQL's data into memory and switch off what makes them durable.

    Only where the compose file leaves the data's place and the server's start to the image: who
    says more about either has a reason.
    """
    services = read_services(form)
    for name, raw in form["services"].items():
        image = raw.get("image", "")
        server = recognise(image, ())
        if name == test or server is None or server.name != "PostgreSQL" or "build" in raw:
            continue
        command = services[name].command
        if services[name].entrypoint or (command and command[0] != "postgres"):
            continue
        flags = [word for flag in _FLAGS for word in ("-c", flag)]
        raw["command"] = [*(raw.get("command") or ["postgres"]), *flags]
        yield Change(f"services.{name}.command", " ".join(flags), "its data are thrown away")
        if _leaves_data_to_image(raw, image):
            raw["volumes"] = [*_elsewhere(raw), {"type": "tmpfs", "target": _DATA}]
            yield Change(f"services.{name}.volumes[{_DATA}]", "in memory", "it is thrown away")


def _leaves_data_to_image(raw: dict[str, Any], image: str) -> bool:
    if raw.get("user") or raw.get("read_only") or raw.get("tmpfs"):
        return False
    if "PGDATA" in (raw.get("environment") or {}):
        return False
    major = re.match(r"\d+", image.rpartition(":")[2])
    if not major or int(major[0]) > _LAST_MAJOR:
        return False
    mounts = raw.get("volumes") or ()
    return all(
        mount.get("type") == "volume" or not mount.get("target", "").startswith(_DATA)
        for mount in mounts
    )


def _elsewhere(raw: dict[str, Any]) -> list[dict[str, Any]]:
    """The mounts without a volume for the data: volumes are fresh in every trial anyway."""
    return [mount for mount in raw.get("volumes") or () if mount.get("target") != _DATA]
