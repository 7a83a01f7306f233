"""The file that reports coverage in a copy of the test container, run here as it runs there."""

import json
import os
import re
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from seatrial.evidence.coverage_result import read_result
from seatrial.probe import coverage_reporter_source
from seatrial.trial.threshold import find_threshold, shortfall

SOURCE = "def f(x):\n    if x:\n        return 1\n    return 2\n"


@pytest.fixture
def app(tmp_path: Path) -> Path:
    folder = tmp_path / "app"
    folder.mkdir()
    (folder / "lib.py").write_text(SOURCE)
    (folder / "once.py").write_text("import lib\nlib.f(1)\n")
    (folder / "twice.py").write_text("import lib\nlib.f(0)\n")
    (folder / ".coveragerc").write_text("[run]\nbranch = true\nsource = .\n")
    return folder


def measure(app: Path, *arguments: str, data_file: str = ".coverage") -> None:
    subprocess.run(
        [sys.executable, "-m", "coverage", "run", *arguments],
        cwd=app,
        env={**os.environ, "COVERAGE_FILE": data_file},
        check=True,
    )


def report(
    app: Path,
    *data_files: str,
    since: float = 0,
    environ: Mapping[str, str] | None = None,
    **request: Any,
) -> dict[str, Any]:
    out = app.parent / "out"
    out.mkdir()
    script = app.parent / "reporter.py"
    script.write_bytes(coverage_reporter_source())
    asked = {
        "folder": str(app),
        "config_file": None,
        "data_files": [str(app / name) for name in data_files],
        "since": since,
        "out": str(out),
        "parts": [],
        "combine_only": False,
        **request,
    }
    told = app.parent / "request.json"
    told.write_text(json.dumps(asked), encoding="ascii")
    command = [sys.executable, str(script), str(told)]
    done = subprocess.run(
        command, check=True, cwd="/", capture_output=True, env={**os.environ, **(environ or {})}
    )
    result: dict[str, Any] = json.loads((out / "result.json").read_bytes())
    return {**result, "said": done.stdout.decode()}


def test_one_data_file_is_reported_in_three_forms(app: Path) -> None:
    measure(app, "once.py")

    result = report(app, ".coverage")

    assert "error" not in result
    assert result["totals"] == {
        "lines": 8,
        "covered_lines": 5,
        "branches": 2,
        "covered_branches": 1,
    }
    assert result["config_file"] == str(app / ".coveragerc")
    assert {row["path"] for row in result["files"]} == {"lib.py", "once.py", "twice.py"}
    out = app.parent / "out"
    assert (out / "coverage.json").is_file()
    assert (out / "coverage.xml").is_file()
    assert (out / "html" / "index.html").is_file()


def test_the_three_forms_are_those_of_coverages_own_commands(app: Path) -> None:
    (app / "lib.py").write_text(
        SOURCE + "if f(0):  # pragma: no branch\n    pass\nwhile f(0) == 1:  # pragma: no cover\n"
        "    pass\n@property\ndef g(x):\n    return [\n        y for y in x\n    ]\n"
    )
    measure(app, "once.py")
    plain = app.parent / "plain"
    for words in ("json -o", "xml -o", "html -d"):
        kind = words.split()[0]
        target = plain / ("html" if kind == "html" else f"coverage.{kind}")
        command = [sys.executable, "-m", "coverage", *words.split(), str(target)]
        plain.mkdir(exist_ok=True)
        subprocess.run(command, cwd=app, check=True)

    report(app, ".coverage")

    out = app.parent / "out"
    assert timeless(out / "coverage.json") == timeless(plain / "coverage.json")
    assert timeless(out / "coverage.xml") == timeless(plain / "coverage.xml")
    pages = sorted(page.name for page in (plain / "html").glob("*.html"))
    assert len(pages) > 3
    for page in pages:
        assert timeless(out / "html" / page) == timeless(plain / "html" / page)


def timeless(path: Path) -> str:
    """A report without the moment at which it was made."""
    moment = r'"timestamp": "[^"]*"|timestamp="\d+"|created at [\d: +-]*'
    return re.sub(moment, "", path.read_text(encoding="utf-8"))


def test_each_source_is_read_once_for_all_reports(app: Path) -> None:
    measure(app, "once.py")
    (app.parent / "sitecustomize.py").write_text(
        "import sys\n"
        "def told(event, details):\n"
        "    if event == 'open' and str(details[0]).endswith('lib.py'):\n"
        "        print('read')\n"
        "sys.addaudithook(told)\n"
    )

    said = report(app, ".coverage", environ={"PYTHONPATH": str(app.parent)})["said"]

    # coverage.py itself looks twice, into the file and for its encoding, in each of the reports.
    assert 1 <= said.count("read") <= 2


def test_what_parallel_mode_wrote_is_combined_and_kept(app: Path) -> None:
    measure(app, "-p", "once.py", data_file=".cov")
    measure(app, "-p", "twice.py", data_file=".cov")

    result = report(app, ".cov")

    assert len(result["data_files"]) == 2
    assert all(Path(path).is_file() for path in result["data_files"])
    assert result["combined"]
    assert result["totals"]["covered_lines"] == 8


def test_data_of_other_containers_is_added(app: Path) -> None:
    measure(app, "once.py")
    measure(app, "twice.py", data_file="other")
    (app / "other").rename(app.parent / "part")

    result = report(app, ".coverage", parts=[str(app.parent / "part")])

    assert result["data_files"] == [str(app / ".coverage")]
    assert result["totals"]["covered_lines"] == 8


def test_a_container_whose_tests_measured_nothing_reports_what_others_measured(app: Path) -> None:
    measure(app, "once.py", data_file="other")

    result = report(app, ".coverage", parts=[str(app / "other")])

    assert result["totals"]["covered_lines"] == 5


def test_data_alone_is_combined_into_one_file_and_not_reported(app: Path) -> None:
    measure(app, "once.py")

    result = report(app, ".coverage", combine_only=True)

    assert "totals" not in result
    out = app.parent / "out"
    assert sorted(path.name for path in out.iterdir()) == ["combined.coverage", "result.json"]


def test_a_file_of_the_very_name_is_all_there_is(app: Path) -> None:
    measure(app, "once.py")
    measure(app, "-p", "twice.py")

    assert report(app, ".coverage")["data_files"] == [str(app / ".coverage")]


def test_older_files_are_left_out_and_named(app: Path) -> None:
    measure(app, "once.py")
    os.utime(app / ".coverage", (1, 1))

    result = report(app, ".coverage", since=100)

    assert result["error"] == "coverage wrote no data"
    assert result["stale"] == [str(app / ".coverage")]


def test_the_threshold_of_a_file_that_coverage_does_not_look_for_is_found(app: Path) -> None:
    (app / "special.ini").write_text("[run]\nbranch = true\n[report]\nfail_under = 42.5\n")
    measure(app, "--rcfile=special.ini", "once.py")

    result = report(app, ".coverage", config_file=str(app / "special.ini"))

    assert result["fail_under"] == 42.5
    assert result["config_file"] == str(app / "special.ini")


@pytest.mark.parametrize(
    ("name", "text"),
    [
        (".coveragerc", "[report]\nfail_under = 99.5\n"),
        ("setup.cfg", "[coverage:report]\nfail_under = 99.5\n"),
        ("tox.ini", "[coverage:report]\nfail_under = 99.5\n"),
        ("pyproject.toml", "[tool.coverage.report]\nfail_under = 99.5\n"),
    ],
)
def test_the_threshold_of_each_of_coverages_files_is_found_and_its_source_named(
    app: Path, name: str, text: str
) -> None:
    (app / ".coveragerc").unlink()
    (app / name).write_text(text)
    measure(app, "--source=.", "once.py")
    report(app, ".coverage")

    found = read_result(app.parent / "out" / "result.json")

    assert found is not None
    threshold = find_threshold(None, "", [], found, folder=str(app))
    assert threshold is not None
    assert (threshold.percent, threshold.source, threshold.met) == (99.5, name, False)
    assert found.percent is not None
    assert shortfall(found.percent, threshold).endswith(f"is below 99.5 % ({name})")


def test_what_is_no_database_is_told(app: Path) -> None:
    (app / ".coverage").write_text("hello")

    assert "file is not a database" in report(app, ".coverage")["error"]


def test_a_source_that_is_gone_is_told(app: Path) -> None:
    measure(app, "once.py")
    (app / "lib.py").unlink()

    assert "No source for code" in report(app, ".coverage")["error"]
