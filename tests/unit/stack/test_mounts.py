import socket
from pathlib import Path

import pytest

from seatrial.stack.model import Mount
from seatrial.stack.mounts import Treatment, treat_mount


def treat(
    source: Path,
    target: str = "/app",
    *,
    read_only: bool = False,
    project: Path = Path("/nonexistent"),
    outputs: tuple[str, ...] = (),
    tracked: bool = False,
) -> Treatment:
    return treat_mount(
        Mount("bind", str(source), target, read_only),
        project=project,
        outputs=outputs,
        has_tracked_files=lambda _: tracked,
    )


def test_a_folder_of_sources_is_protected(tmp_path: Path) -> None:
    assert treat(tmp_path) is Treatment.SOURCE


@pytest.mark.parametrize("name", ["reports", "htmlcov", "Test-Results", "coverage", "logs"])
def test_a_folder_with_the_name_of_an_output_is_one(tmp_path: Path, name: str) -> None:
    (tmp_path / name).mkdir()

    assert treat(tmp_path / name) is Treatment.OUTPUT


def test_a_folder_whose_files_version_control_knows_is_no_output(tmp_path: Path) -> None:
    (tmp_path / "reports").mkdir()

    assert treat(tmp_path / "reports", tracked=True) is Treatment.SOURCE


def test_a_mount_whose_place_in_the_container_is_named_is_an_output(tmp_path: Path) -> None:
    assert treat(tmp_path, "/app/out/", outputs=("/app/out",)) is Treatment.OUTPUT


def test_a_folder_that_the_settings_name_is_an_output_even_if_tracked(tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()

    treatment = treat(tmp_path / "out", project=tmp_path, outputs=("./out",), tracked=True)

    assert treatment is Treatment.OUTPUT


def test_a_folder_that_does_not_exist_is_an_output(tmp_path: Path) -> None:
    assert treat(tmp_path / "missing") is Treatment.OUTPUT


def test_what_is_mounted_read_only_is_kept(tmp_path: Path) -> None:
    (tmp_path / "file").touch()

    assert treat(tmp_path, read_only=True) is Treatment.KEEP
    assert treat(tmp_path / "file", read_only=True) is Treatment.KEEP


def test_a_single_file_is_copied(tmp_path: Path) -> None:
    (tmp_path / "conf.ini").touch()

    assert treat(tmp_path / "conf.ini") is Treatment.FILE


def test_a_socket_is_kept(tmp_path: Path) -> None:
    path = tmp_path / "s"
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(path))

        assert treat(path) is Treatment.KEEP


@pytest.mark.parametrize(
    "target",
    ["/var/lib/postgresql/data", "/var/lib/postgresql", "/var/lib/mysql", "/data/db"],
)
def test_a_servers_data_folder_is_made_fresh(tmp_path: Path, target: str) -> None:
    assert treat(tmp_path, target) is Treatment.DATA


def test_a_folder_beside_a_data_folder_is_not_one(tmp_path: Path) -> None:
    assert treat(tmp_path, "/var/lib/postgresql-scripts") is Treatment.SOURCE
