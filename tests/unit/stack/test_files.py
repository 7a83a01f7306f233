from pathlib import Path

import pytest

from seatrial.errors import UsageFault
from seatrial.stack.files import find_compose_files


def make(project: Path, *names: str) -> None:
    for name in names:
        path = project / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()


@pytest.mark.parametrize(
    "name",
    [
        "docker-compose.test.yml",
        "docker-compose.test.yaml",
        "docker-compose-test.yml",
        "compose.test.yml",
        "compose.tests.yaml",
        "tests/docker-compose.test.yml",
        "docker/compose.test.yml",
    ],
)
def test_a_file_written_for_tests_is_found(tmp_path: Path, name: str) -> None:
    make(tmp_path, name)

    assert find_compose_files(tmp_path, ()) == (tmp_path / name,)


def test_a_file_written_for_tests_wins_over_the_plain_one(tmp_path: Path) -> None:
    make(tmp_path, "compose.yml", "docker/docker-compose.test.yml")

    assert find_compose_files(tmp_path, ()) == (tmp_path / "docker/docker-compose.test.yml",)


def test_the_one_in_the_projects_folder_wins_over_one_below(tmp_path: Path) -> None:
    make(tmp_path, "tests/docker-compose.test.yml", "compose.test.yml")

    assert find_compose_files(tmp_path, ()) == (tmp_path / "compose.test.yml",)


@pytest.mark.parametrize("name", ["compose.yaml", "docker-compose.yml"])
def test_a_plain_file_is_found(tmp_path: Path, name: str) -> None:
    make(tmp_path, name)

    assert find_compose_files(tmp_path, ()) == (tmp_path / name,)


def test_a_plain_file_is_read_with_its_override(tmp_path: Path) -> None:
    make(tmp_path, "docker-compose.yml", "docker-compose.override.yml", "compose.override.yml")

    assert find_compose_files(tmp_path, ()) == (
        tmp_path / "docker-compose.yml",
        tmp_path / "docker-compose.override.yml",
    )


def test_named_files_are_taken_in_their_order(tmp_path: Path) -> None:
    make(tmp_path, "b.yml", "sub/a.yml", "compose.test.yml")

    assert find_compose_files(tmp_path, ("b.yml", "sub/a.yml")) == (
        tmp_path / "b.yml",
        tmp_path / "sub/a.yml",
    )


def test_an_absolute_name_is_taken_as_it_is(tmp_path: Path) -> None:
    make(tmp_path, "elsewhere/x.yml")
    file = tmp_path / "elsewhere/x.yml"

    assert find_compose_files(tmp_path / "project", (str(file),)) == (file,)


def test_a_named_file_that_is_missing_is_a_fault(tmp_path: Path) -> None:
    make(tmp_path, "compose.yml")

    with pytest.raises(UsageFault, match=r"ci\.yml does not exist") as raised:
        find_compose_files(tmp_path, ("compose.yml", "ci.yml"))

    assert raised.value.where == str(tmp_path / "ci.yml")


def test_a_folder_is_no_compose_file(tmp_path: Path) -> None:
    (tmp_path / "compose.yml").mkdir()

    with pytest.raises(UsageFault):
        find_compose_files(tmp_path, ("compose.yml",))
    with pytest.raises(UsageFault):
        find_compose_files(tmp_path, ())


def test_a_project_without_compose_file_is_told_how_to_name_one(tmp_path: Path) -> None:
    with pytest.raises(UsageFault, match="no compose file found") as raised:
        find_compose_files(tmp_path, ())

    assert raised.value.where == str(tmp_path)
    assert "--file" in raised.value.next_step
