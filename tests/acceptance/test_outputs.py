"""What tests leave in their outputs: taken wherever the settings say that it is, never followed."""

from pathlib import Path

import pytest

from .program import run_trial
from .projects import MakeProject, compose_with

WRITES = """
    import os
    import stat
    from pathlib import Path

    def test_writes_reports():
        reports = Path("/app/build/reports")
        (reports / "new.txt").write_text("new")
        (reports / "changed.txt").write_text("changed")
        (reports / "deep").mkdir()
        (reports / "deep" / "inner.txt").write_text("inner")
        Path("/app/summary.txt").write_text("all is well")
        Path("/var/own").mkdir()
        Path("/var/own/outside.txt").write_text("outside")

    def test_leaves_traps():
        reports = Path("/app/build/reports")
        (reports / "two\\nlines").write_text("x")
        (reports / "\\x1b[2Jgone").write_text("x")
        (reports / "absolute").symlink_to("/etc/passwd")
        (reports / "out").symlink_to("../../../../../../etc/passwd")
        (reports / "tree").symlink_to("/etc")
        os.link(reports / "new.txt", reports / "new-too.txt")
        os.mkfifo(reports / "pipe")
        os.mknod(reports / "device", stat.S_IFCHR | 0o600, os.makedev(1, 5))
"""
SETTINGS = 'outputs = ["build/reports", "summary.txt", "never", "/var/own", "/var/nothing"]\n'


@pytest.mark.parametrize("source", ["overlay", "copy"])
def test_named_outputs_are_taken_from_wherever_they_are_and_traps_are_told(
    project: MakeProject, source: str
) -> None:
    made = project(
        compose=compose_with(),
        tests=WRITES,
        files={
            "seatrial.toml": SETTINGS + f'source = "{source}"\n',
            "build/reports/kept.txt": "of an earlier run\n",
            "build/reports/changed.txt": "before\n",
        },
    )

    ended = run_trial(made)

    record = ended.record
    assert ended.code == 0, ended.stdout
    output = made.runs / record.id / "output"
    assert contents(output) == {
        "reports/new.txt": "new",
        "reports/new-too.txt": "new",
        "reports/changed.txt": "changed",
        "reports/deep/inner.txt": "inner",
        "summary.txt/summary.txt": "all is well",
        "own/outside.txt": "outside",
    }
    assert {f"output/{name}" for name in contents(output)} <= {file.path for file in record.files}
    told = "\n".join(record.findings)
    assert "output never, which the settings name: there is no /app/never in the container" in told
    assert "there is no /var/nothing in the container of service test" in told
    for name, why in {
        r"'reports/two\nlines'": "control characters in the name",
        r"'reports/\x1b[2Jgone'": "control characters in the name",
        "'reports/absolute'": "a symbolic link",
        "'reports/out'": "a symbolic link",
        "'reports/tree'": "a symbolic link",
        "'reports/pipe'": "neither file nor folder",
        "'reports/device'": "neither file nor folder",
    }.items():
        assert f"{name}: {why}, not taken out" in told
    assert "\x1b" not in ended.stdout + ended.stderr
    assert record.doubts == ()


def contents(folder: Path) -> dict[str, str]:
    """All that is below, links as such."""
    return {
        path.relative_to(folder).as_posix(): "a link" if path.is_symlink() else path.read_text()
        for path in folder.rglob("*")
        if path.is_symlink() or not path.is_dir()
    }
