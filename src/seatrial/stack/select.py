"""Finds the service whose container runs the tests, and those that it needs."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from seatrial.errors import UsageFault
from seatrial.stack.model import Service

__all__ = ["Selection", "find_test_service", "needed_by", "select_services"]

_NAMES = ("test", "tests", "pytest")
_RUNS_PYTEST = re.compile(r"(?<![\w.-])(?:pytest|py\.test)(?![\w.-])")


@dataclass(frozen=True)
class Selection:
    """Which services take part in a trial."""

    test: str
    required: tuple[str, ...]
    """Those the test service depends on, directly or not; if one fails, the trial fails."""
    extra: tuple[str, ...]
    """The others that are started; if one fails, it is noted."""
    left_out: tuple[str, ...]


def find_test_service(services: Mapping[str, Service], named: str | None) -> str:
    """The one test service: named, else by its name, else the one whose command runs pytest.

    Raises:
        UsageFault: it is not exactly one; the message lists the candidates.
    """
    if named is not None:
        if named in services:
            return named
        raise UsageFault(
            f"there is no service {named!r}",
            where="--service or the setting `service`",
            next_step=f"choose one of: {_list(services)}",
        )
    if not services:
        raise UsageFault(
            "the compose file has no services",
            next_step="name the right compose file with --file",
        )
    by_name = [name for name in services if name in _NAMES]
    by_command = [
        name
        for name, service in services.items()
        if _runs_pytest(service) and not _dependents(services, name)
    ]
    candidates = by_name or by_command
    if len(candidates) == 1:
        return candidates[0]
    if candidates:
        raise UsageFault(
            f"{len(candidates)} services could be the test service: {_list(candidates)}",
            next_step=f"say which: seatrial run --service {candidates[0]}",
        )
    raise UsageFault(
        "no service looks like the test service (named test, tests or pytest, or running pytest)",
        next_step=(
            "say which service has the tests and how to run them: seatrial run --service NAME "
            f"--command pytest (services: {_list(services)})"
        ),
    )


def select_services(
    services: Mapping[str, Service],
    *,
    named: str | None,
    mode: Literal["auto", "all", "needed"],
    profiles: Sequence[str] = (),
) -> Selection:
    """Decide what is started.

    A file with a test service of its own is a test environment: every enabled service of it is
    started. A service that was named is run as `docker compose run` would run it: with what it
    needs. Services that depend on the test service are never started: it does not serve them.

    Raises:
        UsageFault: see `find_test_service`.
    """
    test = find_test_service(services, named)
    required = needed_by(services, test)
    everything = mode == "all" or (mode == "auto" and named is None)
    extra = [
        name
        for name, service in services.items()
        if everything
        and name != test
        and name not in required
        and _enabled(service, profiles)
        and test not in needed_by(services, name)
    ]
    for name in list(extra):
        extra += [n for n in needed_by(services, name) if n not in required and n not in extra]
    chosen = {test, *required, *extra}
    return Selection(
        test=test,
        required=required,
        extra=tuple(extra),
        left_out=tuple(name for name in services if name not in chosen),
    )


def needed_by(services: Mapping[str, Service], name: str) -> tuple[str, ...]:
    """Every service that `name` depends on, directly or not, in the file's order."""
    found: set[str] = set()
    pending = [name]
    while pending:
        for dependency in services[pending.pop()].depends_on:
            if dependency.service in services and dependency.service not in found:
                found.add(dependency.service)
                pending.append(dependency.service)
    return tuple(other for other in services if other in found)


def _enabled(service: Service, profiles: Sequence[str]) -> bool:
    return not service.profiles or "*" in profiles or bool(set(service.profiles) & set(profiles))


def _runs_pytest(service: Service) -> bool:
    return bool(_RUNS_PYTEST.search(" ".join(service.entrypoint + service.command)))


def _dependents(services: Mapping[str, Service], name: str) -> list[str]:
    return [
        other
        for other, service in services.items()
        if any(dependency.service == name for dependency in service.depends_on)
    ]


def _list(names: Mapping[str, Service] | Sequence[str]) -> str:
    return ", ".join(names)
