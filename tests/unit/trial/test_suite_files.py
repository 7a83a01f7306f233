import json
from dataclasses import asdict
from pathlib import Path

from seatrial.evidence.tests import TestResult
from seatrial.trial.suite_files import places_of_tests


def results(folder: Path, *ids: str) -> Path:
    file = folder / "tests.jsonl"
    lines = (json.dumps(asdict(TestResult(one, "passed", "c"))) for one in ids)
    file.write_text("\n".join(lines))
    return file


def test_files_with_results_and_the_conftest_files_above_them_are_looked_for(
    tmp_path: Path,
) -> None:
    (tmp_path / "tests" / "unit").mkdir(parents=True)
    (tmp_path / "tests" / "conftest.py").touch()
    found = results(tmp_path, "tests/unit/test_a.py::test_b[x::y]", "tests/unit/test_a.py::test_c")

    assert list(places_of_tests(tmp_path, found, ["/app", "/"])) == [
        "/app/tests/unit/test_a.py",
        "/app/tests/conftest.py",
        "/tests/unit/test_a.py",
        "/tests/conftest.py",
    ]


def test_what_tests_of_a_plugin_write_and_run_is_none_of_the_projects(tmp_path: Path) -> None:
    found = results(tmp_path, "test_a.py::test_b")
    roots = ["/app", "/tmp/pytest-of-root/pytest-0/test_plugin0"]

    assert list(places_of_tests(tmp_path, found, roots)) == ["/app/test_a.py"]


def test_an_id_that_leads_out_of_the_root_leads_to_no_file_of_this_machine(tmp_path: Path) -> None:
    (tmp_path / "conftest.py").touch()
    (tmp_path / "project").mkdir()
    found = results(tmp_path, "../test_a.py::test_b")

    places = list(places_of_tests(tmp_path / "project", found, ["/app"]))

    assert places == ["/app/../test_a.py"]
