"""Reads what the probe saw of coverage; every line of it is untrusted."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any

__all__ = ["CoverageReading", "CoverageSession", "CoverageSightings"]

_MAX_PATH = 4096
_MAX_SESSIONS = 100


@dataclass(frozen=True)
class CoverageSession:
    """A pytest session that ran under coverage; paths are the container's, and absolute."""

    data_file: str
    config_file: str | None
    fail_under_option: float | None
    """What `--cov-fail-under` says; None if it was not given."""
    switched_on: bool


@dataclass(frozen=True)
class CoverageSightings:
    """Where pytest ran, and which of its sessions were measured."""

    executable: str
    """The first session's interpreter."""
    folder: str
    """The folder that it ran in."""
    has_pytest_cov: bool
    sessions: tuple[CoverageSession, ...]


class CoverageReading:
    """Picks out of the probe's events what they tell of coverage."""

    def __init__(self) -> None:
        self._place: tuple[str, str] | None = None
        self._has_plugin = False
        self._sessions: list[CoverageSession] = []

    def take(self, event: Mapping[str, Any]) -> None:
        """Take an event, of whatever kind."""
        if event.get("event") == "start":
            executable, folder = _path(event.get("executable")), _path(event.get("folder"))
            if executable and folder and self._place is None:
                self._place = executable, folder
            self._has_plugin = self._has_plugin or event.get("pytest_cov") is True
        elif event.get("event") == "coverage" and len(self._sessions) < _MAX_SESSIONS:
            data_file = _path(event.get("data_file"))
            if data_file:
                self._sessions.append(
                    CoverageSession(
                        data_file=data_file,
                        config_file=_path(event.get("config_file")),
                        fail_under_option=_number(event.get("fail_under_option")),
                        switched_on=event.get("switched_on") is True,
                    )
                )

    def sightings(self) -> CoverageSightings | None:
        """What was seen; None if no pytest session told where it ran."""
        if self._place is None:
            return None
        return CoverageSightings(*self._place, self._has_plugin, tuple(self._sessions))


def _path(value: Any) -> str | None:
    if not isinstance(value, str) or len(value) > _MAX_PATH or "\0" in value:
        return None
    return value if PurePosixPath(value).is_absolute() else None


def _number(value: Any) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        return None
    return float(value)
