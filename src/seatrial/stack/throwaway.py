"""Gives a database that lives for one trial the settings that such a database should have.

Its data need not survive a crash, so they are kept in memory and nothing waits for a disk.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from seatrial.settings import Database
from seatrial.stack.model import Form, read_services
from seatrial.stack.patch import Change
from seatrial.stack.servers import recognise

__all__ = ["throwaway_databases"]


@dataclass(frozen=True)
class _Server:
    """What a database gets, and by what its compose service says that it wants something else."""

    programs: tuple[str, ...]
    """The official images' entry points take options, or one of these and options."""
    options: tuple[tuple[str, ...], ...]
    """Words for the end of the command, by option; one that the command names already is left
    out, since who names it has a reason."""
    folder: str | None
    """Where the official image keeps the data; None: nothing is written without `options`."""
    place: str | None = None
    """The variable that puts the data elsewhere."""


_POSTGRES_DATA = "/var/lib/postgresql/data"
_POSTGRES_DATA_SINCE_18 = "/var/lib/postgresql"
"""From release 18 the volume is here, and the data in a folder below that has the release's name;
a mount at the old place makes the server refuse to start."""

_SERVERS: Mapping[str, _Server] = {
    # What PostgreSQL's manual names under "Non-Durable Settings", as far as it is safe to switch.
    "PostgreSQL": _Server(
        programs=("postgres",),
        options=(
            ("-c", "fsync=off"),
            ("-c", "synchronous_commit=off"),
            ("-c", "full_page_writes=off"),
        ),
        folder=_POSTGRES_DATA,
        place="PGDATA",
    ),
    # Redo log and binary log are written and not synced, pages are written once. The binary log
    # stays: without it the server accepts functions that it refuses with it. How files are opened
    # stays too, as servers adapt that to a file system in memory by themselves.
    "MySQL": _Server(
        programs=("mysqld", "mariadbd"),
        options=(
            ("--innodb-flush-log-at-trx-commit=0",),
            ("--sync-binlog=0",),
            ("--innodb-doublewrite=OFF",),
        ),
        folder="/var/lib/mysql",
    ),
    # Neither snapshots nor a log of commands.
    "Redis": _Server(
        programs=("redis-server", "valkey-server", "keydb-server"),
        options=(("--save", ""), ("--appendonly", "no")),
        folder=None,
    ),
    # The journal stays, in memory like the data: since 6.1 there is no way to do without.
    "MongoDB": _Server(programs=("mongod",), options=(), folder="/data/db"),
}
_OWN_CONFIGURATION = re.compile(r"\.(?:conf|cnf)$|^(?:--config|--defaults-|-f$)|--dbpath|datadir")
"""A command with such a word has its settings in a file, or its data in a place of its own."""


def throwaway_databases(
    form: Form, test: str, declared: Mapping[str, Database] | None = None
) -> Iterator[Change]:
    """Put databases' data into memory and switch off what makes them durable.

    A database is known by its image's name, or because `declared` names its service. Only where
    the compose file leaves the data's place and the server's start to the image: who says more
    about either has a reason.
    """
    services = read_services(form)
    for name, raw in form["services"].items():
        image = raw.get("image", "")
        known = recognise(image, ()) if "build" not in raw else None
        kind = (declared or {}).get(name) or (known.name if known else "")
        database = _SERVERS.get(kind)
        command = services[name].command
        if name == test or database is None or services[name].entrypoint:
            continue
        if command and not (command[0] in database.programs or command[0].startswith("-")):
            continue
        if any(_OWN_CONFIGURATION.search(word) for word in command):
            continue
        options = [words for words in database.options if not _is_named(words, command)]
        if options:
            program = database.programs[:1] if kind == "PostgreSQL" else ()
            added = [word for words in options for word in words]
            raw["command"] = [*(raw.get("command") or program), *added]
            told = " ".join(word or '""' for word in added)
            yield Change(f"services.{name}.command", told, "its data are thrown away")
        folder = _folder(kind, database, image)
        if folder and _leaves_data_to_image(raw, folder, database.place):
            raw["volumes"] = [*_elsewhere(raw, folder), {"type": "tmpfs", "target": folder}]
            yield Change(f"services.{name}.volumes[{folder}]", "in memory", "it is thrown away")


def _is_named(words: tuple[str, ...], command: tuple[str, ...]) -> bool:
    """Whether the command sets the option itself; names may be written with - or _."""
    option = words[-1] if words[0] == "-c" else words[0]
    key = option.partition("=")[0].lstrip("-").replace("_", "-")
    return any(
        word.partition("=")[0].lstrip("-").removeprefix("skip-").replace("_", "-") == key
        for word in command
    )


def _folder(kind: str, server: _Server, image: str) -> str | None:
    if kind != "PostgreSQL":
        return server.folder
    major = re.match(r"\d+", image.rpartition(":")[2])
    if major is None:
        return None  # a folder in the wrong place would keep the server from starting
    return _POSTGRES_DATA if int(major[0]) < 18 else _POSTGRES_DATA_SINCE_18


def _leaves_data_to_image(raw: dict[str, Any], folder: str, place: str | None) -> bool:
    if raw.get("user") or raw.get("read_only") or raw.get("tmpfs"):
        return False
    if place and place in (raw.get("environment") or {}):
        return False
    # A volume for the data is fresh in every trial; what else is mounted there has a reason.
    return all(
        mount.get("type") == "volume" and mount["target"].rstrip("/") == folder
        for mount in raw.get("volumes") or ()
        if mount.get("target", "").startswith(folder)
    )


def _elsewhere(raw: dict[str, Any], folder: str) -> list[dict[str, Any]]:
    """The mounts without a volume for the data."""
    return [m for m in raw.get("volumes") or () if m.get("target", "").rstrip("/") != folder]
