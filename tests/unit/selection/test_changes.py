"""What differs in a project, with git and without."""

import os
import subprocess
from pathlib import Path

import pytest

from seatrial.errors import UsageFault
from seatrial.selection.changes import (
    Change,
    Kind,
    changes_between,
    changes_since_commit,
    snapshot,
    union_of_changes,
)

ADDED, MODIFIED, DELETED = Change(Kind.ADDED), Change(Kind.MODIFIED), Change(Kind.DELETED)
ONLY_BODIES = Change(Kind.MODIFIED, only_bodies=True)


def git(folder: Path, *arguments: str) -> None:
    name = ("-c", "user.name=Test", "-c", "user.email=test@example.org")
    subprocess.run(["git", "-C", str(folder), *name, *arguments], check=True, capture_output=True)


@pytest.fixture
def project(tmp_path: Path) -> Path:
    project = tmp_path / "project"
    project.mkdir()
    git(project, "init", "--quiet")
    (project / ".gitignore").write_text("*.log\n", encoding="utf-8")
    (project / "a.py").write_text("def f():\n    return 1\n", encoding="utf-8")
    (project / "b.txt").write_text("b", encoding="utf-8")
    git(project, "add", ".")
    git(project, "commit", "--quiet", "--message", "first")
    return project


def test_a_snapshot_has_what_git_tracks_or_could_track(project: Path) -> None:
    (project / "new.txt").write_text("new", encoding="utf-8")
    (project / "run.log").write_text("log", encoding="utf-8")
    (project / ".seatrial").mkdir()
    (project / ".seatrial/record.json").write_text("{}", encoding="utf-8")

    assert set(snapshot(project)) == {".gitignore", "a.py", "b.txt", "new.txt"}


def test_the_file_that_compose_reads_variables_from_counts_although_git_ignores_it(
    project: Path,
) -> None:
    (project / ".gitignore").write_text(".env\n", encoding="utf-8")
    (project / ".env").write_text("A=1\n", encoding="utf-8")

    assert ".env" in snapshot(project)


def test_a_project_without_git_is_walked(tmp_path: Path) -> None:
    for name in ("a.py", "pkg/b.py", ".seatrial/c.json", "env/pyvenv.cfg", "__pycache__/a.pyc"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("", encoding="utf-8")

    assert set(snapshot(tmp_path)) == {"a.py", "pkg/b.py"}


def test_each_kind_of_change_is_told(project: Path) -> None:
    before = snapshot(project)
    (project / "a.py").write_text("def f():\n    return 2\n", encoding="utf-8")
    (project / "b.txt").unlink()
    (project / "c.txt").write_text("c", encoding="utf-8")

    changes = changes_between(before, snapshot(project, before))

    assert changes == {"a.py": ONLY_BODIES, "b.txt": DELETED, "c.txt": ADDED}


def test_a_rename_is_one_deleted_and_one_added(project: Path) -> None:
    before = snapshot(project)
    git(project, "mv", "b.txt", "c.txt")

    assert changes_between(before, snapshot(project)) == {"b.txt": DELETED, "c.txt": ADDED}


def test_a_file_that_becomes_a_program_or_a_link_has_changed(project: Path) -> None:
    before = snapshot(project)
    (project / "a.py").chmod(0o755)
    (project / "b.txt").unlink()
    (project / "b.txt").symlink_to("a.py")

    assert changes_between(before, snapshot(project)) == {"a.py": MODIFIED, "b.txt": MODIFIED}


def test_a_file_whose_times_stand_still_has_changed_all_the_same(project: Path) -> None:
    before = snapshot(project)
    status = (project / "b.txt").stat()
    (project / "b.txt").write_text("c", encoding="utf-8")
    os.utime(project / "b.txt", ns=(status.st_atime_ns, status.st_mtime_ns))

    assert changes_between(before, snapshot(project, before)) == {"b.txt": MODIFIED}


def test_odd_names_are_kept_apart(project: Path) -> None:
    odd = [b"with space", b"new\nline", b"\xff\xfe", "ü".encode(), b'"quoted"', b"-x"]
    for name in odd:
        Path(os.fsdecode(os.fsencode(project) + b"/" + name)).write_text("x", encoding="utf-8")

    found = set(snapshot(project)) - {".gitignore", "a.py", "b.txt"}

    assert len(found) == len(odd)
    assert {"with space", "new\nline", "ü", '"quoted"', "-x"} < found
    assert all(name.encode() for name in found)


def test_a_submodule_is_looked_into(project: Path, tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.mkdir()
    git(other, "init", "--quiet")
    (other / "inner.txt").write_text("1", encoding="utf-8")
    git(other, "add", ".")
    git(other, "commit", "--quiet", "--message", "inner")
    add = ["-c", "protocol.file.allow=always", "submodule", "add", "--quiet", str(other), "sub"]
    git(project, *add)
    git(project, "commit", "--quiet", "--message", "with a submodule")
    before = snapshot(project)

    (project / "sub/inner.txt").write_text("2", encoding="utf-8")

    assert changes_between(before, snapshot(project)) == {"sub/inner.txt": MODIFIED}
    assert "sub/inner.txt" in changes_since_commit(project, "HEAD", snapshot(project))


def test_a_base_commit_tells_what_has_been_committed_since_and_what_has_not(project: Path) -> None:
    (project / "b.txt").write_text("committed", encoding="utf-8")
    git(project, "commit", "--quiet", "--all", "--message", "second")
    (project / "a.py").write_text("def f():\n    return 2\n", encoding="utf-8")
    (project / "c.txt").write_text("c", encoding="utf-8")

    changes = changes_since_commit(project, "HEAD~1", snapshot(project))

    assert changes == {"a.py": ONLY_BODIES, "b.txt": MODIFIED, "c.txt": ADDED}


def test_a_project_in_a_folder_of_its_repository_has_names_of_its_own(project: Path) -> None:
    inner = project / "inner"
    inner.mkdir()
    (inner / "x.py").write_text("X = 1\n", encoding="utf-8")
    git(project, "add", ".")
    git(project, "commit", "--quiet", "--message", "inner")
    (inner / "x.py").write_text("X = 2\n", encoding="utf-8")
    (project / "b.txt").write_text("elsewhere", encoding="utf-8")

    assert set(snapshot(inner)) == {"x.py"}
    assert changes_since_commit(inner, "HEAD", snapshot(inner)) == {"x.py": MODIFIED}


@pytest.mark.parametrize("base", ["no-such-branch", "--output=x", ""])
def test_a_base_that_git_does_not_know_is_a_fault_of_use(project: Path, base: str) -> None:
    with pytest.raises(UsageFault, match="git knows no commit"):
        changes_since_commit(project, base, snapshot(project))


def test_both_kinds_of_change_count(project: Path) -> None:
    before = snapshot(project)
    recorded = {"a.py": ONLY_BODIES, "x": ADDED}
    base = {"a.py": MODIFIED, "b.txt": ADDED, "x": ADDED, "y": ONLY_BODIES}

    assert union_of_changes(recorded, base, before) == {
        "a.py": MODIFIED,
        "b.txt": MODIFIED,  # new since the base, yet known to the recorded run
        "x": ADDED,
        "y": ONLY_BODIES,
    }
