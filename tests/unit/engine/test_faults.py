import aiohttp
import pytest
from aiodocker.exceptions import DockerError

from seatrial.engine.faults import engine_faults
from seatrial.errors import EnvironmentFault


def raise_inside(error: Exception, next_step: str = "") -> EnvironmentFault:
    with (
        pytest.raises(EnvironmentFault) as raised,
        engine_faults("service db", next_step=next_step),
    ):
        raise error
    return raised.value


def docker_error(message: str) -> DockerError:
    return DockerError(500, message)


def test_what_the_engine_refuses_is_told_in_its_words_and_with_its_place() -> None:
    fault = raise_inside(docker_error("driver failed:\n  port  is taken"))

    assert fault.what == "the engine refused: driver failed: port is taken"
    assert fault.where == "service db"


@pytest.mark.parametrize(
    ("message", "remedy"),
    [
        ("write /x: no space left on device", "docker system df"),
        ("Permission denied while trying to connect", "group"),
        ('exec: "nope": executable file not found in $PATH', "command"),
        ("exec format error", "architecture"),
        ("Pool overlaps with other one on this address space", "subnet"),
        ("error mounting overlay", "--source copy"),
        ("something else", "seatrial doctor"),
    ],
)
def test_a_known_cause_comes_with_its_remedy(message: str, remedy: str) -> None:
    assert remedy in raise_inside(docker_error(message)).next_step


def test_the_callers_advice_is_used_where_no_cause_is_known() -> None:
    assert raise_inside(docker_error("odd"), "start it").next_step == "start it"
    assert "room" in raise_inside(docker_error("no space left"), "start it").next_step


@pytest.mark.parametrize(
    "error",
    [
        aiohttp.ServerDisconnectedError(),
        aiohttp.ClientPayloadError("not\nenough"),
        ConnectionResetError(),
    ],
)
def test_a_lost_connection_is_told_as_such_and_not_as_a_refusal(error: Exception) -> None:
    what = raise_inside(error).what

    assert what.startswith("the connection to the engine was lost: ")
    assert what.isprintable()
    assert not what.endswith(": ")


def test_a_fault_without_words_is_told_by_its_kind() -> None:
    assert raise_inside(OSError()).what == "the engine refused: OSError"


def test_what_is_no_fault_of_the_engine_is_not_hidden() -> None:
    with pytest.raises(ZeroDivisionError), engine_faults("x"):
        raise ZeroDivisionError
