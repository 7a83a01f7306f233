"""The configuration model, how it is read, and where each value came from."""

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationError,
    ValidationInfo,
    field_validator,
    model_validator,
)

from seatrial.errors import UsageFault

__all__ = [
    "Budgets",
    "ChecklistGroup",
    "CommandCriterion",
    "CoverageSettings",
    "LoadedSettings",
    "MetricCriterion",
    "PrepareSettings",
    "ReuseSettings",
    "Settings",
    "Timeouts",
    "VerdictSettings",
    "load_settings",
    "load_settings_file",
]

SETTINGS_FILE = "seatrial.toml"
PYPROJECT_FILE = "pyproject.toml"


Database = Literal["PostgreSQL", "MySQL", "Redis", "MongoDB"]
"""The servers that have settings for a throwaway database; MySQL stands for MariaDB too."""


class _Model(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


_SIZE = re.compile(r"(\d+(?:\.\d+)?)\s*(B|[KMGT]i?B)", re.IGNORECASE)
_PREFIXES = "kmgt"


def _bytes(value: Any) -> Any:
    """A number of bytes from `512 MiB` and the like; whatever is no such text stays what it is."""
    match = _SIZE.fullmatch(value.strip()) if isinstance(value, str) else None
    if match is None:
        return value
    unit = match[2].lower()
    power = _PREFIXES.find(unit[0]) + 1
    return round(float(match[1]) * (1024 if "i" in unit else 1000) ** power)


class Budgets(_Model):
    """The limits that a project sets for itself; None means that no limit is set.

    A trial whose tests passed but that went over a limit ends with exit code 4.
    """

    build: float | None = Field(default=None, gt=0)
    """Seconds, as are the next five."""
    start: float | None = Field(default=None, gt=0)
    test: float | None = Field(default=None, gt=0)
    collect: float | None = Field(default=None, gt=0)
    clean: float | None = Field(default=None, gt=0)
    total: float | None = Field(default=None, gt=0)
    memory: Annotated[int, BeforeValidator(_bytes), Field(gt=0)] | None = None
    """All services' peaks, added up: bytes, or a text such as `2 GiB`."""
    cpu: float | None = Field(default=None, gt=0, le=1)
    """What all services used from start-up to the last test, as a share of what the engine's cores
    had; 0-1."""


class Timeouts(_Model):
    """How long Seatrial waits before it gives up, in seconds."""

    build: float = Field(default=1800, gt=0)
    start: float = Field(default=120, gt=0)
    """Until every service is ready. A health check that allows itself longer is given longer."""
    test: float = Field(default=3600, gt=0)
    """For the whole test phase."""
    one_test: float = Field(default=300, ge=0)
    """For a single test with its set-up and teardown; then the stacks of all threads are written
    down and the run ends in order. 0: as long as it likes."""
    collect: float = Field(default=120, gt=0)
    prepare: float = Field(default=300, gt=0)
    """For the command that brings a prepared database to the tests' starting state."""


class PrepareSettings(_Model):
    """What a prepared database holds beside what its own first-time set-up leaves."""

    command: str | tuple[str, ...] | None = Field(default=None, min_length=1)
    """Brings the databases to the state in which the tests begin, e.g. `alembic upgrade head`; a
    string is split as a POSIX shell splits words. It takes the place of the test service's."""
    files: tuple[Annotated[str, Field(min_length=1)], ...] = ()
    """Files and folders, relative to the project, that decide what the command does: migrations
    and their settings, what they import, the locked packages. A change of these, and of nothing
    else in the image, has the databases prepared anew."""

    @model_validator(mode="after")
    def _says_what_goes_into_it(self) -> Self:
        if self.command is not None and not self.files:
            raise ValueError("files must name what decides what the command does")
        return self


class CoverageSettings(_Model):
    """What a project asks of its tests' coverage."""

    fail_under: float | None = Field(default=None, ge=0, le=100)
    """The least total in percent; wins over the project's own threshold. None: that one holds."""
    base: str | None = Field(default=None, min_length=1)
    """A commit, branch or tag; coverage of the lines that changed since it is measured."""
    switch_on: bool = False
    """Measure with the image's pytest-cov where the test command does not measure."""


class ReuseSettings(_Model):
    """When the record of an earlier trial is returned instead of running it again."""

    max_age: float = Field(default=86400, ge=0)
    """Seconds since it ended. Registries, package indexes and the calendar change too, and nothing
    here shows it; so what has not changed is still measured anew once a day. 0: never reuse."""


ChecklistGroup = Literal[
    "code quality", "performance", "security", "documentation", "monitoring", "rollback"
]
"""A part of the readiness checklist."""


class CommandCriterion(_Model):
    """A criterion of the project's own: a command that ends with 0."""

    statement: str = Field(min_length=1)
    weight: float = Field(default=0, ge=0)
    required: bool = False
    group: ChecklistGroup = "code quality"
    """The part of the readiness checklist that it stands in."""
    command: tuple[str, ...] = Field(min_length=1)
    """Run in the project's folder by `seatrial approve`; its exit code and output are evidence."""
    timeout: float = Field(default=300, gt=0)
    """Seconds."""


class MetricCriterion(_Model):
    """A criterion of the project's own: a value of the trial's record within bounds."""

    statement: str = Field(min_length=1)
    weight: float = Field(default=0, ge=0)
    required: bool = False
    group: ChecklistGroup = "code quality"
    """The part of the readiness checklist that it stands in."""
    metric: str = Field(pattern=r"^/")
    """JSON pointer into the record, e.g. `/coverage/branch_percent`."""
    at_least: float | None = None
    at_most: float | None = None


class VerdictSettings(_Model):
    """What a project asks of a commit before it may ship."""

    passing_score: float = Field(default=100, ge=0, le=100)
    """Of 100: every criterion that carries weight is met. Who asks for less is told so in the
    document's first lines."""
    weights: Mapping[str, Annotated[float, Field(ge=0)]] = Field(default_factory=dict)
    """Points by criterion, where they differ from the default; the score is their share in all."""
    required: tuple[str, ...] = ("contained-tests", "image-built", "cleaned-up")
    """Criteria that must be met whatever the score."""
    trials: int = Field(default=1, ge=1, le=20)
    """How many full trials of the commit must have passed, the newest ones without a failure."""
    max_age: float = Field(default=7 * 86400, gt=0)
    """Seconds since the trial ended; older evidence is none."""
    drill_max_age: float = Field(default=30 * 86400, gt=0)
    max_not_run: float = Field(default=0.1, ge=0, lt=1)
    """Share of the collected tests that may be skipped or expected to fail."""
    allow_deselected: bool = False
    """Whether the command or pytest's configuration may leave tests out, and test files without a
    result count as well."""
    not_tests: tuple[Annotated[str, Field(min_length=1)], ...] = ()
    """Files and folders, relative to the project, whose `test_*.py` and `*_test.py` are not of the
    suite."""
    allow_retries: bool = False
    """Whether tests that failed and passed when they were run again count as passed."""
    allow_reused: bool = True
    """Whether the record of an unchanged earlier trial counts."""
    max_uncovered: float = Field(default=0.2, ge=0, le=1)
    """Share of the project's own lines of code that coverage may not have looked at."""
    audit_fails_on: Literal["high", "medium", "low", "never"] = "high"
    """The least severity of a finding that rejects."""
    base: str | None = Field(default=None, min_length=1)
    """The commit whose rules this one's are compared with; None: the parent of the newest."""
    monitoring_days: int = Field(default=30, ge=1, le=365)
    monitoring_failure_rate: float = Field(default=0.01, gt=0, lt=1)
    command_criteria: Mapping[str, CommandCriterion] = Field(default_factory=dict)
    metric_criteria: Mapping[str, MetricCriterion] = Field(default_factory=dict)


class Settings(_Model):
    """What a project can tell Seatrial; every value has a default that suits most projects."""

    compose_files: tuple[str, ...] = ()
    """Compose files, relative to the project; empty: look for the usual names."""
    profiles: tuple[str, ...] = ()
    env_files: tuple[str, ...] = ()
    service: str | None = None
    """The service whose container runs the tests; None: find it."""
    command: str | tuple[str, ...] | None = None
    """Replaces that service's command; a string is split as a POSIX shell splits words."""
    services: Literal["auto", "all", "needed"] = "auto"
    """Which services to start beside the test service: every enabled one, or only those it
    depends on. `auto`: every one if the file has a test service of its own, else those needed."""
    workers: Annotated[int, Field(ge=1, le=64)] | Literal["auto"] = 1
    """How many stacks side by side execute the tests, each its share. `auto`: as many as the
    engine's cores and memory and the number of tests allow."""
    xdist: Literal["take-over", "leave"] = "take-over"
    """If there are several workers and the test command asks for xdist: run each worker's share in
    one process, or let xdist run it in several."""
    whole_files: tuple[Annotated[str, Field(min_length=1)], ...] = ()
    """Test files, or folders of them, as pytest names them, that no two workers share and whose
    tests keep their order: where a test relies on those that stand before it in its file."""
    changed: bool = False
    """Whether to run only the tests that what changed since they were last watched can affect, and
    to watch which files of the project each test uses."""
    failures_first: bool = True
    """Whether tests that failed in the last trial, or often, are run before the others."""
    fail_fast: bool = False
    """Whether a failed test ends the run, on all workers."""
    retries: int = Field(default=0, ge=0, le=10)
    """How often failed tests are run again, each time in a fresh stack; those that then pass are
    flaky, and the trial passes."""
    external: Literal["refuse", "replace"] = "refuse"
    """Networks and volumes that exist outside the project: stop, or use fresh ones instead."""
    throwaway: bool = True
    """Whether a recognised database keeps its data in memory and writes nothing durably."""
    throwaway_services: Mapping[str, Database] = Field(default_factory=dict)
    """Services that are such a database although their image's name does not tell."""
    prepared: bool = False
    """Whether a PostgreSQL is kept as an image after its first-time set-up, for later trials."""
    prepare: PrepareSettings = PrepareSettings()
    source: Literal["auto", "overlay", "copy"] = "auto"
    """How a mounted source folder is kept from being written to: by an overlay on it, or by
    copying it. `auto`: overlay where the engine is on this machine, else copy."""
    outputs: tuple[str, ...] = ()
    """What the tests write to, beside mounted folders that are recognised by their names: files or
    folders, relative to the project, or by their absolute path in the container."""
    max_output_bytes: int = Field(default=1 << 30, gt=0)
    """The most that is taken out of one output folder, in bytes."""
    timeouts: Timeouts = Timeouts()
    budgets: Budgets = Budgets()
    coverage: CoverageSettings = CoverageSettings()
    reuse: ReuseSettings = ReuseSettings()
    verdict: VerdictSettings = VerdictSettings()

    @field_validator("prepare")
    @classmethod
    def _needs_prepared(cls, value: PrepareSettings, info: ValidationInfo) -> PrepareSettings:
        if value.command is not None and not info.data.get("prepared", True):
            raise ValueError("it needs prepared = true")
        return value


@dataclass(frozen=True)
class LoadedSettings:
    """Settings, and for each value that is not a default the place that set it."""

    settings: Settings
    sources: Mapping[str, str]
    """Dotted key → `seatrial.toml`, `pyproject.toml [tool.seatrial]` or `command line`."""


def load_settings(project: Path, overrides: Mapping[str, Any] | None = None) -> LoadedSettings:
    """Read the project's settings; what stands in `overrides` (dotted keys, not None) wins.

    `seatrial.toml` is used if there is one, else `[tool.seatrial]` in `pyproject.toml`.

    Raises:
        UsageFault: a file is not TOML, or a key or value is not known.
    """
    values, origin = _from_files(project)
    sources = dict.fromkeys(_dotted(values), origin)
    for key, value in (overrides or {}).items():
        if value is not None:
            _put(values, key, value)
            sources[key] = "command line"
    return LoadedSettings(_validated(values, sources, origin), sources)


def _validated(values: Mapping[str, Any], sources: Mapping[str, str], origin: str) -> Settings:
    try:
        return Settings.model_validate(values)
    except ValidationError as error:
        first = error.errors()[0]
        key = _setting(first["loc"])
        raise UsageFault(
            f"setting {key!r} is not valid: {first['msg']}",
            where=sources.get(key, origin),
            next_step="see the table of settings in docs/settings.md",
        ) from error


def load_settings_file(path: Path) -> Settings:
    """Read a settings file wherever it lies; one called `pyproject.toml` as `[tool.seatrial]`.

    Raises:
        UsageFault: it cannot be read, is not TOML, or a key or value is not known.
    """
    table = _pyproject_table(path) if path.name == PYPROJECT_FILE else _read_toml(path)
    return _validated(table, {}, str(path))


def _from_files(project: Path) -> tuple[dict[str, Any], str]:
    own = project / SETTINGS_FILE
    if own.is_file():
        return _read_toml(own), SETTINGS_FILE
    pyproject = project / PYPROJECT_FILE
    if pyproject.is_file():
        return _pyproject_table(pyproject), f"{PYPROJECT_FILE} [tool.seatrial]"
    return {}, "defaults"


def _pyproject_table(path: Path) -> dict[str, Any]:
    table: Any = _read_toml(path)
    for key in ("tool", "seatrial"):
        table = table.get(key, {})
        if not isinstance(table, dict):
            raise UsageFault(
                f"{key!r} in {PYPROJECT_FILE} is not a table",
                where=str(path),
                next_step="settings stand under [tool.seatrial]",
            )
    return dict(table)


def _read_toml(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise UsageFault(
            f"{path.name} is not valid TOML: {error}",
            where=str(path),
            next_step="mend the file; the message names line and column",
        ) from error
    except OSError as error:
        raise UsageFault(
            f"{path.name} cannot be read: {error.strerror}",
            where=str(path),
            next_step="check the file's permissions",
        ) from error


def _put(values: dict[str, Any], dotted: str, value: Any) -> None:
    *groups, name = dotted.split(".")
    for group in groups:
        if not isinstance(values.setdefault(group, {}), dict):
            return  # no table: what the file says is refused anyway
        values = values[group]
    values[name] = value


def _setting(place: tuple[int | str, ...]) -> str:
    """The setting at a place that pydantic names; it adds the types that it tried."""
    key = str(place[0])
    group = Settings.model_fields[key].annotation if key in Settings.model_fields else None
    if len(place) > 1 and isinstance(group, type) and issubclass(group, _Model):
        return f"{key}.{place[1]}"
    return key


def _dotted(values: Mapping[str, Any], prefix: str = "") -> list[str]:
    keys = []
    for key, value in values.items():
        keys.append(prefix + key)
        if isinstance(value, dict):
            keys.extend(_dotted(value, f"{prefix}{key}."))
    return keys
