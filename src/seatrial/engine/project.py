"""Has Compose build the images and create the containers of a patched form."""

import json
import re
from collections.abc import Callable, Sequence
from pathlib import Path

from seatrial.errors import EnvironmentFault
from seatrial.evidence.hostile import plain_text
from seatrial.stack.compose import Compose
from seatrial.stack.model import Form
from seatrial.stack.process import Completed

__all__ = ["build_images", "create_containers", "pinned", "pull_images"]

_DETAIL_LINES = 25
_STEP_LINE = re.compile(r"^#\d+ ")
_BASE_IMAGE = re.compile(r"load metadata for (\S+)")

_BUILD_REMEDIES = (
    (("parse error", "unknown instruction"), "mend the line that the message names"),
    (
        ("failed to read dockerfile",),
        "check build.context and build.dockerfile in the compose file",
    ),
    (
        ("no such host", "failed to do request", "pull access denied", "not found: manifest"),
        "check the FROM line's image name and that a registry answers, or load the image first",
    ),
    (("target stage",), "check build.target against the Dockerfile's stages"),
    (("no space left",), "make room: docker system df shows what the engine holds"),
    (("failed to compute cache key", "not found"), "check the COPY line's path and .dockerignore"),
)


async def build_images(
    compose: Compose,
    form: Form,
    services: Sequence[str],
    *,
    cwd: Path,
    on_line: Callable[[str], None],
    use_cache: bool = True,
    told_from: Form | None = None,
) -> None:
    """Build the images of `services`, all in one call so that shared stages are built once.

    A fault names the Dockerfiles that stand in `told_from`, if that is another form.

    Raises:
        EnvironmentFault: the build failed; the details are the output of the step that failed.
    """
    done = await compose.run(
        [
            *("--progress", "plain", *_project(form), "build"),
            *(() if use_cache else ("--no-cache",)),
            *services,
        ],
        cwd=cwd,
        stdin=json.dumps(form).encode(),
        on_line=on_line,
    )
    if done.code == 0:
        return
    lines = plain_text(done.stderr).strip().splitlines() or ["docker compose build failed"]
    message = _without_wrappers(lines[-1])
    details = _failed_step(plain_text(done.stdout))
    base = next((found[1] for line in details if (found := _BASE_IMAGE.search(line))), "")
    raise EnvironmentFault(
        f"the build failed: {f'base image {base}: ' if base else ''}{message}",
        where=", ".join(_dockerfile(told_from or form, service) for service in services),
        next_step=_build_remedy(message),
        details=details,
    )


async def pull_images(compose: Compose, form: Form, services: Sequence[str], *, cwd: Path) -> None:
    """Pull the images of `services`.

    Raises:
        EnvironmentFault: an image can be had neither here nor from a registry.
    """
    done = await _run(compose, form, ["pull", "--quiet"], services, cwd=cwd)
    if done.code != 0:
        raise _unavailable(form, services, _reason(done))


async def create_containers(
    compose: Compose, form: Form, services: Sequence[str], *, cwd: Path
) -> None:
    """Create the containers of `services` (and their networks and volumes), and start none.

    Raises:
        EnvironmentFault: an image can be had neither here nor from a registry, or the engine
            refuses a setting.
    """
    options = ["--no-recreate", "--no-build", "--quiet-pull"]
    done = await _run(compose, form, ["create", *options], services, cwd=cwd)
    if done.code == 0:
        return
    lines = [line.strip() for line in plain_text(done.stderr).strip().splitlines()]
    message = _reason(done)
    unavailable = [
        line.split()[0] for line in lines if " Error " in line and not line.startswith("Error")
    ]
    if unavailable:
        raise _unavailable(form, unavailable, message)
    raise EnvironmentFault(
        f"Compose cannot make the containers: {message}",
        where=", ".join(f"services.{name}" for name in services),
        next_step="seatrial plan shows what was asked for; seatrial doctor checks the engine",
        details=tuple(lines[-_DETAIL_LINES:-1]),
    )


async def _run(
    compose: Compose, form: Form, command: Sequence[str], services: Sequence[str], *, cwd: Path
) -> Completed:
    return await compose.run(
        [*_project(form), *command, *services], cwd=cwd, stdin=json.dumps(form).encode()
    )


def _reason(done: Completed) -> str:
    lines = plain_text(done.stderr).strip().splitlines() or ["no reason given"]
    return lines[-1].strip().removeprefix("Error response from daemon: ")


def _unavailable(form: Form, services: Sequence[str], message: str) -> EnvironmentFault:
    images = {form["services"].get(name, {}).get("image", name) for name in services}
    return EnvironmentFault(
        f"the image {', '.join(sorted(images))} is not here and cannot be pulled: {message}",
        where=", ".join(f"services.{name}.image" for name in services),
        next_step="check the image's name, log in to its registry, or load it (docker load)",
    )


def pinned(form: Form, images: dict[str, str]) -> Form:
    """The form with each service in `images` using that image id: no other build can slip in."""
    services = dict(form["services"])
    for service, image in images.items():
        services[service] = {
            key: value for key, value in services[service].items() if key != "build"
        } | {"image": image}
    return {**form, "services": services}


def _project(form: Form) -> list[str]:
    return ["--project-name", form["name"], "--file", "-"]


def _dockerfile(form: Form, service: str) -> str:
    build = form["services"][service].get("build", {})
    return str(Path(build.get("context", "")) / build.get("dockerfile", "Dockerfile"))


def _without_wrappers(message: str) -> str:
    for wrapper in (
        "failed to solve: ",
        "rpc error: code = Unknown desc = ",
        "failed to solve with frontend dockerfile.v0: ",
        "failed to create LLB definition: ",
    ):
        message = message.removeprefix(wrapper)
    return message


def _build_remedy(message: str) -> str:
    for signs, remedy in _BUILD_REMEDIES:
        if any(sign in message for sign in signs):
            return remedy
    return "the failing step's output is above; logs/build.log in the trial's folder has all of it"


def _failed_step(progress: str) -> tuple[str, ...]:
    """The lines of the step that failed: all that share its number in the plain progress."""
    lines = progress.splitlines()
    failed = next((line for line in lines if _STEP_LINE.match(line) and " ERROR" in line), "")
    number = failed.split(" ", 1)[0]
    step = [line for line in lines if number and line.startswith(f"{number} ")]
    return tuple(line.removeprefix(f"{number} ") for line in step[-_DETAIL_LINES:])
