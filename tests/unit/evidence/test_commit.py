import hashlib
import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from seatrial.evidence.commit import has_tracked_files, read_commit

Git = Callable[..., str]


@pytest.fixture
def git(tmp_path: Path) -> Git:
    """Runs git in a new repository, whatever this machine's configuration says."""
    environ = {
        "PATH": os.environ["PATH"],
        "HOME": str(tmp_path),
        "GIT_CONFIG_NOSYSTEM": "1",
        **{
            f"GIT_{who}_{what}": value
            for who in ("AUTHOR", "COMMITTER")
            for what, value in (("NAME", "A"), ("EMAIL", "a@example.org"))
        },
    }

    def run(*arguments: str) -> str:
        return subprocess.run(
            ["git", "-C", str(tmp_path), *arguments],
            env=environ,
            check=True,
            capture_output=True,
            text=True,
        ).stdout.strip()

    run("init", "--quiet", "--initial-branch=trunk")
    return run


def commit(git: Git, folder: Path, name: str = "main.py") -> str:
    (folder / name).parent.mkdir(parents=True, exist_ok=True)
    (folder / name).write_text("x", encoding="utf-8")
    git("add", "--all")
    git("commit", "--quiet", "--message", "why")
    return git("rev-parse", "HEAD")


def test_a_clean_tree_is_of_its_commit(tmp_path: Path, git: Git) -> None:
    made = commit(git, tmp_path)

    found = read_commit(tmp_path)

    assert found is not None
    assert (found.id, found.branch, found.dirty) == (made, "trunk", False)


@pytest.mark.parametrize("name", ["main.py", "new.py"])
def test_a_changed_or_new_file_makes_it_dirty(tmp_path: Path, git: Git, name: str) -> None:
    commit(git, tmp_path)
    (tmp_path / name).write_text("changed", encoding="utf-8")

    found = read_commit(tmp_path)

    assert found is not None
    assert found.dirty


@pytest.mark.parametrize("flag", ["--assume-unchanged", "--skip-worktree"])
def test_a_file_that_git_is_told_not_to_look_at_makes_it_dirty(
    tmp_path: Path, git: Git, flag: str
) -> None:
    commit(git, tmp_path)
    git("update-index", flag, "main.py")
    (tmp_path / "main.py").write_text("changed", encoding="utf-8")

    found = read_commit(tmp_path)

    assert found is not None
    assert found.dirty


def test_new_files_make_it_dirty_whatever_git_is_told_to_show(tmp_path: Path, git: Git) -> None:
    commit(git, tmp_path)
    git("config", "status.showUntrackedFiles", "no")
    (tmp_path / "new.py").touch()

    found = read_commit(tmp_path)

    assert found is not None
    assert found.dirty


@pytest.mark.parametrize(
    ("name", "dirty"),
    [
        ("conftest.py", True),
        ("tests/conftest.py", True),
        ("seatrial-waivers.toml", True),
        ("pytest.ini", True),
        (".venv/lib/conftest.py", False),
        ("notes.txt", False),
    ],
)
def test_an_ignored_file_that_steers_tests_makes_it_dirty(
    tmp_path: Path, git: Git, name: str, dirty: bool
) -> None:
    commit(git, tmp_path, "tests/test_one.py")
    exclude = tmp_path / ".git/info/exclude"
    exclude.write_text("conftest.py\n*.ini\n*.toml\n.venv/\nnotes.txt\n", encoding="utf-8")
    (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
    (tmp_path / name).touch()

    found = read_commit(tmp_path)

    assert found is not None
    assert found.dirty == dirty


def test_a_detached_head_has_no_branch(tmp_path: Path, git: Git) -> None:
    made = commit(git, tmp_path)
    git("checkout", "--quiet", made)

    found = read_commit(tmp_path)

    assert found is not None
    assert found.branch is None


def test_only_the_projects_own_folder_counts(tmp_path: Path, git: Git) -> None:
    commit(git, tmp_path, "project/main.py")
    (tmp_path / "elsewhere.txt").write_text("x", encoding="utf-8")

    found = read_commit(tmp_path / "project")

    assert found is not None
    assert not found.dirty


def test_seatrials_own_folder_does_not_make_it_dirty(tmp_path: Path, git: Git) -> None:
    commit(git, tmp_path)
    (tmp_path / ".seatrial").mkdir()
    (tmp_path / ".seatrial/.gitignore").write_text("*\n", encoding="utf-8")

    found = read_commit(tmp_path)

    assert found is not None
    assert not found.dirty


def test_a_repository_without_commit_has_none(tmp_path: Path, git: Git) -> None:
    assert read_commit(tmp_path) is None


def test_a_folder_outside_version_control_has_none(tmp_path: Path) -> None:
    assert read_commit(tmp_path) is None
    assert read_commit(tmp_path / "missing") is None
    assert not has_tracked_files(tmp_path)


def test_a_folder_is_tracked_if_version_control_knows_a_file_in_it(
    tmp_path: Path, git: Git
) -> None:
    commit(git, tmp_path, "reports/template.html")
    (tmp_path / "fresh").mkdir()
    (tmp_path / "fresh/new.xml").touch()

    assert has_tracked_files(tmp_path / "reports")
    assert not has_tracked_files(tmp_path / "fresh")


@pytest.mark.parametrize("name", [".gitignore", ".gitkeep", "README.md"])
def test_a_file_that_only_keeps_the_folder_does_not_count(
    tmp_path: Path, git: Git, name: str
) -> None:
    commit(git, tmp_path, f"reports/{name}")

    assert not has_tracked_files(tmp_path / "reports")


def test_a_change_that_a_filter_takes_back_before_git_compares_makes_it_dirty(
    tmp_path: Path, git: Git
) -> None:
    commit(git, tmp_path)
    (tmp_path / ".git/info/attributes").write_text("*.py filter=hide\n")
    git("config", "filter.hide.clean", "git cat-file blob HEAD:main.py")
    (tmp_path / "main.py").write_text("y", encoding="utf-8")  # of the same size
    os.utime(tmp_path / "main.py", (2e9, 2e9))
    assert git("status", "--porcelain") == ""

    found = read_commit(tmp_path)

    assert found is not None
    assert found.dirty


@pytest.mark.parametrize(("content", "dirty"), [("large", False), ("other", True)])
def test_a_file_of_git_lfs_is_the_one_that_its_pointer_names(
    tmp_path: Path, git: Git, content: str, dirty: bool
) -> None:
    digest = hashlib.sha256(b"large").hexdigest()
    pointer = f"version https://git-lfs.github.com/spec/v1\noid sha256:{digest}\nsize 5\n"
    (tmp_path / ".gitattributes").write_text("*.bin filter=lfs\n")
    git("config", "filter.lfs.clean", f"printf '{pointer}'".replace("\n", "\\n"))
    (tmp_path / "data.bin").write_text("large", encoding="utf-8")
    commit(git, tmp_path)
    assert git("cat-file", "blob", "HEAD:data.bin") == pointer.strip()
    (tmp_path / "data.bin").write_text(content, encoding="utf-8")
    os.utime(tmp_path / "data.bin", (2e9, 2e9))

    found = read_commit(tmp_path)

    assert found is not None
    assert found.dirty is dirty
