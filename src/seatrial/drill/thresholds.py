"""Switches off the coverage thresholds in a copy: a drill runs one test, which covers little."""

import re
from collections.abc import Mapping
from pathlib import Path

__all__ = ["without_thresholds"]

_THRESHOLD = re.compile(
    r"(?P<key>fail[-_]under)(?P<mark>[\"']?\s*[=:,]\s*|\s+)(?P<quote>[\"']?)\d+(?:\.\d+)?(?P=quote)"
)
_NAMES = ("*.toml", "*.cfg", "*.ini", ".coveragerc*", "*.sh", "*.yml", "*.yaml", "*Makefile*")
_FOLDERS = ("", "*/", "*/*/")
"""Configuration stands at the top, scripts a folder or two below."""
_MAX_BYTES = 1 << 20
_DOCKERFILES = ("*Dockerfile*", "*.dockerfile", "*Containerfile*")


def without_thresholds(project: Path) -> Mapping[str, str]:
    """The files of a project that set a threshold, with 0 in its place, by their paths."""
    changed = {}
    for pattern in (f"{folder}{name}" for folder in _FOLDERS for name in _NAMES + _DOCKERFILES):
        for path in project.glob(pattern):
            if path.is_symlink() or not path.is_file() or path.stat().st_size > _MAX_BYTES:
                continue
            try:
                text = path.read_text(encoding="utf-8")
            except (OSError, UnicodeDecodeError):
                continue
            lowered = _THRESHOLD.sub(r"\g<key>\g<mark>\g<quote>0\g<quote>", text)
            if lowered != text:
                changed[path.relative_to(project).as_posix()] = lowered
    return changed
