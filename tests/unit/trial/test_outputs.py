import os
from pathlib import Path

import pytest

from seatrial.trial.outputs import unchanged


@pytest.fixture
def report(tmp_path: Path) -> Path:
    """A file of ten bytes that was last changed at 1000.7 s."""
    path = tmp_path / "report.txt"
    path.write_text("0123456789")
    os.utime(path, (1000.7, 1000.7))
    return path


@pytest.mark.parametrize(
    ("name", "size", "modified", "left"),
    [
        ("report.txt", 10, 1000, True),
        ("report.txt", 11, 1000, False),
        ("report.txt", 10, 1001, False),
        ("new.txt", 10, 1000, False),
    ],
)
def test_only_what_is_as_it_was_is_left(
    report: Path, name: str, size: int, modified: float, left: bool
) -> None:
    assert unchanged(report.parent)(name, size, modified) is left


def test_a_single_file_is_compared_by_itself(report: Path) -> None:
    assert unchanged(report)("report.txt", 10, 1000)
    assert not unchanged(report)("report.txt", 10, 2000)


def test_what_the_image_had_is_taken() -> None:
    assert not unchanged(None)("report.txt", 10, 1000)
