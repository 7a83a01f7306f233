"""Has Compose turn the project's files into their canonical form."""

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from seatrial.errors import UsageFault
from seatrial.stack.compose import Compose
from seatrial.stack.model import Form

__all__ = ["Canonical", "read_canonical"]

_LOG_LINE = re.compile(r'^time="[^"]*" level=warning msg="(?P<message>(?:[^"\\]|\\.)*)"')

_REMEDIES = (
    ("required variable", "set the variable in the environment or in an --env-file"),
    ("env file", "create the file, or name another with --env-file"),
    ("yaml:", "mend the YAML; the message names the line"),
    ("Additional property", "check the key's spelling and indentation"),
    ("depends on undefined service", "mend the depends_on entry, or add the service"),
    ("no such file or directory", "check the path that the message names"),
    ("permission denied", "make the file readable for the user who runs Seatrial"),
)


@dataclass(frozen=True)
class Canonical:
    """The canonical form, and what Compose warned of while making it."""

    form: Form
    warnings: tuple[str, ...]


async def read_canonical(
    compose: Compose,
    files: Sequence[Path],
    *,
    project: Path,
    name: str,
    profiles: Sequence[str] = ("*",),
    env_files: Sequence[str] = (),
) -> Canonical:
    """Run `compose config`: interpolation, `extends`, `include`, anchors and merging are its job.

    `name` becomes the compose project's name. All profiles are switched on by default, since
    the test service often stands in one of its own; which services are used is decided later.

    Raises:
        UsageFault: Compose refuses the files; its own words say why and where.
    """
    arguments = ["--project-name", name, "--project-directory", str(_directory(files, project))]
    for file in files:
        arguments += ["--file", str(file)]
    for env_file in env_files:
        arguments += ["--env-file", str(project / env_file)]
    for profile in profiles:
        arguments += ["--profile", profile]
    done = await compose.run([*arguments, "config", "--format", "json"], cwd=project)
    warnings, errors = _split(done.stderr)
    if done.code != 0:
        message = errors[-1] if errors else f"exit code {done.code}"
        raise UsageFault(
            f"Compose cannot read the compose file: {message}",
            where=", ".join(str(file) for file in files),
            next_step=_remedy(message),
            details=tuple(errors[:-1]),
        )
    return Canonical(json.loads(done.stdout), tuple(warnings))


def _directory(files: Sequence[Path], project: Path) -> Path:
    """Compose resolves relative paths against the first file's folder; say it explicitly."""
    return files[0].parent if files else project


def _split(stderr: str) -> tuple[list[str], list[str]]:
    warnings, errors = [], []
    for line in stderr.splitlines():
        if match := _LOG_LINE.match(line):
            warnings.append(match["message"].replace('\\"', '"'))
        elif line.strip():
            errors.append(line.strip())
    return list(dict.fromkeys(warnings)), errors


def _remedy(message: str) -> str:
    for sign, remedy in _REMEDIES:
        if sign in message:
            return remedy
    return "mend the file; `docker compose config` shows the same message"
