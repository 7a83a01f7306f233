"""Coverage is that of a plain run to the last line and branch, or it is said not to be measured.

In each project the container's own `coverage json`, called by the test command itself, is the
judge. The sources hold syntax that the Python of this machine may not know.
"""

import json
import os
import subprocess
import xml.etree.ElementTree as ET
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from seatrial.engine.connect import find_endpoint, open_engine
from seatrial.engine.remove import remove_labelled
from seatrial.evidence.coverage import Coverage
from seatrial.evidence.record import Record, Status

from .engine_state import docker
from .program import Ended, run_trial
from .projects import COVERAGE_IMAGE, MakeProject, Project, compose_with, indented

pytestmark = pytest.mark.usefixtures("coverage_image")

CALC = '''
    """Arithmetic."""

    import sys

    type Pair[T] = tuple[T, T]


    def larger[T](pair: Pair[T]) -> T:
        return max(pair)


    def describe(number: int) -> str:
        """Say what it is."""
        match number:
            case 0:
                return "nothing"
            case _ if number < 0:
                return f"{", ".join(["less", "than nothing"])}"
            case _:
                pass
        while number > 10:
            number -= 1
            if number == 12:
                continue
        try:
            return "something"
        finally:
            number = 0


    def unused() -> int:
        if sys.platform == "win32":
            return 1
        return 2


    def left_out() -> None:
        raise NotImplementedError
'''
NEVER_IMPORTED = "VALUE = 1\n\n\ndef idle():\n    return VALUE\n"
TEST_CALC = """
    from pkg import calc


    def test_larger():
        assert calc.larger((1, 2)) == 2


    def test_describe():
        assert calc.describe(20) == "something"
"""
TEST_ZERO = """
    from pkg import calc


    def test_zero():
        assert calc.describe(0) == "nothing"
"""
RCFILE = """
    [run]
    branch = true
    source = pkg
    omit = pkg/vendored.py

    [report]
    exclude_also =
        raise NotImplementedError
"""
PATHS = """
    [paths]
    pkg =
        pkg
        */elsewhere/pkg
"""
JUDGE = "python -m coverage json -q -o reports/plain.json"
FILES = {
    "pkg/__init__.py": "",
    "pkg/calc.py": CALC,
    "pkg/never.py": NEVER_IMPORTED,
    "pkg/vendored.py": "X = 1\n",
    ".coveragerc": RCFILE,
}


def measured_project(
    make: MakeProject,
    script: str,
    *,
    test: str = "",
    files: Mapping[str, str] | None = None,
    tests: str = TEST_CALC,
) -> Project:
    """A project whose test command is a shell script that begins in the mounted tree."""
    made = make(
        compose=compose_with(
            command="sh run.sh",
            test=test,
            volumes=(".:/app", "./reports:/app/reports"),
            image=COVERAGE_IMAGE,
        ),
        tests=tests,
        files={
            **FILES,
            "run.sh": f"set -e\nexport PYTHONPATH=/app:$PYTHONPATH\n{indented(script, 0)}\n",
            **(files or {}),
        },
    )
    (made.folder / "reports").mkdir()
    return made


def run(project: Project, *arguments: str) -> tuple[Ended, Coverage]:
    """Run a trial; neither containers nor images are left of it."""
    ended = run_trial(project, *arguments)
    for trial in project.trials():
        label = f"label=dev.seatrial.trial={trial}"
        assert docker("image", "ls", "--all", "--quiet", "--filter", label) == ""
    assert ended.record.coverage is not None
    return ended, ended.record.coverage


def trial_folder(project: Project, record: Record) -> Path:
    return project.runs / record.id


def report(path: Path) -> dict[str, Any]:
    """A JSON report without what is not about coverage: when, and by which version, it was made."""
    read: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    del read["meta"]["timestamp"]
    return read


def assert_equals_plain_run(project: Project, ended: Ended, coverage: Coverage) -> None:
    folder = trial_folder(project, ended.record)
    ours, plain = (
        report(folder / "coverage/coverage.json"),
        report(folder / "output/reports/plain.json"),
    )
    assert ours == plain
    totals = plain["totals"]
    assert coverage.measured
    assert coverage.percent == totals["percent_covered"]
    assert coverage.totals is not None
    assert coverage.totals.lines == totals["num_statements"]
    assert coverage.totals.covered_lines == totals["covered_lines"]
    assert coverage.totals.covered_branches == totals.get("covered_branches", 0)
    assert {row.path: row.lines for row in coverage.files} == {
        name: entry["summary"]["num_statements"] for name, entry in plain["files"].items()
    }
    listed = {entry.path for entry in ended.record.files}
    assert {*coverage.reports, *(d.path for d in coverage.data_files)} <= listed


def test_pytest_cov_in_a_mounted_tree(project: MakeProject) -> None:
    made = measured_project(
        project,
        f"pytest -q --cov --cov-report=xml:reports/coverage.xml --cov-fail-under=40\n{JUDGE}",
    )
    before = made.tree()

    ended, coverage = run(made)

    assert ended.code == 0, ended.stderr
    assert_equals_plain_run(made, ended, coverage)
    assert made.tree() == before
    assert [d.container_path for d in coverage.data_files] == ["/app/.coverage"]
    assert coverage.threshold is not None
    assert (coverage.threshold.percent, coverage.threshold.source, coverage.threshold.met) == (
        40,
        "--cov-fail-under",
        True,
    )
    assert coverage.sources is not None
    assert (coverage.sources.equal, coverage.sources.differ, coverage.sources.unknown) == (3, 0, 0)
    assert "pkg/vendored.py" not in {row.path for row in coverage.files}
    folder = trial_folder(made, ended.record)
    ours = ET.parse(folder / "coverage/coverage.xml").getroot()
    plain = ET.parse(folder / "output/reports/coverage.xml").getroot()
    for rate in ("line-rate", "branch-rate", "lines-valid", "branches-valid"):
        assert ours.get(rate) == plain.get(rate)
    assert (folder / "coverage/html/index.html").is_file()


def test_coverage_run_in_parallel_mode_with_paths_of_two_places(project: MakeProject) -> None:
    made = measured_project(
        project,
        """
        export COVERAGE_FILE=/var/tmp/data/.cov
        mkdir -p /var/tmp/data /opt/elsewhere
        cp -r pkg /opt/elsewhere/
        python -m coverage run --parallel-mode -m pytest -q -p no:cacheprovider test_sample.py
        cd /opt/elsewhere
        PYTHONPATH=/opt/elsewhere:$PYTHONPATH python -m coverage run --parallel-mode \\
            --rcfile=/app/.coveragerc -m pytest -q -p no:cacheprovider /app/tests
        cd /app
        python -m coverage combine -q --keep --data-file=/tmp/plain /var/tmp/data/.cov.*
        COVERAGE_FILE=/tmp/plain python -m coverage json -q -o reports/plain.json
        """,
        files={
            "tests/test_zero.py": TEST_ZERO,
            ".coveragerc": RCFILE + PATHS,
        },
    )

    ended, coverage = run(made)

    assert ended.code == 0, ended.stderr
    assert_equals_plain_run(made, ended, coverage)
    assert len(coverage.data_files) == 2
    assert all(d.container_path.startswith("/var/tmp/data/.cov.") for d in coverage.data_files)


def test_a_data_file_elsewhere_and_tests_that_are_not_root(project: MakeProject) -> None:
    made = measured_project(
        project,
        f"""
        mkdir -p /tmp/deep/est
        python -m coverage run -m pytest -q -p no:cacheprovider
        {JUDGE}
        """,
        test='user: "12345:12345"\nenvironment: {HOME: /tmp}',
        files={
            ".coveragerc": "",
            "setup.cfg": """
                [coverage:run]
                branch = true
                source = pkg
                data_file = /tmp/deep/est/data.sqlite

                [coverage:report]
                fail_under = 30
            """,
        },
    )
    (made.folder / ".coveragerc").unlink()

    ended, coverage = run(made)

    assert ended.code == 0, ended.stderr
    assert_equals_plain_run(made, ended, coverage)
    assert [d.container_path for d in coverage.data_files] == ["/tmp/deep/est/data.sqlite"]
    assert coverage.threshold is not None
    assert coverage.threshold.source == "setup.cfg"


def test_workers_of_xdist_are_measured_too(project: MakeProject) -> None:
    made = measured_project(
        project,
        f"pytest -q -n 2 --cov --cov-report= . \n{JUDGE}",
        files={"tests/test_zero.py": TEST_ZERO},
    )

    ended, coverage = run(made)

    assert ended.code == 0, ended.stderr
    assert_equals_plain_run(made, ended, coverage)


def test_coverage_that_the_command_installs_itself_is_reported(project: MakeProject) -> None:
    made = measured_project(
        project,
        f"""
        python -m venv --system-site-packages /tmp/venv
        mv "$(python -c 'import coverage; print(coverage.__path__[0])')" \\
            /tmp/venv/lib/python3*/site-packages/
        /tmp/venv/bin/python -m coverage run -m pytest -q
        /tmp/venv/bin/{JUDGE}
        """,
    )

    ended, coverage = run(made)

    assert ended.code == 0, ended.stderr
    assert_equals_plain_run(made, ended, coverage)


def test_a_command_that_measures_nothing_has_no_coverage(project: MakeProject) -> None:
    ended, coverage = run(measured_project(project, "pytest -q"))

    assert ended.code == 0
    assert not coverage.measured
    assert coverage.reason.startswith("the test command does not measure it")
    assert "coverage.switch_on" in coverage.reason
    assert coverage.percent is None
    assert coverage.line_percent is None


def test_a_data_file_of_an_earlier_run_is_none_of_this_one(project: MakeProject) -> None:
    made = measured_project(project, "pytest -q", files={".coverage": "old", ".coverage.a.1": ""})

    ended, coverage = run(made)

    assert ended.code == 0
    assert not coverage.measured


@pytest.mark.parametrize(
    ("settings", "option", "reason"),
    [
        pytest.param("", "", "is below 90 % (.coveragerc)", id="in a file"),
        pytest.param("", "--cov-fail-under=95.5", "below 95.5 % (--cov-fail-under)", id="option"),
        pytest.param(
            "[coverage]\nfail_under = 99\n", "", "below 99 % (seatrial.toml)", id="settings"
        ),
    ],
)
def test_a_fall_below_the_threshold_fails_although_the_command_hides_it(
    project: MakeProject, settings: str, option: str, reason: str
) -> None:
    made = measured_project(
        project,
        f"pytest -q --cov {option} || true",
        files={
            ".coveragerc": f"{RCFILE}    fail_under = 90\n",
            "seatrial.toml": settings,
        },
    )

    ended, coverage = run(made)

    assert ended.code == 1
    assert ended.record.status is Status.FAILED
    assert ended.record.reason.startswith(f"coverage {coverage.percent:.1f} % is below")
    assert reason in ended.record.reason
    assert coverage.threshold is not None
    assert not coverage.threshold.met


def test_a_threshold_that_pytest_cov_enforces_is_named_as_the_reason(project: MakeProject) -> None:
    ended, _ = run(measured_project(project, "pytest -q --cov --cov-fail-under=95"))

    assert ended.code == 1
    assert ended.record.command_exit_code == 1
    assert "% is below 95 % (--cov-fail-under)" in ended.record.reason


def test_a_threshold_of_the_settings_is_not_met_by_coverage_that_was_not_measured(
    project: MakeProject,
) -> None:
    made = measured_project(
        project, "pytest -q", files={"seatrial.toml": "[coverage]\nfail_under = 10\n"}
    )

    ended, _ = run(made)

    assert ended.code == 1
    assert ended.record.reason == "coverage was not measured, but 10 % is asked for (seatrial.toml)"


def test_coverage_can_be_switched_on(project: MakeProject) -> None:
    made = measured_project(
        project, "pytest -q test_sample.py", files={"seatrial.toml": "coverage.switch_on = true\n"}
    )

    ended, coverage = run(made)

    assert ended.code == 0, ended.stderr
    assert coverage.measured
    assert coverage.switched_on
    assert {row.path for row in coverage.files} == {
        "pkg/__init__.py",
        "pkg/calc.py",
        "pkg/never.py",
    }


@pytest.mark.parametrize(
    ("spoil", "reason"),
    [
        pytest.param("echo no database > .coverage", "coverage", id="not a database"),
        pytest.param("rm .coverage", "coverage wrote no data", id="gone"),
        pytest.param("rm .coverage; mkfifo .coverage", "coverage wrote no data", id="a pipe"),
        pytest.param("rm .coverage; ln -s /proc/kmsg .coverage", "coverage", id="a link"),
        pytest.param("rm -r pkg", "No source for code", id="no sources"),
    ],
)
def test_data_that_cannot_be_read_is_not_measured_and_breaks_nothing(
    project: MakeProject, spoil: str, reason: str
) -> None:
    ended, coverage = run(measured_project(project, f"pytest -q --cov\n{spoil}"))

    assert ended.code == 0, ended.stderr
    assert not coverage.measured
    assert reason in coverage.reason


def test_sources_that_are_not_the_projects_are_counted(project: MakeProject) -> None:
    made = measured_project(
        project,
        "echo 'Y = 2' >> pkg/never.py\necho 'Z = 3' > pkg/made.py\npytest -q --cov",
    )

    ended, coverage = run(made)

    assert ended.code == 0
    assert coverage.sources is not None
    assert (coverage.sources.equal, coverage.sources.differ, coverage.sources.unknown) == (2, 1, 1)
    assert {r.path for r in coverage.files if r.source == "differs"} == {"pkg/never.py"}


def test_coverage_of_the_change_counts_the_lines_since_the_base(project: MakeProject) -> None:
    made = measured_project(project, "pytest -q --cov --cov-report=", files={".gitignore": ""})
    git(made, "init", "-q", "-b", "main")
    git(made, "add", ".")
    git(made, "commit", "-q", "-m", "base")
    with (made.folder / "pkg/calc.py").open("a", encoding="utf-8") as file:
        file.write("\n\ndef added(flag):\n    if flag:\n        return 1\n    return 2\n")
    with (made.folder / "test_sample.py").open("a", encoding="utf-8") as file:
        file.write("\n\ndef test_added():\n    assert calc.added(True) == 1\n")

    ended, coverage = run(made, "--base", "main")

    assert ended.code == 0, ended.stderr
    change = coverage.change
    assert change is not None
    assert change.reason == ""
    assert (change.lines, change.covered_lines) == (4, 3)
    (missed,) = change.missed.items()
    assert missed[0] == "pkg/calc.py"
    assert len(missed[1]) == 1

    _, without = run(made, "--base", "no-such-branch")
    assert without.change is not None
    assert without.change.percent is None
    assert "no-such-branch" in without.change.reason


def git(project: Project, *arguments: str) -> None:
    identity = ["-c", "user.name=T", "-c", "user.email=t@example.org"]
    subprocess.run(["git", *identity, *arguments], cwd=project.folder, check=True)


async def test_an_image_that_a_killed_trial_left_goes_with_the_rest_of_it() -> None:
    label = "dev.seatrial.trial=acc-left-behind"
    made = docker("create", "--label", label, COVERAGE_IMAGE, "true")
    image = docker("commit", made)
    base = docker("image", "inspect", "--format", "{{.Id}}", COVERAGE_IMAGE)

    async with open_engine(find_endpoint(os.environ, Path.home())) as engine:
        removal = await remove_labelled(engine, label)

    assert removal.removed.containers
    assert not removal.left
    assert image not in docker("image", "ls", "--all", "--quiet", "--no-trunc")
    assert base in docker("image", "ls", "--quiet", "--no-trunc")
