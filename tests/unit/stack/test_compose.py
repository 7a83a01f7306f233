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
    (tmp_path / "docker").write_bytes(b"\x7fELF of another machine")
    (tmp_path / "docker").chmod(0o755)

    with pytest.raises(EnvironmentFault, match="missing"):
        await find_compose({"PATH": str(tmp_path)}, tmp_path)


async def test_compose_runs_in_the_environment_it_was_found_in(tmp_path: Path) -> None:
    environ = install(tmp_path, "docker", 'echo "2.0 $WORD $*"') | {"WORD": "hello"}
    compose = await find_compose(environ, tmp_path)

    done = await compose.run(["config", "--quiet"], cwd=tmp_path)

    assert done.stdout == "2.0 hello compose config --quiet\n"
