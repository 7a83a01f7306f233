import os
import subprocess
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from seatrial.evidence.copies import find_copies
from seatrial.evidence.coverage import Coverage, DataFile
from seatrial.trial.doubts import (
    clock_doubts,
    commit_clock_doubts,
    coverage_doubts,
    output_doubts,
)

NOON = datetime(2026, 1, 2, 12, tzinfo=UTC)
REPORT = "one line of a report that nobody would write twice\n" * 5


def at(minutes: float) -> datetime:
    return NOON + timedelta(minutes=minutes)


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A project under git's control with one committed report."""
    folder = tmp_path / "project"
    (folder / "kept").mkdir(parents=True)
    (folder / "kept" / "report.txt").write_text(REPORT)
    (folder / "tiny.txt").write_text("1\n")
    for command in (["init", "-q"], ["add", "."]):
        subprocess.run(["git", *command], cwd=folder, check=True)
    identity = ["-c", "user.name=a", "-c", "user.email=a@example.org"]
    environ = {**os.environ, "GIT_COMMITTER_DATE": NOON.isoformat()}
    commit = ["git", *identity, "commit", "-q", "-m", "all"]
    subprocess.run(commit, cwd=folder, check=True, env=environ)
    return folder


@pytest.mark.parametrize(
    ("began", "started", "probe", "finished", "count"),
    [
        (0, 0.1, 0.2, 2, 0),
        (0, 4, 4, 6, 0),
        (0, 0.1, None, 2, 0),
        (0, 6, 6, 8, 1),
        (0, -6, -6, -5, 1),
        (0, 0.1, -10, 2, 1),
        (0, 0.1, 10, 2, 1),
        (0, 60, 0, 62, 2),
        (0, 0.1, 0.2, -1e6, 0),
    ],
)
def test_clocks_that_are_more_than_five_minutes_apart_contradict(
    began: float, started: float, probe: float | None, finished: float, count: int
) -> None:
    found = clock_doubts(at(started), at(finished), at(began), None if probe is None else at(probe))

    assert [doubt.key for doubt in found] == ["clock"] * count


def test_a_commit_from_the_future_contradicts(project: Path) -> None:
    assert [d.key for d in commit_clock_doubts(project, "HEAD", at(-6))] == ["clock"]
    assert list(commit_clock_doubts(project, "HEAD", at(-4))) == []
    assert list(commit_clock_doubts(project, None, at(-60))) == []
    assert list(commit_clock_doubts(project.parent, "HEAD", at(-60))) == []


def test_an_artifact_that_is_a_committed_file_or_older_than_the_tests_is_named(
    project: Path, tmp_path: Path
) -> None:
    taken = tmp_path / "taken"
    (taken / "reports").mkdir(parents=True)
    for name, text in {"copy.txt": REPORT, "own.txt": REPORT[::-1], "tiny.txt": "1\n"}.items():
        (taken / "reports" / name).write_text(text)
    modified = {
        "reports/copy.txt": 100.0,
        "reports/own.txt": 90.0,
        "reports/tiny.txt": 99.0,
        "reports/.gitkeep": 1.0,
    }

    found = list(output_doubts(taken, project, modified, 100.0))

    assert [(doubt.key, doubt.where) for doubt in found] == [
        ("artifact-stale", "reports/own.txt"),
        ("artifact-copied", "reports/copy.txt"),
    ]
    assert "kept/report.txt" in found[1].what


def test_a_file_that_git_does_not_know_may_be_the_same(project: Path, tmp_path: Path) -> None:
    (project / "new.txt").write_text(REPORT[::-1])
    (tmp_path / "new.txt").write_text(REPORT[::-1])

    assert list(output_doubts(tmp_path, project, {"new.txt": 1.0}, 1.0)) == []


def test_coverage_data_that_lay_in_the_project_is_a_copy(project: Path, tmp_path: Path) -> None:
    folder = tmp_path / "trial"
    (folder / "coverage" / "data").mkdir(parents=True)
    (folder / "coverage" / "data" / "1.coverage").write_text(REPORT)
    coverage = Coverage(
        measured=True,
        data_files=(
            DataFile(container_path="/app/.coverage", path="coverage/data/1.coverage"),
            DataFile(container_path="/app/.coverage.2", path="coverage/data/gone"),
            DataFile(container_path="/app/.coverage.3"),
        ),
    )

    (doubt,) = coverage_doubts(folder, project, coverage)

    assert (doubt.key, doubt.where) == ("coverage-copied", "/app/.coverage")


def test_links_and_folders_of_a_project_are_not_followed(tmp_path: Path) -> None:
    project = tmp_path / "project"
    project.mkdir()
    taken = tmp_path / "taken.txt"
    taken.write_text(REPORT)
    (project / "link.txt").symlink_to(taken)
    (project / "loop").symlink_to(project)

    assert find_copies([taken], project) == {}
