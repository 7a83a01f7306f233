import pytest
from hypothesis import given
from hypothesis import strategies as st

from seatrial.stack.servers import recognise


@pytest.mark.parametrize(
    ("image", "name"),
    [
        ("postgres", "PostgreSQL"),
        ("postgres:16-alpine", "PostgreSQL"),
        ("docker.io/library/postgres:16", "PostgreSQL"),
        ("registry.example:5000/team/postgis@sha256:0123", "PostgreSQL"),
        ("timescale/timescaledb-ha:pg16", "PostgreSQL"),
        ("mysql:8", "MySQL"),
        ("bitnami/mariadb:11", "MySQL"),
        ("redis:7", "Redis"),
        ("mongo:7", "MongoDB"),
        ("valkey/valkey", "Redis"),
        ("redis/redis-stack-server", "Redis"),
    ],
)
def test_a_server_is_known_by_its_image(image: str, name: str) -> None:
    server = recognise(image, ())

    assert server is not None
    assert server.name == name


@pytest.mark.parametrize(
    "image", ["python:3.13", "postgres-exporter", "my-redis-client", "redisinsight", "shop", ""]
)
def test_other_images_are_not_taken_for_servers(image: str) -> None:
    assert recognise(image, ("uvicorn", "main:app")) is None


def test_a_server_is_known_by_the_program_that_is_started() -> None:
    server = recognise("shop-database", ("/usr/lib/postgresql/16/bin/postgres", "-D", "/data"))

    assert server is not None
    assert server.name == "PostgreSQL"


def test_a_client_must_say_that_the_server_answers() -> None:
    redis, postgres, mysql = (recognise(image, ()) for image in ("redis", "postgres", "mysql"))

    assert redis
    assert redis.answers(0, "PONG\n")
    assert redis.answers(0, "NOAUTH Authentication required.")
    assert not redis.answers(0, "LOADING Redis is loading the dataset in memory")
    assert postgres
    assert postgres.answers(0, "")
    assert not postgres.answers(2, "no response")
    assert mysql
    assert mysql.answers(0, "mysqld is alive")
    assert not mysql.answers(1, "Can't connect")


def test_mongodb_is_asked_at_an_address_where_its_set_up_does_not_listen() -> None:
    server = recognise("mongo", ())

    assert server
    assert '--host "$(hostname)"' in server.client[-1]
    assert server.answers(0, "1\n")
    assert not server.answers(0, "0")
    assert not server.answers(1, "connect ECONNREFUSED")


@pytest.mark.parametrize("image", ["postgres", "mysql"])
def test_clients_ask_over_tcp_since_set_up_answers_on_the_socket(image: str) -> None:
    server = recognise(image, ())

    assert server
    assert "127.0.0.1" in " ".join(server.client)


@given(st.text(), st.lists(st.text(), max_size=2))
def test_any_image_name_is_answered(image: str, command: list[str]) -> None:
    recognise(image, command)
