"""Breaks the build of one service: a step that fails, at the end of the stage that it asks for."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from seatrial.stack.dockerfile import read_dockerfile

__all__ = ["BUILD_FAILS_WITH", "break_build", "with_failing_step"]

BUILD_FAILS_WITH = "seatrial-drill-this-step-fails"
"""What the step prints, so that it can be told from another step that fails."""
_STEP = f"RUN echo {BUILD_FAILS_WITH} && exit 23"


def with_failing_step(
    text: str, target: str | None, arguments: Mapping[str, str] | None = None
) -> str | None:
    """The Dockerfile with the step at the end of the target's stage; None if there is no such."""
    dockerfile = read_dockerfile(text, arguments)
    stages = dockerfile.stages
    stage = dockerfile.find(target) if target else (stages[-1] if stages else None)
    if stage is None:
        return None
    lines = text.splitlines()
    following = stages[stages.index(stage) + 1 :]
    at = following[0].line - 1 if following else len(lines)
    return "\n".join([*lines[:at], _STEP, *lines[at:]]) + "\n"


def break_build(raw: Mapping[str, Any], copy: Path) -> tuple[dict[str, str], dict[str, Any]] | str:
    """What to change for a service of the canonical form, or why it cannot be.

    Returns files of the copy with their new content, and keys of `build` for a further compose
    file.
    """
    build = raw["build"]
    target = build.get("target")
    arguments = {key: str(value) for key, value in (build.get("args") or {}).items() if value}
    if inline := build.get("dockerfile_inline"):
        broken = with_failing_step(inline, target, arguments)
        return ({}, {"dockerfile_inline": broken}) if broken else _no_stage(target)
    path = Path(build.get("context", "")) / build.get("dockerfile", "Dockerfile")
    if not path.is_relative_to(copy) or not path.resolve().is_relative_to(copy.resolve()):
        return "the Dockerfile is not in the project's folder"
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        return "the Dockerfile cannot be read"
    broken = with_failing_step(text, target, arguments)
    if broken is None:
        return _no_stage(target)
    return {path.relative_to(copy).as_posix(): broken}, {}


def _no_stage(target: str | None) -> str:
    return f"the Dockerfile has no stage {target!r}" if target else "the Dockerfile has no stage"
