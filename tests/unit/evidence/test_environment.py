"""When a rehearsal's project is another one."""

from pathlib import Path

import pytest

from seatrial.evidence.environment import environment_hash


@pytest.mark.parametrize(
    "name",
    [
        "docker-compose.test.yml",
        "deploy/compose.yaml",
        ".docker/compose.test.yml",
        "Dockerfile",
        "docker/Dockerfile.test",
        "docker/tests.Dockerfile",
        ".dockerignore",
        "conftest.py",
        "tests/api/conftest.py",
        "pytest.ini",
        "seatrial.toml",
        "odd-name.yml",
    ],
)
def test_a_file_that_shapes_the_environment_changes_the_hash(tmp_path: Path, name: str) -> None:
    file = tmp_path / name
    before = environment_hash(tmp_path, ["odd-name.yml"])
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text("first")
    with_it = environment_hash(tmp_path, ["odd-name.yml"])
    file.write_text("other")
    assert len({before, with_it, environment_hash(tmp_path, ["odd-name.yml"])}) == 3


@pytest.mark.parametrize(
    ("name", "before", "after"),
    [
        ("app.py", "one = 1", "one = 2"),
        ("pyproject.toml", '[project]\nversion = "1"', '[project]\nversion = "2"'),
        ("setup.cfg", "[metadata]\nversion = 1", "[metadata]\nversion = 2"),
        (".git/conftest.py", "1", "2"),
    ],
)
def test_other_files_do_not(tmp_path: Path, name: str, before: str, after: str) -> None:
    file = tmp_path / name
    file.parent.mkdir(exist_ok=True)
    file.write_text(before)
    first = environment_hash(tmp_path)
    file.write_text(after)
    assert environment_hash(tmp_path) == first


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("pyproject.toml", '[tool.pytest.ini_options]\naddopts = "-x"'),
        ("pyproject.toml", "[tool.seatrial]\nworkers = 2"),
        ("setup.cfg", "[tool:pytest]\naddopts = -x"),
        ("tox.ini", "[pytest]\naddopts = -x"),
    ],
)
def test_tables_and_sections_of_pytest_and_seatrial_do(
    tmp_path: Path, name: str, text: str
) -> None:
    first = environment_hash(tmp_path)
    (tmp_path / name).write_text(text)
    assert environment_hash(tmp_path) != first


def test_a_file_that_cannot_be_parsed_is_no_error(tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_bytes(b"\xff[")
    (tmp_path / "tox.ini").write_bytes(b"[[")
    assert len(environment_hash(tmp_path)) == 64
