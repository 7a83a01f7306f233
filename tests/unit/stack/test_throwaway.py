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
        {"image": "postgres:18"},
        {"image": "postgres"},
        {"volumes": [{"type": "bind", "source": "/host", "target": f"{DATA}/sub"}]},
    ],
)
def test_data_stay_where_the_compose_file_or_the_release_puts_them(service: dict[str, Any]) -> None:
    db = patched(**service)
    assert not in_memory(db)
    assert db["command"][-6:] == FLAGS


@pytest.mark.parametrize(
    "service",
    [
        {"command": ["sh", "-c", "exec postgres"]},
        {"entrypoint": ["/start.sh"]},
        {"image": "redis:7"},
        {"build": {"context": "."}},
    ],
)
def test_a_server_that_is_started_in_another_way_is_left_alone(service: dict[str, Any]) -> None:
    assert patched(**service) == {"image": "postgres:16", **service}


def test_every_change_is_told() -> None:
    form = {"services": {"db": {"image": "postgres:16"}}}
    places = [change.where for change in throwaway_databases(form, "test")]
    assert places == ["services.db.command", f"services.db.volumes[{DATA}]"]
