"""Which rules of pytest and coverage.py were made easier to meet, in their own configuration."""

import configparser
import re
import tomllib
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from seatrial.judge.commands_of_pytest import fail_under_options, lost_paths
from seatrial.judge.loosened_settings import Loosened
from seatrial.judge.pytest_defaults import NORECURSEDIRS, PYTHON_FILES

__all__ = ["TOOL_FILES", "loosened_tools"]

ReadText = Callable[[str], str | None]
"""The text of a file at the project's top; None if there is none."""

Table = Mapping[str, Any]

_COVERAGE = (
    (".coveragerc", ("{}", "coverage:{}"), ((),)),
    (".coveragerc.toml", ("{}",), ((), ("tool", "coverage"))),
    ("setup.cfg", ("coverage:{}",), ((),)),
    ("tox.ini", ("coverage:{}",), ((),)),
    ("pyproject.toml", ("{}",), (("tool", "coverage"),)),
)
"""In the order in which coverage.py looks: file, names of its sections, tables above them; of
several names or tables, the last wins. It takes the first two files even if they are empty."""
_PYTEST = (
    ("pytest.toml", "pytest", ()),
    (".pytest.toml", "pytest", ()),
    ("pytest.ini", "pytest", ()),
    (".pytest.ini", "pytest", ()),
    ("pyproject.toml", "ini_options", ("tool", "pytest")),
    ("pyproject.toml", "pytest", ("tool",)),
    ("tox.ini", "pytest", ()),
    ("setup.cfg", "tool:pytest", ()),
)
"""The same for pytest, which takes the first four even if they are empty."""
_COVERAGE_IF_EMPTY, _PYTEST_IF_EMPTY = 2, 4
TOOL_FILES = tuple(dict.fromkeys(file for file, *_ in (*_COVERAGE, *_PYTEST)))

_LEAVES_OUT = {
    "run": ("omit",),
    "report": ("omit", "exclude_lines", "exclude_also", "partial_branches", "partial_also"),
}
_NARROWS = {"run": ("source", "source_pkgs", "source_dirs", "include"), "report": ("include",)}
_DEFAULT_EXCLUSION = ("pragma: no cover", "#\\s*(pragma|PRAGMA)[:\\s]?\\s*(no|NO)\\s*(cover|COVER)")
_WHAT_IS_A_TEST = {
    "python_files": [*PYTHON_FILES],
    "python_classes": ["Test"],
    "python_functions": ["test"],
}
"""With pytest's defaults."""


def loosened_tools(before: ReadText, now: ReadText) -> Iterator[Loosened]:
    """What the configuration at the project's top lets pass now and did not before."""
    yield from _loosened_coverage(_coverage(before), _coverage(now))
    yield from _loosened_pytest(_pytest(before), _pytest(now))


def _loosened_coverage(before: Table, now: Table) -> Iterator[Loosened]:
    old, new = _number(before, "fail_under"), _number(now, "fail_under")
    if old and new < old:
        yield Loosened("coverage fail_under", f"{old:g}", f"{new:g}")
    for section, keys in _LEAVES_OUT.items():
        for key in keys:
            was = [*_list(before.get(section, {}).get(key)), *_DEFAULT_EXCLUSION]
            more = [one for one in _list(now.get(section, {}).get(key)) if one not in was]
            if more:
                yield Loosened(f"coverage {section}.{key}", "not in it", ", ".join(more))
    for section, keys in _NARROWS.items():
        for key in keys:
            was = _list(before.get(section, {}).get(key))
            is_now = _list(now.get(section, {}).get(key))
            if is_now and (not was or not set(was) <= set(is_now)):
                if key.startswith("source") and not was:
                    continue  # with a source, files that no test imports count as well
                yield Loosened(f"coverage {section}.{key}", _told(was), _told(is_now))
    if _is_on(before.get("run", {}).get("branch")) and not _is_on(now.get("run", {}).get("branch")):
        yield Loosened("coverage run.branch", "true", "false")


def _loosened_pytest(before: Table, now: Table) -> Iterator[Loosened]:
    for key, default in _WHAT_IS_A_TEST.items():
        was, is_now = _list(before.get(key)) or default, _list(now.get(key)) or default
        if not set(was) <= set(is_now):
            yield Loosened(f"pytest {key}", _told(was), _told(is_now))
    was, is_now = _list(before.get("testpaths")), _list(now.get("testpaths"))
    if is_now and lost_paths(was or ["."], is_now):
        yield Loosened("pytest testpaths", _told(was), _told(is_now))
    was = _list(before.get("norecursedirs")) or [*NORECURSEDIRS]
    if more := [one for one in _list(now.get("norecursedirs")) if one not in was]:
        yield Loosened("pytest norecursedirs", "not in it", ", ".join(more))
    strict = ("xfail_strict", "strict_xfail", "strict")
    was_strict, is_strict = (any(_is_on(one.get(key)) for key in strict) for one in (before, now))
    if was_strict and not is_strict:
        yield Loosened("pytest xfail_strict", "true", "false")
    old = max(fail_under_options(_text(before.get("addopts"))), default=0.0)
    new = max(fail_under_options(_text(now.get("addopts"))), default=0.0)
    if new < old:
        yield Loosened("pytest --cov-fail-under", f"{old:g}", f"{new:g}")


def _coverage(read: ReadText) -> Table:
    """The sections `run` and `report` of the file that coverage.py takes."""
    for number, (file, names, above) in enumerate(_COVERAGE):
        text = read(file)
        tables = {
            key: value for place in above for key, value in _tables(file, text, place).items()
        }
        found = {
            section: tables[name.format(section)]
            for section in ("run", "report", "html", "paths")
            for name in names
            if isinstance(tables.get(name.format(section)), Mapping)
        }
        if found or (text is not None and number < _COVERAGE_IF_EMPTY):
            return found
    return {}


def _pytest(read: ReadText) -> Table:
    """The table that pytest takes."""
    for number, (file, name, above) in enumerate(_PYTEST):
        text = read(file)
        table = _tables(file, text, above).get(name)
        if isinstance(table, Mapping):
            return table
        if text is not None and number < _PYTEST_IF_EMPTY:
            return {}
    return {}


def _tables(file: str, text: str | None, above: tuple[str, ...]) -> Table:
    if not text:
        return {}
    try:
        if file.endswith(".toml"):
            tables: Any = tomllib.loads(text)
            for key in above:
                tables = tables.get(key, {})
            return tables if isinstance(tables, dict) else {}
        parser = configparser.RawConfigParser(strict=False, allow_no_value=True)
        parser.read_string(text)
        return {section: dict(parser.items(section)) for section in parser.sections()}
    except (ValueError, AttributeError, configparser.Error):
        return {}


def _list(value: Any) -> list[str]:
    if isinstance(value, list):
        return [str(one) for one in value]
    if not isinstance(value, str):
        return []
    parts = value.split("\n") if "\n" in value.strip() else re.split(r"[,\s]+", value)
    return [part.strip().rstrip(",") for part in parts if part.strip()]


def _number(table: Table, key: str) -> float:
    try:
        return float(table.get("report", {}).get(key) or 0)
    except (TypeError, ValueError):
        return 0.0


def _is_on(value: Any) -> bool:
    return str(value).strip().lower() in {"true", "1", "yes", "on"}


def _text(value: Any) -> str:
    return " ".join(_list(value)) if isinstance(value, list) else str(value or "")


def _told(values: list[str]) -> str:
    return ", ".join(values) or "none"
