"""Which of a project's files get into containers, and into which beside that of the tests."""

import fnmatch
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path, PurePosixPath
from typing import Any

from seatrial.evidence.filetree import NotComparableError, list_tree
from seatrial.settings import CoverageSettings, Settings
from seatrial.stack.dockerfile import Instruction, read_dockerfile
from seatrial.stack.plan import Plan
from seatrial.trial.ingredients import find_roots

__all__ = ["gets_elsewhere", "reaches_containers", "shaping_files"]


def reaches_containers(plan: Plan, settings: Settings) -> Callable[[str], bool]:
    """Tells of a file of the project, by its relative name, whether a container can see it.

    What is gone may have been seen; where it cannot be told, every file is.
    """
    try:
        # The base commit is asked about on this machine only.
        asked = settings.model_copy(update={"coverage": CoverageSettings()})
        listed = {
            str(root.path / entry.place)
            for root in find_roots(plan, asked)
            for entry in list_tree(root)
        }
    except NotComparableError:
        return lambda _: True

    def reaches(name: str) -> bool:
        path = plan.project / name
        return str(path) in listed or not path.exists()

    return reaches


def gets_elsewhere(plan: Plan) -> Callable[[str], bool]:
    """Tells whether a file gets into a container in which no test runs, so nobody sees its use."""
    patterns = [
        pattern
        for name, raw in plan.form["services"].items()
        if name != plan.selection.test
        for pattern in (*_built(raw.get("build")), *_mounted(plan, name, raw), *_given(plan, raw))
    ]

    def elsewhere(name: str) -> bool:
        path = plan.project / name
        return any(_covers(pattern, path) for pattern in patterns)

    return elsewhere


def shaping_files(plan: Plan) -> frozenset[str]:
    """The compose files and Dockerfiles, relative to the project."""
    builds = [raw["build"] for raw in plan.form["services"].values() if raw.get("build")]
    found = [*plan.files, *map(_dockerfile, builds)]
    return frozenset(
        path.relative_to(plan.project).as_posix()
        for path in found
        if path.is_relative_to(plan.project)
    )


def _built(build: Mapping[str, Any] | None) -> Iterator[str]:
    """Absolute patterns of what a build copies out of its context."""
    if build is None:
        return
    context = str(build.get("context", ""))
    text = build.get("dockerfile_inline") or _read(_dockerfile(build))
    if text is None:
        yield context
        return
    arguments = {key: value or "" for key, value in (build.get("args") or {}).items()}
    for stage in read_dockerfile(text, arguments).needed(build.get("target")):
        for instruction in stage.instructions:
            yield from (str(PurePosixPath(context, source)) for source in _sources(instruction))
    yield from map(str, (build.get("additional_contexts") or {}).values())


def _sources(instruction: Instruction) -> Iterator[str]:
    if instruction.name in {"COPY", "ADD"} and not instruction.flag("from"):
        for word in instruction.words[:-1]:
            if not word.startswith("<<"):
                # With a variable in it, it may be anything.
                yield "." if "$" in word else word.lstrip("/")
    for mount in instruction.mounts:
        if mount["type"] == "bind" and not mount.get("from"):
            yield str(mount.get("source", mount.get("src", "."))).lstrip("/")


def _mounted(plan: Plan, service: str, raw: Mapping[str, Any]) -> Iterator[str]:
    for mount in raw.get("volumes") or ():
        if mount.get("type") == "bind":
            yield str(mount["source"])
        name = (plan.form["volumes"].get(mount.get("source")) or {}).get("name")
        yield from (str(source.source) for source in plan.sources if source.volume == name)
    yield from (str(copied.source) for copied in plan.file_copies if copied.service == service)


def _given(plan: Plan, raw: Mapping[str, Any]) -> Iterator[str]:
    for kind in ("secrets", "configs"):
        for entry in raw.get(kind) or ():
            given = (plan.form.get(kind) or {}).get(entry.get("source"), {})
            if "file" in given:
                yield str(given["file"])


def _covers(pattern: str, path: Path) -> bool:
    """Whether a file, or a folder that it is in, fits a pattern of the Dockerfile's kind."""
    return any(fnmatch.fnmatchcase(str(place), pattern) for place in (path, *path.parents))


def _dockerfile(build: Mapping[str, Any]) -> Path:
    return Path(str(build.get("context", ""))) / (build.get("dockerfile") or "Dockerfile")


def _read(path: Path) -> str | None:
    try:
        return path.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return None
