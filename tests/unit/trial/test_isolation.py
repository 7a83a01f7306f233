"""What is tried from another network, and how the answer is read."""

import json

import pytest

from seatrial.evidence.isolation import Isolation, TriedTarget
from seatrial.trial.isolation import Target, find_targets, read_answer, read_cpuinfo

TARGETS = (Target("db", "172.18.0.2", 5432), Target("web", "172.18.0.3", 80))
ANSWER = {
    "network": True,
    "targets": [{"arrived": False, "seconds": 1.0}, {"arrived": True, "seconds": 0.001}],
}


def inspected(
    *addresses: str, exposed: tuple[str, ...] = (), image: str = "own"
) -> dict[str, object]:
    return {
        "Config": {"Image": image, "ExposedPorts": {key: {} for key in exposed}},
        "Args": [],
        "NetworkSettings": {
            "Networks": {f"n{n}": {"IPAddress": address} for n, address in enumerate(addresses)}
        },
    }


@pytest.mark.parametrize(
    ("found", "raw", "expected"),
    [
        (inspected("10.0.0.2", exposed=("80/tcp",)), {}, [("10.0.0.2", 80)]),
        (inspected("10.0.0.2"), {"expose": ["8000"]}, [("10.0.0.2", 8000)]),
        (inspected("10.0.0.2", image="postgres:16"), {}, [("10.0.0.2", 5432)]),
        (inspected("10.0.0.2"), {}, [("10.0.0.2", 80)]),
        (inspected("10.0.1.2", "10.0.0.2"), {}, [("10.0.0.2", 80), ("10.0.1.2", 80)]),
        (inspected(""), {}, []),
        ({}, {}, []),
    ],
)
def test_every_address_is_tried_at_the_ports_that_are_known(
    found: dict[str, object], raw: dict[str, object], expected: list[tuple[str, int]]
) -> None:
    assert [(one.address, one.port) for one in find_targets("x", found, raw)] == expected


def test_reads_what_the_container_prints() -> None:
    tried = read_answer(json.dumps(ANSWER).encode(), TARGETS)

    assert [(one.service, one.port, one.arrived) for one in tried] == [
        ("db", 5432, False),
        ("web", 80, True),
    ]


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"sh: exec: : Permission denied",
        b"[]",
        b"{}",
        b"[" * 100_000,
        json.dumps(ANSWER | {"targets": []}).encode(),
        json.dumps(ANSWER | {"targets": [1, 2]}).encode(),
        json.dumps(ANSWER).replace("1.0", "-1").encode(),
    ],
)
def test_what_is_no_answer_is_not_measured(raw: bytes) -> None:
    with pytest.raises(Exception, match="no answer that can be read"):
        read_answer(raw, TARGETS)


@pytest.mark.parametrize("raw", [b"", b"[]", b"{}", b'{"cpuinfo": 5}', b"[" * 100_000])
def test_without_a_word_of_the_processor_nothing_is_known_of_it(raw: bytes) -> None:
    assert read_cpuinfo(raw) == ""
    assert read_cpuinfo(b'{"cpuinfo": "model name: x"}') == "model name: x"


@pytest.mark.parametrize("network", [False, None, "yes", 1])
def test_silence_of_a_network_that_carries_nothing_shows_nothing(network: object) -> None:
    raw = json.dumps(ANSWER | {"network": network}).encode()

    with pytest.raises(Exception, match="carries no packets itself"):
        read_answer(raw, TARGETS)


def test_isolation_is_known_only_if_something_was_tried() -> None:
    tried = TriedTarget(service="db", address="a", port=1, arrived=False, seconds=1)

    assert Isolation().isolated is None
    assert Isolation(targets=(tried,), why_not="broken").isolated is None
    assert Isolation(targets=(tried,)).isolated is True
    arrived = tried.model_copy(update={"arrived": True})
    assert Isolation(targets=(tried, arrived)).isolated is False
