"""What a project does to its own results is in the record; an honest project's has no doubts."""

import os
import subprocess

import pytest

from seatrial.evidence.record import Record, Status

from .program import run_trial
from .projects import COVERAGE_IMAGE, MakeProject, Project, compose_with

REPORT = "a report that somebody wrote long ago and put under version control\n" * 4


def keys(record: Record) -> list[str]:
    """The kinds of doubts, each once."""
    return sorted({doubt.key for doubt in record.doubts})


def commit(project: Project, *, date: str | None = None) -> None:
    identity = ["-c", "user.name=a", "-c", "user.email=a@example.org"]
    environ = {**os.environ, **({"GIT_COMMITTER_DATE": date} if date else {})}
    for command in (["init", "-q"], ["add", "-A"], [*identity, "commit", "-q", "-m", "all"]):
        subprocess.run(["git", *command], cwd=project.folder, check=True, env=environ)


@pytest.fixture
def with_reports(project: MakeProject) -> MakeProject:
    def make(**options: object) -> Project:
        made = project(**options)
        (made.folder / "reports").mkdir()
        return made

    return make


def test_a_project_that_forges_what_it_can_reach_is_told_so(with_reports: MakeProject) -> None:
    cheating = with_reports(
        compose=compose_with(
            command="pytest -q -p no:cacheprovider --junitxml=/app/reports/junit.xml",
            volumes=(".:/app", "./reports:/app/reports"),
        ),
        files={
            "kept.txt": REPORT,
            "conftest.py": """
                import json, os, shutil, time
                import pytest

                @pytest.hookimpl(hookwrapper=True)
                def pytest_runtest_makereport(item, call):
                    outcome = yield
                    if outcome.get_result().failed:
                        outcome.get_result().outcome = "passed"

                def pytest_unconfigure(config):
                    text = '<testsuites><testsuite>' + '<testcase name="x"/>' * 50
                    with open("reports/junit.xml", "w") as file:
                        file.write(text + "</testsuite></testsuites>")
                    shutil.copyfile("kept.txt", "reports/summary.txt")
                    with open("reports/old.txt", "w") as file:
                        file.write("of another day")
                    os.utime("reports/old.txt", (1e9, 1e9))
                    with open("/seatrial/out/events.jsonl", "a") as file:
                        for name in ("test_one", "test_two"):
                            event = {"event": "test", "id": "test_more.py::" + name}
                            event.update(outcome="passed", at=time.monotonic(), seconds={})
                            file.write(json.dumps(event) + "\\n")
                    with open("/seatrial/seatrial_probe.py", "a") as file:
                        file.write("# as if nothing had happened")
            """,
        },
        tests="""
            from _pytest import runner

            def test_bad():
                assert False

            def test_patches():
                real = runner.CallInfo.from_call
                runner.CallInfo.from_call = classmethod(
                    lambda cls, *args, **values: real(*args, **values)
                )
        """,
    )
    commit(cheating, date="2099-01-01T00:00:00+00:00")

    record = run_trial(cheating).record

    assert keys(record) == [
        "artifact-copied",
        "artifact-stale",
        "clock",
        "events-forged",
        "junit-contradicts",
        "outcome-changed-by-hook",
        "probe-changed",
        "pytest-changed",
    ]
    assert record.status is Status.PASSED  # what pytest said; nobody gives a verdict on it
    where = {doubt.key: doubt.where for doubt in record.doubts}
    assert where["outcome-changed-by-hook"] == "test_sample.py::test_bad"
    assert where["probe-changed"] == "/seatrial/seatrial_probe.py"
    assert where["artifact-copied"] == "reports/summary.txt"
    assert record.pytest is not None
    assert record.pytest.hooks == ("/app/conftest.py: pytest_runtest_makereport",)


def test_a_session_that_ends_well_before_its_tests_do_has_failed(project: MakeProject) -> None:
    ended = run_trial(
        project(
            tests="""
                import pytest

                def test_good():
                    pass

                def test_ends_it():
                    pytest.exit("enough", returncode=0)

                def test_bad():
                    assert False
            """
        )
    )

    assert ended.code == 1
    assert ended.record.reason == (
        "2 of 3 collected tests came to no result, although pytest ended with 0"
    )
    assert ended.record.doubts == ()


def test_an_events_file_that_was_seen_to_hold_more_is_in_doubt(project: MakeProject) -> None:
    cheating = project(
        compose=compose_with(command="sh -c 'pytest -q -p no:cacheprovider; true'"),
        tests="""
            import json, os, time

            def test_bad():
                assert False

            def test_waits_until_that_was_seen():
                time.sleep(7)

            def test_replaces_what_was_told():
                os.chdir("/seatrial/out")
                lines = open("events.jsonl").read().replace("\\0", "").splitlines(True)
                kept = [line for line in lines if "test_bad" not in line]
                open("new", "w").write("".join(kept).replace('"count": 3', '"count": 1'))
                os.replace("new", "events.jsonl")
                end = {"event": "end", "at": time.monotonic(), "status": 0}
                open("events.jsonl", "a").write(json.dumps(end) + "\\n")
                os._exit(0)
        """,
    )

    record = run_trial(cheating).record

    assert record.status is Status.PASSED
    assert "events-lost" in keys(record)
    assert "test_sample.py::test_bad" in {doubt.where for doubt in record.doubts}


def test_data_of_coverage_that_nothing_measured_is_not_reported(
    project: MakeProject, coverage_image: str
) -> None:
    copies = """
        import shutil

        def test_writes_it():
            shutil.copyfile("/app/kept.data", "/app/.coverage")
    """
    cheating = project(compose=compose_with(image=COVERAGE_IMAGE), tests=copies)
    (cheating.folder / "kept.data").write_bytes(b"SQLite format 3\0" * 100)

    coverage = run_trial(cheating).record.coverage

    assert coverage is not None
    assert not coverage.measured
    assert coverage.reason.startswith("/app/.coverage was written, but no pytest session")


def test_data_of_coverage_that_lay_in_the_project_is_a_copy(
    project: MakeProject, coverage_image: str
) -> None:
    cheating = project(
        compose=compose_with(
            image=COVERAGE_IMAGE,
            command="sh -c 'pytest -q --cov=. --cov-report=; cp kept .coverage'",
        )
    )
    (cheating.folder / "kept").write_bytes(b"SQLite format 3\0" * 100)

    record = run_trial(cheating).record

    assert keys(record) == ["coverage-copied"]
    assert "kept" in record.doubts[0].what


def test_honest_projects_with_hooks_workers_and_tests_within_tests_have_no_doubts(
    with_reports: MakeProject, coverage_image: str
) -> None:
    honest = with_reports(
        compose=compose_with(
            image=COVERAGE_IMAGE,
            command="pytest -q -n 2 -p no:cacheprovider --junitxml=/app/reports/junit.xml",
            volumes=(".:/app", "./reports:/app/reports"),
        ),
        files={
            "conftest.py": """
                import pytest

                @pytest.hookimpl(hookwrapper=True)
                def pytest_runtest_makereport(item, call):
                    outcome = yield
                    report = outcome.get_result()
                    if report.failed:
                        open("reports/screenshot-%s.txt" % item.name, "w").write("what it saw")

                def pytest_collection_modifyitems(items):
                    items.sort(key=lambda item: item.name)
            """,
            "inner/test_inner.py": "def test_inner(): pass\n",
        },
        tests="""
            import subprocess, sys, unittest
            import pytest

            @pytest.mark.parametrize("number", range(20))
            def test_many(number): pass

            @pytest.mark.xfail
            def test_known(): assert False

            @pytest.mark.skip
            def test_later(): pass

            class TestOld(unittest.TestCase):
                def test_parts(self):
                    for number in range(3):
                        with self.subTest(number=number):
                            pass

            def test_runs_pytest():
                command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "inner"]
                assert subprocess.run(command).returncode == 0
        """,
    )
    commit(honest)

    record = run_trial(honest, "--", "test_sample.py").record

    assert record.status is Status.PASSED, record.reason
    assert record.doubts == ()
    assert record.pytest is not None
    assert record.pytest.counts.deselected == 0
    assert len(record.pytest.hooks) == 2


def test_tests_that_are_left_out_are_counted_once_for_all_workers(project: MakeProject) -> None:
    tests = "\n".join(f"def test_{word}_{n}(): pass" for word in ("a", "b") for n in range(6))
    divided = project(files={"test_other.py": tests}, tests=tests)

    record = run_trial(divided, "--workers", "2", "--", "-k", "test_a").record

    assert record.pytest is not None
    assert (record.pytest.counts.collected, record.pytest.counts.deselected) == (12, 12)
    assert record.pytest.left_out_by == ("-k test_a",)
    assert record.doubts == ()
