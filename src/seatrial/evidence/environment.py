"""One hash of what shapes a project's test environment, by which a rehearsal knows its project."""

import configparser
import hashlib
import json
import tomllib
from collections.abc import Iterable
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

from seatrial.evidence.sources import walk_project

__all__ = ["environment_hash"]

_PATTERNS = (
    "conftest.py",
    "*compose*.yml",
    "*compose*.yaml",
    "dockerfile*",
    "*.dockerfile",
    "containerfile*",
    ".dockerignore",
    "*.dockerignore",
)
"""Wherever they are in the project; in lower case."""
_AT_THE_TOP = ("pytest.ini", ".pytest.ini", "pytest.toml", ".pytest.toml", "seatrial.toml")
_TABLES = ("pytest", "seatrial")
"""Of pyproject.toml; a new release number in it changes no environment."""
_SECTIONS = ("pytest", "tool:pytest")
"""Of setup.cfg and tox.ini."""


def environment_hash(project: Path, compose_files: Iterable[str] = ()) -> str:
    """SHA-256 of names and contents of all that shapes the tests' environment, in hexadecimal.

    That is compose files, Dockerfiles and what they ignore, pytest's configuration, conftest.py
    files and Seatrial's settings. `compose_files` is the setting of that name: such files may be
    called anything, and be in any folder. A file that cannot be read counts as one without content.
    """
    names = {
        path.as_posix()
        for path in walk_project(project)
        if any(fnmatchcase(path.name.lower(), pattern) for pattern in _PATTERNS)
    }
    names |= {path.relative_to(project).as_posix() for path in (project / ".docker").glob("*")}
    names |= {*_AT_THE_TOP, *compose_files}
    found = {name: _sha256(project / name) for name in names if (project / name).is_file()}
    found |= {f"pyproject.toml#{key}": value for key, value in _tables(project).items()}
    for file in ("setup.cfg", "tox.ini"):
        found |= {f"{file}#{key}": value for key, value in _sections(project / file).items()}
    return hashlib.sha256(json.dumps(found, sort_keys=True).encode()).hexdigest()


def _sha256(path: Path) -> str:
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError:
        return ""


def _tables(project: Path) -> dict[str, Any]:
    try:
        text = (project / "pyproject.toml").read_text(encoding="utf-8")
        tools = tomllib.loads(text).get("tool", {})
    except (OSError, ValueError):
        return {}
    if not isinstance(tools, dict):
        return {}
    return {key: repr(tools[key]) for key in _TABLES if key in tools}


def _sections(path: Path) -> dict[str, Any]:
    parser = configparser.RawConfigParser(strict=False)
    try:
        parser.read_string(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, configparser.Error):
        return {}
    return {key: parser.items(key) for key in _SECTIONS if parser.has_section(key)}
