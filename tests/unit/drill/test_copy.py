import os
import subprocess
from pathlib import Path

import pytest

from seatrial.drill.copy import copy_project
from seatrial.errors import EnvironmentFault


def git(folder: Path, *arguments: str) -> str:
    identity = ("-c", "user.name=a", "-c", "user.email=a@example.org")
    done = subprocess.run(
        ["git", "-C", str(folder), *identity, *arguments],
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout


def fill(folder: Path, *names: str) -> None:
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(name, encoding="utf-8")


def files(folder: Path) -> set[str]:
    found = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}
    return {name for name in found if not name.startswith(".git/")}


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A git tree with a commit, a change, a new file, and ignored ones."""
    folder = tmp_path / "shop"
    fill(folder, "tracked.py", "changed.py", "deleted.py", ".gitignore")
    (folder / ".gitignore").write_text("cache/\n.env\nsecret.txt\n.seatrial/\n", encoding="utf-8")
    git(tmp_path, "init", "--quiet", str(folder))
    git(folder, "add", "--all")
    git(folder, "commit", "--quiet", "--message", "first")
    git(folder, "tag", "v1")
    fill(folder, "new.py", "cache/x", "secret.txt", ".env", ".seatrial/runs/x/record.json")
    (folder / "changed.py").write_text("other", encoding="utf-8")
    (folder / "deleted.py").unlink()
    return folder


def test_a_git_tree_is_copied_as_it_is_now_without_what_is_ignored(
    project: Path, tmp_path: Path
) -> None:
    copy = tmp_path / "work" / "copy"

    copy_project(project, copy)

    assert files(copy) == {"tracked.py", "changed.py", "new.py", ".gitignore", ".env"}
    assert (copy / "changed.py").read_text() == "other"


def test_what_the_settings_name_is_copied_although_it_is_ignored(
    project: Path, tmp_path: Path
) -> None:
    copy_project(project, tmp_path / "copy", also=["secret.txt"])

    assert (tmp_path / "copy/secret.txt").is_file()


def test_the_copy_has_the_same_history_and_its_changes_stay_in_it(
    project: Path, tmp_path: Path
) -> None:
    before = git(project, "status", "--porcelain"), git(project, "rev-parse", "HEAD")
    copy = tmp_path / "copy"

    copy_project(project, copy)
    assert git(copy, "describe", "--tags").strip() == "v1"
    git(copy, "commit", "--quiet", "--all", "--message", "of the copy")

    assert (git(project, "status", "--porcelain"), git(project, "rev-parse", "HEAD")) == before


def test_a_folder_of_a_larger_tree_is_copied_alone_and_git_knows_its_files(
    project: Path, tmp_path: Path
) -> None:
    fill(project, "part/compose.yml", "part/reports/kept.txt", "part/cache/x")
    git(project, "add", "--all")

    copy_project(project / "part", tmp_path / "copy")

    assert files(tmp_path / "copy") == {"compose.yml", "reports/kept.txt"}
    assert "reports/kept.txt" in git(tmp_path / "copy", "ls-files", "--", "reports")


def test_without_git_everything_is_copied_but_environments_and_our_own_folder(
    tmp_path: Path,
) -> None:
    folder = tmp_path / "shop"
    fill(folder, "a.py", "sub/b.py", ".env", ".seatrial/runs/x", "myenv/pyvenv.cfg", "myenv/x.py")
    fill(folder, "node_modules/x.js", "__pycache__/a.pyc")
    (folder / "link").symlink_to("sub")

    copy_project(folder, tmp_path / "copy")

    copied = files(tmp_path / "copy")
    assert {"a.py", "sub/b.py", ".env"} <= copied
    assert not any("seatrial" in name or "env/" in name or "cache" in name for name in copied)
    assert (tmp_path / "copy/link").readlink() == Path("sub")


def test_modes_are_kept_since_scripts_must_run(tmp_path: Path) -> None:
    fill(tmp_path / "shop", "run.sh")
    (tmp_path / "shop/run.sh").chmod(0o755)

    copy_project(tmp_path / "shop", tmp_path / "copy")

    assert os.access(tmp_path / "copy/run.sh", os.X_OK)


def test_a_copy_that_cannot_be_written_is_told(project: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("", encoding="utf-8")

    with pytest.raises(EnvironmentFault, match="throwaway copy"):
        copy_project(project, tmp_path / "file" / "copy")
