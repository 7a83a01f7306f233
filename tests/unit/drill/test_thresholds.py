from pathlib import Path

import pytest

from seatrial.drill.thresholds import without_thresholds


@pytest.mark.parametrize(
    ("name", "text", "lowered"),
    [
        (".coveragerc", "[report]\nfail_under = 80\n", "[report]\nfail_under = 0\n"),
        ("pyproject.toml", "fail_under=99.5\n", "fail_under=0\n"),
        ("setup.cfg", "fail_under: 80", "fail_under: 0"),
        ("scripts/run.sh", "pytest --cov-fail-under=80 -q", "pytest --cov-fail-under=0 -q"),
        ("scripts/run.sh", "coverage report --fail-under 80\n", "coverage report --fail-under 0\n"),
        ("compose.yml", "command: [--cov-fail-under, x]", None),
        ("ci/docker/Dockerfile.test", 'CMD ["--cov-fail-under=80"]', 'CMD ["--cov-fail-under=0"]'),
        ("compose.yml", '["--cov-fail-under", "80"]', '["--cov-fail-under", "0"]'),
        ("src/shop.py", "fail_under = 80", None),
        ("tox.ini", "[pytest]\n", None),
    ],
)
def test_a_threshold_is_switched_off_wherever_projects_set_it(
    tmp_path: Path, name: str, text: str, lowered: str | None
) -> None:
    (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
    (tmp_path / name).write_text(text, encoding="utf-8")

    assert without_thresholds(tmp_path) == ({} if lowered is None else {name: lowered})
    assert (tmp_path / name).read_text() == text  # it is the caller who writes


def test_what_is_not_text_is_passed_over(tmp_path: Path) -> None:
    (tmp_path / "x.cfg").write_bytes(b"\xff\xfe fail_under = 80")
    (tmp_path / "folder.cfg").mkdir()

    assert without_thresholds(tmp_path) == {}
