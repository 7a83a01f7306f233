import json
import socket
import subprocess
import sys

import pytest

from seatrial.probe import reach_source
from seatrial.trial.reach import read_answer

ANSWER = {
    "reach": [
        {
            "service": "db",
            "addresses": ["172.18.0.2"],
            "error": "",
            "ports": {"5432": {"open": True, "seconds": 0.001, "error": ""}},
        }
    ],
    "disk_free": 10,
    "memory_total": 20,
    "memory_available": None,
}


def _ask(*targets: dict[str, object]) -> bytes:
    command = [sys.executable, "-I", "-c", reach_source().decode(), json.dumps(targets)]
    return subprocess.run(command, capture_output=True, check=True, timeout=30).stdout


def test_asks_names_and_ports_disk_and_memory() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server, socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))  # bound, but nobody listens
        open_port, closed_port = server.getsockname()[1], unused.getsockname()[1]
        asked = read_answer(
            _ask(
                {"service": "127.0.0.1", "ports": [open_port, closed_port]},
                {"service": "no-such-name.invalid", "ports": [1]},
            )
        )

    here, nowhere = asked.reach
    assert here.addresses == ("127.0.0.1",)
    assert {port.port: port.open for port in here.ports} == {open_port: True, closed_port: False}
    assert nowhere.error
    assert asked.disk_free
    assert asked.memory_total
    assert "processor" in asked.cpuinfo


def test_reads_what_the_container_prints() -> None:
    asked = read_answer(json.dumps(ANSWER).encode())

    assert asked.reach[0].ports[0].port == 5432
    assert (asked.disk_free, asked.memory_total, asked.memory_available) == (10, 20, None)


def test_names_and_messages_are_cleaned_and_cut() -> None:
    odd = {
        "service": "a\x1b[31m\n",
        "addresses": ["x" * 9999],
        "error": "\x1b]0;t\x07e",
        "ports": {},
    }

    (reach,) = read_answer(json.dumps({**ANSWER, "reach": [odd]}).encode()).reach

    assert (reach.service, reach.error, len(reach.addresses[0])) == ("a", "e", 200)


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"Traceback (most recent call last):\n\x1b[31mboom",
        b"[]",
        b"{}",
        b"[" * 100_000,
        json.dumps({**ANSWER, "reach": [{"service": "db"}]}).encode(),
        json.dumps({**ANSWER, "reach": [1]}).encode(),
        json.dumps({**ANSWER, "reach": 5}).encode(),
        json.dumps(ANSWER).replace("0.001", "-1").encode(),
        json.dumps(ANSWER).replace("5432", "five").encode(),
    ],
)
def test_anything_else_is_refused_without_escape_codes(raw: bytes) -> None:
    with pytest.raises(ValueError, match="no answer that can be read") as caught:
        read_answer(raw)

    assert "\x1b" not in str(caught.value)
