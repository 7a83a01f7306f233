"""Finds a project's compose files when nobody names them."""

from pathlib import Path

from seatrial.errors import UsageFault

__all__ = ["find_compose_files"]

_TEST_STEMS = (
    "docker-compose.test",
    "docker-compose.tests",
    "docker-compose-test",
    "docker-compose-tests",
    "docker-compose.testing",
    "compose.test",
    "compose.tests",
    "compose-test",
)
_PLAIN_STEMS = ("compose", "docker-compose")
_SUFFIXES = (".yml", ".yaml")
_FOLDERS = ("", "docker", ".docker", "tests", "test")


def find_compose_files(project: Path, named: tuple[str, ...]) -> tuple[Path, ...]:
    """The compose files that make the stack, as absolute paths.

    Without names: one that is written for tests, wherever projects keep it; else the project's
    plain file (with its override file, as Compose itself would read it).

    Raises:
        UsageFault: a named file is missing, or there is none at all.
    """
    if named:
        files = tuple((project / name).resolve() for name in named)
        for file in files:
            if not file.is_file():
                raise UsageFault(
                    f"the compose file {file.name} does not exist",
                    where=str(file),
                    next_step="check the path given with --file or compose_files",
                )
        return files
    for folder in _FOLDERS:
        for stem in _TEST_STEMS:
            written_for_tests = _first(project / folder, stem)
            if written_for_tests:
                return (written_for_tests,)
    for stem in _PLAIN_STEMS:
        plain = _first(project, stem)
        if plain:
            override = _first(project, f"{stem}.override")
            return (plain, override) if override else (plain,)
    raise UsageFault(
        "no compose file found",
        where=str(project),
        next_step=(
            "run in the project's folder, or name the file: seatrial run --file PATH "
            f"(looked for {_TEST_STEMS[0]}.yml, {_PLAIN_STEMS[0]}.yaml and their usual variants)"
        ),
    )


def _first(folder: Path, stem: str) -> Path | None:
    for suffix in _SUFFIXES:
        file = folder / (stem + suffix)
        if file.is_file():
            return file.resolve()
    return None
