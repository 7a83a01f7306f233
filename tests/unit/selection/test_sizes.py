import subprocess
from pathlib import Path

import pytest

from seatrial.selection.sizes import file_sizes


@pytest.fixture(params=["with git", "without git"])
def project(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    if request.param == "with git":
        subprocess.run(["git", "init", "--quiet", str(tmp_path)], check=True)
    return tmp_path


def test_test_files_weigh_what_they_hold(project: Path) -> None:
    write(project, "tests/unit/test_a.py", 10)
    write(project, "b_test.py", 20)
    write(project, "tests/conftest.py", 40)
    write(project, "tests/test_data.json", 80)

    assert file_sizes(project) == {"tests/unit/test_a.py": 10, "b_test.py": 20}


def test_other_names_can_be_asked_for(project: Path) -> None:
    write(project, "tests/check_a.py", 10)
    write(project, "tests/test_a.py", 20)

    assert file_sizes(project, ["check_*.py"]) == {"tests/check_a.py": 10}


@pytest.mark.parametrize("folder", [".tox", "node_modules", "build", "venv", "src/x.egg"])
def test_folders_that_pytest_passes_by_are_left_out(project: Path, folder: str) -> None:
    write(project, f"{folder}/test_a.py", 10)

    assert file_sizes(project) == {}


def test_a_file_that_git_ignores_is_left_out(tmp_path: Path) -> None:
    subprocess.run(["git", "init", "--quiet", str(tmp_path)], check=True)
    (tmp_path / ".gitignore").write_text("/generated\n", encoding="utf-8")
    write(tmp_path, "generated/test_a.py", 10)
    write(tmp_path, "test_b.py", 20)

    assert file_sizes(tmp_path) == {"test_b.py": 20}


def test_a_file_that_is_gone_though_git_knows_it_is_left_out(tmp_path: Path) -> None:
    subprocess.run(["git", "init", "--quiet", str(tmp_path)], check=True)
    write(tmp_path, "test_a.py", 10)
    subprocess.run(["git", "-C", str(tmp_path), "add", "."], check=True)
    (tmp_path / "test_a.py").unlink()

    assert file_sizes(tmp_path) == {}


def test_names_are_those_below_the_project_even_if_git_is_rooted_above_it(tmp_path: Path) -> None:
    subprocess.run(["git", "init", "--quiet", str(tmp_path)], check=True)
    write(tmp_path, "part/tests/test_a.py", 10)
    write(tmp_path, "test_above.py", 20)

    assert file_sizes(tmp_path / "part") == {"tests/test_a.py": 10}


def test_links_are_left_out_and_odd_names_are_kept(project: Path) -> None:
    write(project, "tests/test_ä b.py", 10)
    (project / "test_link.py").symlink_to("tests/test_ä b.py")

    assert file_sizes(project) == {"tests/test_ä b.py": 10}


def test_a_project_without_test_files_weighs_nothing(project: Path) -> None:
    assert file_sizes(project) == {}


def write(project: Path, name: str, size: int) -> None:
    path = project / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"#" * size)
