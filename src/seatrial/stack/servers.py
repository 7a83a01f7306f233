"""Servers that Seatrial knows, and how their own clients tell that they are ready.

The clients ask over TCP on purpose. The official images of PostgreSQL, MySQL and MariaDB start a
temporary server for their first-time set-up, which answers on its local socket and goes away
again; a health check that uses the socket is fooled by it, and a quick probe more than a slow one.
MongoDB's listens on the loopback address, so its client asks by the container's own name.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

__all__ = ["KnownServer", "recognise"]


@dataclass(frozen=True)
class KnownServer:
    """A server with a client in its own image."""

    name: str
    images: re.Pattern[str]
    """Matches the last part of an image's name, without the tag."""
    program: str
    """The server's program, as a container's command starts it."""
    port: int
    """Where it listens if nobody says otherwise."""
    client: tuple[str, ...]
    answers: Callable[[int, str], bool]
    """Whether exit code and output of the client mean that the server answers."""
    sets_up: bool = True
    """Whether its image does a first-time set-up, with a temporary server."""


def _mongo_client() -> tuple[str, ...]:
    # By the container's own name: the temporary server listens on 127.0.0.1, over TCP.
    ping = """--quiet --host "$(hostname)" --eval "db.adminCommand('ping').ok\""""
    return ("sh", "-c", f"command -v mongosh >/dev/null && exec mongosh {ping}; exec mongo {ping}")


def _mysql_client() -> tuple[str, ...]:
    ping = "ping --host=127.0.0.1 --protocol=tcp --connect-timeout=2"
    return (
        "sh",
        "-c",
        f"command -v mariadb-admin >/dev/null && exec mariadb-admin {ping}; exec mysqladmin {ping}",
    )


_SERVERS = (
    KnownServer(
        name="PostgreSQL",
        images=re.compile(r"^(postgres|postgresql|postgis|pgvector|timescaledb.*|pgrouting)$"),
        program="postgres",
        port=5432,
        client=("pg_isready", "--host=127.0.0.1", "--quiet"),
        answers=lambda code, _: code == 0,
    ),
    KnownServer(
        name="MySQL",
        images=re.compile(r"^(mysql|mysql-server|mariadb|percona.*)$"),
        program="mysqld",
        port=3306,
        client=_mysql_client(),
        # An "access denied" is an answer too, and mysqladmin ends with 0 for it.
        answers=lambda code, _: code == 0,
    ),
    KnownServer(
        name="Redis",
        images=re.compile(r"^(redis|valkey|redis-stack.*|keydb)$"),
        program="redis-server",
        port=6379,
        client=("redis-cli", "ping"),
        # redis-cli ends with 0 while the server is still loading, so its words decide.
        answers=lambda _, output: "PONG" in output or "NOAUTH" in output,
        sets_up=False,
    ),
    KnownServer(
        name="MongoDB",
        images=re.compile(r"^(mongo|mongodb|mongodb-community-server)$"),
        program="mongod",
        port=27017,
        client=_mongo_client(),
        answers=lambda code, output: code == 0 and output.strip().endswith("1"),
    ),
)


def recognise(image: str, command: Sequence[str]) -> KnownServer | None:
    """The known server behind an image name, or behind the program that a container starts."""
    name = image.split("@", 1)[0].rsplit("/", 1)[-1].split(":", 1)[0]
    program = command[0].rsplit("/", 1)[-1] if command else ""
    for server in _SERVERS:
        if server.images.match(name) or program == server.program:
            return server
    return None
