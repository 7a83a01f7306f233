"""Tells what goes into a trial: files, images, and all else that could change its result."""

import json
import platform
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from seatrial import __version__, probe
from seatrial.evidence.commit import resolve_commit
from seatrial.evidence.dockerignore import find_ignore_file, read_ignore_file
from seatrial.evidence.filetree import NotComparableError, Root
from seatrial.evidence.fingerprint import engine_facts, normalised, steering
from seatrial.evidence.folder import own_folder
from seatrial.settings import Settings
from seatrial.stack.dockerfile import Dockerfile, dockerfile_path, fill_in, read_dockerfile
from seatrial.stack.plan import Plan
from seatrial.trial.identity import OWNER_LABEL, TRIAL_LABEL

__all__ = ["find_facts", "find_images", "find_roots"]

_SCRATCH = "scratch"
_LASTING_PULL_POLICIES = (None, "build", "if_not_present", "missing", "never")
_FALSE = ("0", "false")


def find_facts(
    plan: Plan,
    settings: Settings,
    *,
    info: Mapping[str, Any],
    compose_version: str,
    environ: Mapping[str, str],
    home: Path,
) -> dict[str, Any]:
    """Everything that is no file and no image.

    Raises:
        NotComparableError: the trial uses what can change without a trace on this machine.
    """
    _refuse_what_leaves_no_trace(plan.form, environ)
    base = settings.coverage.base
    return {
        # Dumped whole: a setting that comes later is in it by itself. Whoever asks for the tests
        # that a change can affect is served by a trial of all of them.
        "settings": settings.model_dump(mode="json", exclude={"reuse", "changed"}),
        "form": normalised(
            plan.form, (plan.name, plan.labels[TRIAL_LABEL], plan.labels[OWNER_LABEL])
        ),
        "tests": [plan.selection.test, *plan.arguments],
        "secrets": {
            name: environ.get(raw["environment"])
            for name, raw in _given_files(plan.form)
            if "environment" in raw
        },
        "environment": steering(environ),
        "proxies": _proxies(environ, home),
        "base": resolve_commit(plan.project, base) if base else None,
        "engine": engine_facts(info),
        "compose": compose_version,
        "seatrial": __version__,
        "python": platform.python_version(),
    }


def find_roots(plan: Plan, settings: Settings) -> list[Root]:
    """Every file and folder of this machine of which containers or builds are given something.

    Raises:
        NotComparableError: a build takes something from elsewhere.
    """
    own = own_folder(plan.project)
    # Compose files are not in it: all that they say is in the canonical form.
    roots = [Root(path) for path in _env_files(plan, settings)]
    roots += [Root(Path(raw["file"])) for _, raw in _given_files(plan.form) if "file" in raw]
    roots += [Root(mount.source, without=own) for mount in plan.sources]
    roots += [Root(copied.source) for copied in plan.file_copies]
    roots += [Root(path) for path in sorted(Path(probe.__file__).parent.glob("*.py"))]
    for raw in plan.form["services"].values():
        roots += [
            Root(Path(mount["source"]), without=own)
            for mount in raw.get("volumes") or ()
            if mount["type"] == "bind"
        ]
        if "build" in raw:
            roots += _build_roots(raw["build"], own)
    if settings.coverage.base:
        # Which lines changed is asked of the whole tree.
        roots.append(Root(plan.project, without=own))
    return list(dict.fromkeys(roots))


def find_images(plan: Plan) -> list[str]:
    """Names of the images that are taken from the engine's store or a registry, sorted.

    Raises:
        NotComparableError: what a Dockerfile takes them from cannot be told from it.
    """
    services = plan.form["services"].values()
    built = {raw.get("image") for raw in services if "build" in raw}
    names = {raw["image"] for raw in services if raw.get("image") and "build" not in raw} - built
    for raw in services:
        if "build" in raw:
            names |= set(_images_of(raw["build"]))
    return sorted(names)


def _build_roots(build: Mapping[str, Any], own: Path) -> Iterator[Root]:
    context = _local_folder(str(build.get("context", "")))
    dockerfile = dockerfile_path(build)
    if dockerfile:
        yield Root(dockerfile)
    ignore = find_ignore_file(context, dockerfile)
    if ignore is None:
        yield Root(context, without=own)
    else:
        yield Root(ignore)
        yield Root(context, read_ignore_file(_read(ignore)), without=own)
    for other in (build.get("additional_contexts") or {}).values():
        yield Root(_local_folder(str(other)), without=own)


def _images_of(build: Mapping[str, Any]) -> Iterator[str]:
    file = dockerfile_path(build)
    text = _read(file) if file else str(build["dockerfile_inline"])
    arguments = {key: value or "" for key, value in (build.get("args") or {}).items()}
    dockerfile = read_dockerfile(text, arguments)
    own = {stage.name for stage in dockerfile.stages} | {_SCRATCH, ""}
    for named in _sources(dockerfile):
        name = fill_in(named, arguments)
        if "$" in name:
            raise NotComparableError(f"which image {name} is cannot be told from the Dockerfile")
        if name.lower() not in own and not name.isdecimal():
            yield name


def _sources(dockerfile: Dockerfile) -> Iterator[str]:
    for stage in dockerfile.stages:
        yield stage.base
        for instruction in stage.instructions:
            yield instruction.flag("from")
            yield from (mount.get("from", "") for mount in instruction.mounts)
            if instruction.name == "ADD":
                for source in instruction.words[:-1]:
                    if "://" in source or "$" in source or source.startswith("git@"):
                        raise NotComparableError(f"a Dockerfile adds {source} from elsewhere")


def _refuse_what_leaves_no_trace(form: Mapping[str, Any], environ: Mapping[str, str]) -> None:
    for name, raw in form["services"].items():
        build = raw.get("build") or {}
        if raw.get("pull_policy") not in _LASTING_PULL_POLICIES:
            raise NotComparableError(f"service {name} asks a registry for its image each time")
        if any(str(one).startswith("container:") for one in raw.get("volumes_from") or ()):
            raise NotComparableError(f"service {name} uses the volumes of a foreign container")
        if build.get("no_cache") or build.get("pull"):
            raise NotComparableError(f"service {name} asks for a fresh build each time")
        if build.get("ssh"):
            raise NotComparableError(f"the build of service {name} uses an SSH agent")
        if build and environ.get("DOCKER_BUILDKIT", "").lower() in _FALSE:
            raise NotComparableError("the classic builder has rules of its own for what it is sent")
        for mount in raw.get("volumes") or ():
            if mount["type"] not in {"bind", "tmpfs", "volume"}:
                raise NotComparableError(f"service {name} has a mount of type {mount['type']}")
    for name, raw in (form.get("volumes") or {}).items():
        options = raw.get("driver_opts") or {}
        if raw.get("driver") not in (None, "local") or options.get("type", "tmpfs") != "tmpfs":
            raise NotComparableError(f"volume {name} brings data from elsewhere")


def _local_folder(context: str) -> Path:
    path = Path(context)
    if not path.is_absolute() or not path.is_dir():
        raise NotComparableError(f"the build context {context} is no folder of this machine")
    return path


def _given_files(form: Mapping[str, Any]) -> list[tuple[str, dict[str, Any]]]:
    """Compose's secrets and configs: files and variables that containers and builds are given."""
    return [
        (f"{kind}.{name}", raw)
        for kind in ("secrets", "configs")
        for name, raw in (form.get(kind) or {}).items()
    ]


def _env_files(plan: Plan, settings: Settings) -> list[Path]:
    named = [plan.project / name for name in settings.env_files]
    usual = [folder / ".env" for folder in (plan.project, plan.files[0].parent)]
    return [path for path in (*named, *usual) if path.is_file()]


def _proxies(environ: Mapping[str, str], home: Path) -> Any:
    """What Docker's programs put into containers and builds as proxy variables."""
    config = Path(environ.get("DOCKER_CONFIG") or home / ".docker") / "config.json"
    try:
        return json.loads(config.read_bytes()).get("proxies")
    except (OSError, ValueError, AttributeError):
        return None


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8", errors="replace")
    except OSError as error:
        raise NotComparableError(f"{path}: {error.strerror}") from error
