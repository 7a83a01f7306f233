"""Which services are asked about which others."""

from typing import Any

from seatrial.trial.between import neighbours


def state(*networks: str, running: bool = True, mode: str = "trial_default") -> dict[str, Any]:
    return {
        "State": {"Running": running},
        "HostConfig": {"NetworkMode": mode},
        "NetworkSettings": {"Networks": {name: {} for name in networks}},
    }


def test_each_is_asked_for_those_that_share_a_network_with_it() -> None:
    states = {
        "test": state("front"),
        "web": state("front"),
        "api": state("front", "back"),
        "db": state("back"),
    }

    assert neighbours(states, without="test") == {
        "web": ("api",),
        "api": ("web", "db"),
        "db": ("api",),
    }


def test_one_that_has_ended_is_asked_for_and_not_asked_from() -> None:
    states = {"web": state("n"), "db": state("n", running=False)}

    assert neighbours(states, without="test") == {"web": ("db",)}


def test_who_has_no_network_of_its_own_has_no_neighbours() -> None:
    states = {
        "web": state("host", mode="host"),
        "api": state("host", mode="host"),
        "side": state(mode="container:abc"),
        "db": state("n"),
        "broken": {},
    }

    assert neighbours(states, without="test") == {}
