import json
import socket
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from seatrial.engine.connect import Endpoint, find_endpoint, open_engine
from seatrial.errors import EnvironmentFault


def use_context(home: Path, text: str) -> None:
    (home / ".docker").mkdir()
    (home / ".docker/config.json").write_text(text, encoding="utf-8")


def test_docker_host_names_the_engine(tmp_path: Path) -> None:
    environ = {"DOCKER_HOST": "unix:///srv/docker.sock"}

    endpoint = find_endpoint(environ, tmp_path)

    assert endpoint == Endpoint("unix:///srv/docker.sock", "DOCKER_HOST", local=True)


@pytest.mark.parametrize("host", ["tcp://10.0.0.1:2376", "ssh://build@host", "http://x"])
def test_an_engine_of_another_machine_is_not_local(tmp_path: Path, host: str) -> None:
    assert not find_endpoint({"DOCKER_HOST": host}, tmp_path).local


def test_a_context_of_the_environment_is_used(tmp_path: Path) -> None:
    endpoint = find_endpoint({"DOCKER_CONTEXT": "build"}, tmp_path)

    assert endpoint == Endpoint(None, "context build", local=False)


def test_the_current_context_is_used(tmp_path: Path) -> None:
    use_context(tmp_path, json.dumps({"currentContext": "build"}))

    assert find_endpoint({}, tmp_path).source == "context build"


def test_docker_host_wins_over_contexts_as_it_does_for_docker(tmp_path: Path) -> None:
    use_context(tmp_path, json.dumps({"currentContext": "build"}))
    environ = {"DOCKER_HOST": "unix:///srv/docker.sock", "DOCKER_CONTEXT": "other"}

    assert find_endpoint(environ, tmp_path).source == "DOCKER_HOST"


@pytest.mark.parametrize(
    "text", ["", "not json", "[]", '{"currentContext": 5}', '{"currentContext": "default"}']
)
def test_a_configuration_that_names_no_context_is_passed_over(tmp_path: Path, text: str) -> None:
    use_context(tmp_path, text)

    endpoint = find_endpoint({"DOCKER_HOST": "unix:///x"}, tmp_path)

    assert endpoint.source == "DOCKER_HOST"


@pytest.fixture
def listen(tmp_path: Path) -> Iterator[Callable[[str], None]]:
    """Makes sockets in a root folder of the test's own."""
    with ExitStack() as stack:

        def make(path: str) -> None:
            place = tmp_path / path.lstrip("/")
            place.parent.mkdir(parents=True, exist_ok=True)
            stack.enter_context(socket.socket(socket.AF_UNIX)).bind(str(place))

        yield make


def test_dockers_socket_is_found_where_it_usually_is(
    tmp_path: Path, listen: Callable[[str], None]
) -> None:
    listen("/run/podman/podman.sock")
    listen("/run/docker.sock")

    endpoint = find_endpoint({}, Path("/home/x"), tmp_path)

    assert endpoint == Endpoint(None, "/run/docker.sock", local=True)


@pytest.mark.parametrize(
    "path",
    [
        "/home/x/.docker/run/docker.sock",
        "/run/user/1000/podman/podman.sock",
        "/run/podman/podman.sock",
    ],
)
def test_sockets_of_the_home_folder_and_of_podman_are_found_and_named(
    tmp_path: Path, listen: Callable[[str], None], path: str
) -> None:
    listen(path)

    endpoint = find_endpoint({"XDG_RUNTIME_DIR": "/run/user/1000"}, Path("/home/x"), tmp_path)

    assert endpoint == Endpoint(f"unix://{path}", path, local=True)


def test_where_nothing_names_an_engine_it_says_what_to_do(tmp_path: Path) -> None:
    (tmp_path / "run").mkdir()
    (tmp_path / "run/docker.sock").touch()

    with pytest.raises(EnvironmentFault, match="no container engine found") as raised:
        find_endpoint({}, Path("/home/x"), tmp_path)

    assert "DOCKER_HOST" in raised.value.next_step


def test_dockers_own_programs_are_pointed_at_the_same_engine() -> None:
    found = Endpoint("unix:///x", "/x", local=True).environ({"A": "1", "DOCKER_HOST": "y"})

    assert found == {"A": "1", "DOCKER_HOST": "unix:///x"}
    assert Endpoint(None, "context a", local=False).environ({"A": "1"}) == {"A": "1"}


async def test_an_engine_that_does_not_answer_is_a_fault(tmp_path: Path) -> None:
    endpoint = Endpoint(f"unix://{tmp_path}/none.sock", "DOCKER_HOST", local=True)

    with pytest.raises(EnvironmentFault) as raised:
        async with open_engine(endpoint):
            pytest.fail("there is no engine")

    assert "DOCKER_HOST" in raised.value.where
    assert raised.value.next_step


@pytest.mark.parametrize("url", ["nonsense", "gopher://x"])
async def test_an_address_that_is_none_is_a_fault(url: str) -> None:
    with pytest.raises(EnvironmentFault, match="address cannot be used"):
        async with open_engine(Endpoint(url, "DOCKER_HOST", local=False)):
            pytest.fail("there is no engine")


async def test_a_context_that_does_not_exist_is_a_fault(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DOCKER_CONTEXT", "no-such-context")
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path))
    monkeypatch.delenv("DOCKER_HOST", raising=False)

    with pytest.raises(EnvironmentFault, match="no-such-context"):
        async with open_engine(Endpoint(None, "context no-such-context", local=False)):
            pytest.fail("there is no engine")
