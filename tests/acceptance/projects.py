"""Makes small projects: a compose file, tests, and whatever else a test is about."""

import json
import secrets
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from textwrap import dedent

__all__ = [
    "COMPILED_COVERAGE_IMAGE",
    "COVERAGE_IMAGE",
    "PYTEST_IMAGE",
    "MakeProject",
    "Project",
    "compose_with",
    "indented",
    "make_project",
    "service",
]

PYTEST_IMAGE = "seatrial-tests-pytest"
"""Python with pytest; made once per session by a fixture."""
COVERAGE_IMAGE = "seatrial-tests-coverage"
"""The same with coverage.py, pytest-cov and xdist; made when a test asks for its fixture."""
COMPILED_COVERAGE_IMAGE = "seatrial-tests-compiled-coverage"
"""The same with coverage.py's compiled part."""

PASSING = """
    def test_passes():
        pass
"""


@dataclass(frozen=True)
class Project:
    """A project of a user, in a folder of its own whose name no other project has."""

    folder: Path

    @property
    def runs(self) -> Path:
        """Where its trials are."""
        return self.folder / ".seatrial" / "runs"

    def trials(self) -> list[str]:
        """The ids of its trials, oldest first."""
        return sorted(path.name for path in self.runs.glob("*"))

    def write(self, name: str, text: str, *, mode: int = 0o644) -> Path:
        """Write a file of the project."""
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(dedent(text).lstrip("\n"), encoding="utf-8")
        path.chmod(mode)
        return path

    def tree(self) -> dict[str, tuple[int, int, int, int]]:
        """Owner, group, mode and size of all that is the user's: everything but `.seatrial`."""
        return {str(path): _state(path) for path in self._own_files()}

    def _own_files(self) -> Iterator[Path]:
        home = self.folder / ".seatrial"
        for path in sorted(self.folder.rglob("*")):
            if path != home and home not in path.parents:
                yield path


MakeProject = Callable[..., Project]


def make_project(
    parent: Path,
    *,
    compose: str | None = None,
    tests: str | None = PASSING,
    files: Mapping[str, str] | None = None,
) -> Project:
    """Make a project below `parent`: `compose` is its compose file, `tests` its test_sample.py."""
    project = Project(parent / f"acc-{secrets.token_hex(4)}")
    project.folder.mkdir()
    project.write("docker-compose.test.yml", compose_with() if compose is None else compose)
    if tests is not None:
        project.write("test_sample.py", tests)
    for name, text in (files or {}).items():
        project.write(name, text)
    return project


def compose_with(
    *services: str,
    test: str = "",
    command: str = "pytest -q -p no:cacheprovider",
    volumes: Sequence[str] = (".:/app",),
    tail: str = "",
    image: str = PYTEST_IMAGE,
) -> str:
    """A compose file with a test service that runs pytest on the mounted project.

    `test` is further YAML of the test service, `services` and `tail` stand beside it; each may be
    indented as it likes.
    """
    own = f"""
        image: {image}
        working_dir: /app
        command: {command}
        volumes: {json.dumps(list(volumes))}
    """
    parts = ["services:", service("test", own), indented(test, 4), *services, dedent(tail)]
    return "\n".join(part.rstrip("\n") for part in parts if part.strip()) + "\n"


def service(name: str, text: str) -> str:
    """One service of a compose file, from the YAML of what it has."""
    return f"  {name}:\n{indented(text, 4)}"


def indented(text: str, spaces: int) -> str:
    """The text's lines, set in by `spaces`."""
    lines = dedent(text).strip("\n").splitlines()
    return "\n".join(" " * spaces + line if line.strip() else "" for line in lines)


def _state(path: Path) -> tuple[int, int, int, int]:
    found = path.lstat()
    return found.st_uid, found.st_gid, found.st_mode, 0 if path.is_dir() else found.st_size
