"""Makes canonical compose forms and services as Compose prints them."""

from collections.abc import Sequence
from typing import Any

from seatrial.stack.model import Form, Service, read_services


def make_form(services: dict[str, dict[str, Any]], **rest: Any) -> Form:
    """A canonical form: Compose always prints a name and a network `default`."""
    raw = {
        name: {"networks": {"default": None}, **service}
        if "network_mode" not in service
        else service
        for name, service in services.items()
    }
    return {
        "name": "trial",
        "services": raw,
        "networks": {"default": {"name": "trial_default"}},
        "volumes": {},
        **rest,
    }


def make_services(**services: dict[str, Any]) -> dict[str, Service]:
    """The typed view of the services of a form."""
    return read_services(make_form(services))


def needs(*names: str, condition: str = "service_healthy") -> dict[str, Any]:
    """A `depends_on` as Compose prints it."""
    return {name: {"condition": condition, "required": True} for name in names}


def bind(source: object, target: str, *, read_only: bool = False) -> dict[str, Any]:
    """A bind mount as Compose prints it."""
    mount: dict[str, Any] = {"type": "bind", "source": str(source), "target": target}
    return {**mount, "read_only": True} if read_only else mount


def volume(source: str, target: str) -> dict[str, Any]:
    """A volume mount as Compose prints it."""
    return {"type": "volume", "source": source, "target": target}


def words(*command: str) -> dict[str, Sequence[str]]:
    """A service with a command."""
    return {"command": list(command)}
