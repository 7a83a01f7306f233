import tomllib
from pathlib import Path

import pytest

from seatrial.drill import rehearse
from seatrial.drill.rehearse import UNLIKE_THE_PROJECT
from seatrial.drill.subject import earlier_trial, image_names, settings_text
from seatrial.errors import UsageFault
from seatrial.evidence.folder import RunFolder
from seatrial.evidence.tests import TestResult, write_results
from seatrial.settings import LoadedSettings, Settings
from unit.drill.subjects import make_subject
from unit.factories import make_pytest, make_record


def test_all_that_is_no_default_stays_and_what_is_changed_is_changed() -> None:
    settings = Settings.model_validate(
        {
            "command": 'pytest -q "a b\\c"',
            "compose_files": ["a.yml"],
            "throwaway_services": {"my.db": "PostgreSQL"},
            "timeouts": {"build": 60, "one_test": 9.5},
            "coverage": {"fail_under": 80},
        }
    )

    text = settings_text(
        settings, {"timeouts.one_test": 3, "coverage.fail_under": None, "retries": 0}
    )

    assert Settings.model_validate(tomllib.loads(text)) == Settings.model_validate(
        {
            "command": 'pytest -q "a b\\c"',
            "compose_files": ["a.yml"],
            "throwaway_services": {"my.db": "PostgreSQL"},
            "timeouts": {"build": 60, "one_test": 3},
        }
    )


def test_what_drills_change_is_understood_whatever_the_project_set() -> None:
    settings = Settings.model_validate(
        {
            "prepared": True,
            "prepare": {"command": "migrate", "files": ["a"]},
            "budgets": {"test": 5},
            "workers": "auto",
            "retries": 2,
            "coverage": {"base": "main"},
        }
    )

    text = settings_text(settings, UNLIKE_THE_PROJECT)

    assert Settings.model_validate(tomllib.loads(text)) == Settings()


def test_images_get_names_of_ours_and_who_uses_anothers_image_gets_that_one(
    tmp_path: Path,
) -> None:
    subject = make_subject(tmp_path, image="shop/app")
    subject.form["services"]["worker"] = {"image": "shop/app"}

    assert image_names(subject, "ours") == {"test": "ours-test", "worker": "ours-test"}


def test_files_that_are_named_absolutely_are_those_of_the_copy(tmp_path: Path) -> None:
    names = [str(tmp_path / "ci/a.yml"), "./b.yml", "/elsewhere/c.yml", "../d.yml"]
    loaded = LoadedSettings(Settings(compose_files=tuple(names)), {})

    moved = rehearse._within(tmp_path, loaded).settings.compose_files

    assert moved == ("ci/a.yml", "b.yml", "/elsewhere/c.yml", "../d.yml")


def write_trial(project: Path, name: str, *tests: TestResult, measured: bool = True) -> None:
    folder = RunFolder(project / ".seatrial" / "runs" / name)
    folder.path.mkdir(parents=True)
    with write_results(folder.path / "tests.jsonl") as write:
        for test in tests:
            write(test)
    pytest_ = make_pytest(passed=len(tests), tests="tests.jsonl") if measured else None
    record = make_record(id=name, pytest=pytest_)
    folder.record.write_text(record.model_dump_json(), encoding="utf-8")


def test_the_newest_trial_whose_tests_ran_tells_where_tests_go(tmp_path: Path) -> None:
    (tmp_path / "test_a.py").write_text("", encoding="utf-8")
    passed = TestResult("test_a.py::test_1", "passed", "c1")
    write_trial(tmp_path, "20260101-000000-000001", passed)
    write_trial(tmp_path, "20260102-000000-000002", passed)
    write_trial(tmp_path, "20260103-000000-000003", measured=False)

    record, sites = earlier_trial(tmp_path)

    assert record.id == "20260102-000000-000002"
    assert len(sites) == 1


def test_without_such_a_trial_one_must_be_made_first(tmp_path: Path) -> None:
    with pytest.raises(UsageFault) as raised:
        earlier_trial(tmp_path)

    assert "seatrial run" in raised.value.next_step
