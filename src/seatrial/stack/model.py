"""A typed view of the canonical compose form: what Seatrial reads of it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, cast

__all__ = ["Condition", "Dependency", "Form", "Mount", "Service", "read_services", "unescape"]

Form = dict[str, Any]
"""The canonical form as Compose prints it; what we do not read is carried through untouched."""

Condition = Literal["service_started", "service_healthy", "service_completed_successfully"]


@dataclass(frozen=True)
class Dependency:
    """One entry of `depends_on`."""

    service: str
    condition: Condition
    required: bool
    """False: the dependent starts even if this one cannot."""


@dataclass(frozen=True)
class Mount:
    """One entry of a service's `volumes`."""

    kind: str
    """`bind`, `volume`, `tmpfs`, …"""
    source: str
    """Host path or volume key; empty for an anonymous volume or a tmpfs."""
    target: str
    read_only: bool


@dataclass(frozen=True)
class Service:
    """One service; words of command and entrypoint have Compose's `$$` turned back into `$`."""

    name: str
    image: str | None
    built: bool
    command: tuple[str, ...]
    entrypoint: tuple[str, ...]
    depends_on: tuple[Dependency, ...]
    mounts: tuple[Mount, ...]
    profiles: tuple[str, ...]
    restarts: bool
    """Whether the project asks the engine to start it again when it ends with a fault."""


def read_services(form: Form) -> dict[str, Service]:
    """The services of a canonical form, by name."""
    return {name: _service(name, raw) for name, raw in form.get("services", {}).items()}


def unescape(text: str) -> str:
    """Turn Compose's `$$` back into `$`."""
    return text.replace("$$", "$")


def _service(name: str, raw: Mapping[str, Any]) -> Service:
    return Service(
        name=name,
        image=raw.get("image"),
        built="build" in raw,
        command=_words(raw.get("command")),
        entrypoint=_words(raw.get("entrypoint")),
        depends_on=tuple(
            Dependency(
                service=other,
                condition=cast("Condition", entry.get("condition", "service_started")),
                required=entry.get("required", True),
            )
            for other, entry in (raw.get("depends_on") or {}).items()
        ),
        mounts=tuple(
            Mount(
                kind=entry.get("type", "volume"),
                source=entry.get("source", ""),
                target=entry.get("target", ""),
                read_only=entry.get("read_only", False),
            )
            for entry in raw.get("volumes") or ()
        ),
        profiles=tuple(raw.get("profiles") or ()),
        restarts=raw.get("restart", "no") != "no",
    )


def _words(raw: list[str] | str | None) -> tuple[str, ...]:
    if raw is None:
        return ()
    return tuple(unescape(word) for word in ([raw] if isinstance(raw, str) else raw))
