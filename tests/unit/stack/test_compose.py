import json
from pathlib import Path

import pytest

from seatrial.errors import EnvironmentFault
from seatrial.stack.compose import find_compose


def install(folder: Path, name: str, script: str, *, mode: int = 0o755) -> dict[str, str]:
    """Put a program on an otherwise empty PATH."""
    program = folder / name
    program.write_text(f"#!/bin/sh\n{script}\n", encoding="utf-8")
    program.chmod(mode)
    return {"PATH": str(folder)}


def client(folder: Path) -> dict[str, str]:
    """A program on the PATH that is no script, as Docker's client is, but of another machine."""
    (folder / "docker").write_bytes(b"\x7fELF of another machine")
    (folder / "docker").chmod(0o755)
    (folder / "config").mkdir()
    return {"PATH": str(folder), "DOCKER_CONFIG": str(folder / "config")}


def plug_in(folder: Path, script: str) -> str:
    folder.mkdir(parents=True)
    install(folder, "docker-compose", script)
    return str(folder / "docker-compose")


async def test_the_plug_in_is_found(tmp_path: Path) -> None:
    environ = install(tmp_path, "docker", "echo v2.30.1")

    compose = await find_compose(environ, tmp_path)

    assert compose.program == ("docker", "compose")
    assert compose.version == "2.30.1"


async def test_else_the_program_of_its_own(tmp_path: Path) -> None:
    install(tmp_path, "docker", "echo no such plug-in >&2; exit 1")
    environ = install(tmp_path, "docker-compose", "echo 2.30.1")

    assert (await find_compose(environ, tmp_path)).program == ("docker-compose",)


async def test_the_compose_written_in_python_is_too_old(tmp_path: Path) -> None:
    environ = install(tmp_path, "docker-compose", "echo 1.29.2")

    with pytest.raises(EnvironmentFault, match=r"1\.29\.2 is too old") as raised:
        await find_compose(environ, tmp_path)

    assert "docker-compose-plugin" in raised.value.next_step


async def test_a_missing_compose_is_told_with_what_to_install(tmp_path: Path) -> None:
    with pytest.raises(EnvironmentFault, match="Docker Compose is missing") as raised:
        await find_compose({"PATH": str(tmp_path)}, tmp_path)

    assert "install the Compose plug-in" in raised.value.next_step


async def test_a_program_that_may_not_be_run_is_a_missing_one(tmp_path: Path) -> None:
    environ = install(tmp_path, "docker", "echo 2.30.1", mode=0o644)

    with pytest.raises(EnvironmentFault, match="missing"):
        await find_compose(environ, tmp_path)


async def test_a_broken_program_is_a_missing_one(tmp_path: Path) -> None:
    with pytest.raises(EnvironmentFault, match="missing"):
        await find_compose(client(tmp_path), tmp_path, plugin_folders=())


@pytest.mark.parametrize("place", ["config/cli-plugins", "system", "extra"])
async def test_the_plug_in_of_the_client_is_run_without_it(tmp_path: Path, place: str) -> None:
    environ = client(tmp_path)
    plugin = plug_in(tmp_path / place, "echo 2.30.1")
    (tmp_path / "config/config.json").write_text(
        json.dumps({"cliPluginsExtraDirs": [str(tmp_path / "extra")]}), encoding="utf-8"
    )

    compose = await find_compose(environ, tmp_path, plugin_folders=[str(tmp_path / "system")])

    assert compose.program == (plugin,)


async def test_a_script_in_the_clients_place_keeps_its_say(tmp_path: Path) -> None:
    environ = install(tmp_path, "docker", "echo 2.30.2")
    plug_in(tmp_path / "system", "echo 2.30.1")

    compose = await find_compose(environ, tmp_path, plugin_folders=[str(tmp_path / "system")])

    assert (compose.program, compose.version) == (("docker", "compose"), "2.30.2")


async def test_a_plug_in_that_does_not_answer_is_passed_over(tmp_path: Path) -> None:
    environ = client(tmp_path)
    plug_in(tmp_path / "system", "exit 1")
    install(tmp_path, "docker-compose", "echo 2.30.2")

    compose = await find_compose(environ, tmp_path, plugin_folders=[str(tmp_path / "system")])

    assert compose.program == ("docker-compose",)


async def test_compose_runs_in_the_environment_it_was_found_in(tmp_path: Path) -> None:
    environ = install(tmp_path, "docker", 'echo "2.0 $WORD $*"') | {"WORD": "hello"}
    compose = await find_compose(environ, tmp_path)

    done = await compose.run(["config", "--quiet"], cwd=tmp_path)

    assert done.stdout == "2.0 hello compose config --quiet\n"
