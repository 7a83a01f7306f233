import os
import shutil
from pathlib import Path
from textwrap import dedent

import pytest

from seatrial.errors import EnvironmentFault, UsageFault
from seatrial.stack.canonical import Canonical, read_canonical
from seatrial.stack.compose import Compose, find_compose


@pytest.fixture
async def compose(tmp_path: Path) -> Compose:
    """Compose itself: reading files needs no engine."""
    environ = {"PATH": os.environ["PATH"], "HOME": os.environ.get("HOME", "/")}
    if not shutil.which("docker") and not shutil.which("docker-compose"):
        pytest.skip("Compose is not installed")
    try:
        return await find_compose(environ, tmp_path)
    except EnvironmentFault as fault:
        pytest.skip(fault.what)


async def read(
    compose: Compose, project: Path, *texts: str, env_files: tuple[str, ...] = ()
) -> Canonical:
    files = []
    for number, text in enumerate(texts):
        file = project / f"compose-{number}.yml"
        file.write_text(dedent(text), encoding="utf-8")
        files.append(file)
    return await read_canonical(compose, files, project=project, name="trial", env_files=env_files)


async def test_several_files_are_merged(compose: Compose, tmp_path: Path) -> None:
    canonical = await read(
        compose,
        tmp_path,
        "services: {db: {image: 'postgres:16'}}",
        "services: {db: {image: 'postgres:17'}, test: {image: x, command: pytest -q}}",
    )

    assert canonical.form["name"] == "trial"
    assert canonical.form["services"]["db"]["image"] == "postgres:17"
    assert canonical.form["services"]["test"]["command"] == ["pytest", "-q"]
    assert canonical.warnings == ()


async def test_paths_are_relative_to_the_first_file(compose: Compose, tmp_path: Path) -> None:
    project = tmp_path / "sub"
    project.mkdir()

    canonical = await read(
        compose, project, "services: {test: {image: x, volumes: ['./src:/src']}}"
    )

    assert canonical.form["services"]["test"]["volumes"][0]["source"] == str(project / "src")


async def test_every_profile_is_read(compose: Compose, tmp_path: Path) -> None:
    canonical = await read(
        compose, tmp_path, "services: {test: {image: x, profiles: [ci]}, db: {image: y}}"
    )

    assert set(canonical.form["services"]) == {"test", "db"}


async def test_variables_come_from_the_named_file(compose: Compose, tmp_path: Path) -> None:
    (tmp_path / "ci.env").write_text("TAG=16\n", encoding="utf-8")

    canonical = await read(
        compose, tmp_path, "services: {db: {image: 'postgres:$TAG'}}", env_files=("ci.env",)
    )

    assert canonical.form["services"]["db"]["image"] == "postgres:16"


async def test_an_unset_variable_is_a_warning(compose: Compose, tmp_path: Path) -> None:
    canonical = await read(
        compose, tmp_path, "services: {db: {image: x, environment: {P: '$UNSET_HERE'}}}"
    )

    assert len(canonical.warnings) == 1
    assert '"UNSET_HERE" variable is not set' in canonical.warnings[0]


@pytest.mark.parametrize(
    ("text", "word", "remedy"),
    [
        ("services: {db: {image: '${PG_IMAGE:?say which}'}}", "PG_IMAGE", "set the variable"),
        ("services:\n  db: [\n", "yaml", "mend the YAML"),
        ("services: {db: {image: x, colour: red}}", "colour", "spelling"),
        ("services: {db: {image: x, depends_on: [nobody]}}", "nobody", "depends_on"),
        ("services: {db: {image: x, env_file: [missing.env]}}", "missing.env", "create the file"),
        ("services: {db: {image: x, volumes: ['data:/data']}}", "data", "mend the file"),
    ],
)
async def test_what_compose_refuses_is_told_in_its_words_with_a_remedy(
    compose: Compose, tmp_path: Path, text: str, word: str, remedy: str
) -> None:
    with pytest.raises(UsageFault, match=word) as raised:
        await read(compose, tmp_path, text)

    assert raised.value.where == str(tmp_path / "compose-0.yml")
    assert remedy in raised.value.next_step


async def test_a_missing_variables_file_is_a_fault(compose: Compose, tmp_path: Path) -> None:
    with pytest.raises(UsageFault, match=r"ci\.env"):
        await read(compose, tmp_path, "services: {db: {image: x}}", env_files=("ci.env",))


async def test_dollars_of_a_command_stay_escaped(compose: Compose, tmp_path: Path) -> None:
    canonical = await read(
        compose, tmp_path, "services: {test: {image: x, command: ['sh', '-c', 'echo $$HOME']}}"
    )

    assert canonical.form["services"]["test"]["command"] == ["sh", "-c", "echo $$HOME"]
