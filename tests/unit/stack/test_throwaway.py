from typing import Any

import pytest

from seatrial.stack.throwaway import throwaway_databases

DATA = "/var/lib/postgresql/data"
FLAGS = ["-c", "fsync=off", "-c", "synchronous_commit=off", "-c", "full_page_writes=off"]


def patched(**service: Any) -> dict[str, Any]:
    form = {"services": {"db": {"image": "postgres:16", **service}, "test": {"image": "app"}}}
    list(throwaway_databases(form, "test"))
    return form["services"]["db"]


def in_memory(service: dict[str, Any]) -> bool:
    return {"type": "tmpfs", "target": DATA} in service.get("volumes", [])


def test_a_postgres_keeps_its_data_in_memory_and_writes_nothing_durably() -> None:
    db = patched()
    assert db["command"] == ["postgres", *FLAGS]
    assert in_memory(db)


def test_the_projects_own_server_options_stay() -> None:
    db = patched(command=["postgres", "-c", "max_connections=7"])
    assert db["command"] == ["postgres", "-c", "max_connections=7", *FLAGS]


def test_a_volume_for_the_data_makes_room_and_other_mounts_stay() -> None:
    other = {"type": "volume", "source": "extra", "target": "/extra"}
    db = patched(volumes=[{"type": "volume", "source": "pg", "target": DATA}, other])
    assert db["volumes"] == [other, {"type": "tmpfs", "target": DATA}]


@pytest.mark.parametrize(
    "service",
    [
        {"environment": {"PGDATA": "/data"}},
        {"user": "999"},
        {"read_only": True},
        {"tmpfs": [DATA]},
        {"image": "postgres"},
        {"image": "postgres:18", "volumes": [{"type": "volume", "target": f"{DATA}"}]},
        {"volumes": [{"type": "bind", "source": "/host", "target": f"{DATA}/sub"}]},
    ],
)
def test_data_stay_where_the_compose_file_or_the_release_puts_them(service: dict[str, Any]) -> None:
    db = patched(**service)
    assert not in_memory(db)
    assert db["command"][-6:] == FLAGS


def test_a_release_from_18_on_has_its_data_in_memory_at_its_new_place() -> None:
    db = patched(image="postgres:18.1", volumes=[])
    assert db["volumes"] == [{"type": "tmpfs", "target": "/var/lib/postgresql"}]


@pytest.mark.parametrize(
    "service",
    [
        {"command": ["sh", "-c", "exec postgres"]},
        {"entrypoint": ["/start.sh"]},
        {"image": "shop"},
        {"build": {"context": "."}},
    ],
)
def test_a_server_that_is_started_in_another_way_is_left_alone(service: dict[str, Any]) -> None:
    assert patched(**service) == {"image": "postgres:16", **service}


def test_every_change_is_told() -> None:
    form = {"services": {"db": {"image": "postgres:16"}}}
    places = [change.where for change in throwaway_databases(form, "test")]
    assert places == ["services.db.command", f"services.db.volumes[{DATA}]"]


@pytest.mark.parametrize("image", ["mysql:8", "mariadb:11", "percona-server"])
def test_a_mysql_syncs_neither_log_and_keeps_its_data_in_memory(image: str) -> None:
    db = patched(image=image)
    options = ["--innodb-flush-log-at-trx-commit=0", "--sync-binlog=0", "--innodb-doublewrite=OFF"]
    assert db["command"] == options
    assert db["volumes"] == [{"type": "tmpfs", "target": "/var/lib/mysql"}]


def test_a_redis_takes_no_snapshots_and_has_no_volume_for_them() -> None:
    assert patched(image="redis:7") == {
        "image": "redis:7",
        "command": ["--save", "", "--appendonly", "no"],
    }


def test_a_mongodb_keeps_its_data_in_memory() -> None:
    assert patched(image="mongo:7") == {
        "image": "mongo:7",
        "volumes": [{"type": "tmpfs", "target": "/data/db"}],
    }


@pytest.mark.parametrize(
    ("image", "command", "added"),
    [
        ("redis:7", ["redis-server", "--save", "60", "1"], ["--appendonly", "no"]),
        ("redis:7", ["redis-server", "--save", "", "--appendonly", "no"], []),
        ("mysql:8", ["--skip-innodb_doublewrite"], ["--innodb-flush-log-at-trx-commit=0"]),
        ("mysql:8", ["mysqld", "--sync_binlog=1"], ["--innodb-flush-log-at-trx-commit=0"]),
        ("postgres:16", ["-c", "fsync=on"], ["-c", "synchronous_commit=off"]),
    ],
)
def test_an_option_that_the_project_sets_stays(
    image: str, command: list[str], added: list[str]
) -> None:
    db = patched(image=image, command=command)
    assert db["command"][: len(command) + len(added)] == command + added
    assert all(db["command"].count(word) == 1 for word in command if word.startswith("--"))


@pytest.mark.parametrize(
    ("image", "command"),
    [
        ("redis:7", ["redis-server", "/etc/redis.conf"]),
        ("mysql:8", ["--defaults-file=/my.cnf"]),
        ("mysql:8", ["mysqld", "--datadir=/data"]),
        ("mongo:7", ["mongod", "--dbpath", "/elsewhere"]),
        ("mongo:7", ["mongod", "-f", "/etc/mongod.yaml"]),
    ],
)
def test_a_server_with_a_configuration_of_its_own_is_left_alone(
    image: str, command: list[str]
) -> None:
    assert patched(image=image, command=command) == {"image": image, "command": command}


def test_a_database_is_what_it_is_declared_to_be_even_if_it_is_built() -> None:
    form: dict[str, Any] = {
        "services": {
            "db": {"image": "mirror/company-db:16.3"},
            "built": {"image": "shop-db", "build": {"context": "."}},
            "other": {"image": "shop"},
        }
    }
    list(throwaway_databases(form, "test", {"db": "PostgreSQL", "built": "MySQL"}))
    assert form["services"]["db"]["command"] == ["postgres", *FLAGS]
    assert in_memory(form["services"]["db"])
    assert {"type": "tmpfs", "target": "/var/lib/mysql"} in form["services"]["built"]["volumes"]
    assert form["services"]["other"] == {"image": "shop"}
