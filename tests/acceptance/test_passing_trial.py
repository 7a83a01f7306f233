"""A trial that passes: what the tests can rely on inside, and what the user has afterwards."""

import hashlib
import json
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager

from seatrial.evidence.record import PhaseName, ServiceRecord, Status

from .engine_state import containers, docker
from .program import Ended, assert_nothing_left, run_trial, running_trial, seatrial
from .projects import PYTEST_IMAGE, MakeProject, compose_with, make_project, service
from .users import folder_for_everyone, needs_root, user_of_the_engine

REDIS = """
    image: redis:7
    healthcheck: {test: [CMD, redis-cli, ping]}
"""
NOBODY_IN_PARTICULAR = 1000
"""A user id that has a name neither in the image nor, it may be, on this machine."""


def test_passes_and_leaves_a_complete_record(project: MakeProject) -> None:
    made = project(
        compose=compose_with(
            service("redis", REDIS),
            test="depends_on: {redis: {condition: service_healthy}}",
        )
    )

    ended = run_trial(made)

    record = ended.record
    assert ended.code == record.exit_code == 0
    assert record.status is Status.PASSED
    assert record.reason == "1 test passed"
    assert record.fault is None
    assert record.pytest is not None
    assert (record.pytest.counts.collected, record.pytest.counts.passed) == (1, 1)
    assert [phase.name for phase in record.phases if phase.completed] == list(PhaseName)
    assert len(record.clean_up.removed_containers) == 2
    assert record.clean_up.left == ()
    folder = made.runs / record.id
    assert json.loads((folder / "record.json").read_text()) == json.loads(ended.stdout)
    assert (made.folder / ".seatrial/latest").resolve() == folder
    assert b"1 passed" in (folder / "logs/test.log").read_bytes()
    assert b"<testsuite " in (folder / "junit.xml").read_bytes()


def test_the_record_lists_every_file_of_its_folder_by_its_hash(project: MakeProject) -> None:
    made = project()

    record = run_trial(made).record

    folder = made.runs / record.id
    found = {
        path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in folder.rglob("*")
        if path.is_file() and path.name != "record.json"
    }
    assert {file.path: file.sha256 for file in record.files} == found


def test_the_plain_output_ends_with_the_result_and_where_the_record_is(
    project: MakeProject,
) -> None:
    made = project()

    ended = seatrial("run", cwd=made.folder)

    assert_nothing_left(made)
    assert ended.code == 0
    *_, result, cleaned, where = ended.stdout.splitlines()
    assert result.startswith("PASSED: 1 test passed in ")
    assert cleaned.endswith("nothing is left in the engine")
    assert where == f"record: {made.runs / made.trials()[0] / 'record.json'}"


def test_tests_write_to_the_mounted_source_tree_and_the_users_files_stay_as_they_are(
    project: MakeProject,
) -> None:
    made = project(
        tests="""
            from pathlib import Path

            def test_reads_writes_changes_and_removes():
                assert Path("/app/data.txt").read_text() == "as it was\\n"
                Path("/app/data.txt").write_text("changed")
                Path("/app/new.txt").write_text("new")
                Path("/app/folder/inner.txt").unlink()
                assert sorted(p.name for p in Path("/app").glob("*.txt")) == ["data.txt", "new.txt"]
                assert Path("/app/data.txt").read_text() == "changed"
        """,
        files={"data.txt": "as it was\n", "folder/inner.txt": "inner\n"},
    )
    before = made.tree()

    ended = run_trial(made)

    assert ended.code == 0, ended.stdout
    assert made.tree() == before
    assert (made.folder / "data.txt").read_text() == "as it was\n"


def test_a_container_of_the_user_who_owns_the_tree_writes_to_it_without_changing_it(
    project: MakeProject,
) -> None:
    made = project(
        compose=compose_with(test='user: "1000:1000"'),
        tests="""
            import os
            from pathlib import Path

            def test_writes_as_the_owner():
                assert os.getuid() == 1000
                assert Path("/app").stat().st_uid == 1000
                Path("/app/new.txt").write_text("new")
                Path("/app/data.txt").write_text("changed")
        """,
        files={"data.txt": "as it was\n"},
    )
    for path in (made.folder, *made.folder.rglob("*")):
        os.chown(path, NOBODY_IN_PARTICULAR, NOBODY_IN_PARTICULAR)
    before = made.tree()

    ended = run_trial(made)

    assert ended.code == 0, ended.stdout
    assert made.tree() == before


@needs_root
def test_a_user_who_is_not_root_gets_no_file_of_somebody_else() -> None:
    user = user_of_the_engine()
    with folder_for_everyone() as folder:
        made = make_project(
            folder,
            compose=compose_with(volumes=[".:/app", "./reports:/reports"]),
            tests="""
                from pathlib import Path

                def test_writes_as_root():
                    Path("/app/new.txt").write_text("new")
                    Path("/reports/report.txt").write_text("fine")
            """,
        )
        for path in (made.folder, *made.folder.iterdir()):
            os.chown(path, user.uid, user.uid)

        ended = seatrial("run", "--json", cwd=made.folder, user=user, env={"HOME": str(folder)})

        assert_nothing_left(made)
        assert ended.code == 0, ended.stderr
        assert (made.runs / ended.record.id / "output/reports/report.txt").read_text() == "fine"
        assert {path.lstat().st_uid for path in made.folder.rglob("*")} == {user.uid}


def test_a_copied_source_tree_behaves_as_an_overlaid_one(project: MakeProject) -> None:
    made = project(
        tests="""
            from pathlib import Path

            def test_reads_and_writes():
                Path("/app/data.txt").write_text(Path("/app/data.txt").read_text() + "more")
        """,
        files={"data.txt": "as it was\n"},
    )
    before = made.tree()

    ended = run_trial(made, "--source", "copy")

    assert ended.code == 0, ended.stdout
    assert made.tree() == before


def test_what_tests_write_to_a_mounted_reports_folder_ends_up_in_the_trials_output(
    project: MakeProject,
) -> None:
    made = project(
        compose=compose_with(
            test='user: "1000:1000"',
            command="pytest -q -p no:cacheprovider --junitxml=/reports/junit.xml",
            volumes=[".:/app:ro", "./reports:/reports"],
        ),
        tests="""
            from pathlib import Path

            def test_writes_a_report():
                Path("/reports/html").mkdir()
                Path("/reports/html/index.html").write_text("<p>fine</p>")
        """,
    )

    ended = run_trial(made)

    assert ended.code == 0, ended.stdout
    folder = made.runs / ended.record.id
    assert (folder / "output/reports/html/index.html").read_text() == "<p>fine</p>"
    assert ended.record.pytest is not None
    assert ended.record.pytest.junit == ("junit.xml", "junit-project.xml")
    for name in ended.record.pytest.junit:
        assert b"test_writes_a_report" in (folder / name).read_bytes()
    assert not (made.folder / "reports").exists()


def test_a_mounted_single_file_is_copied_in(project: MakeProject) -> None:
    made = project(
        compose=compose_with(volumes=[".:/app", "./settings.ini:/etc/shop/settings.ini"]),
        tests="""
            from pathlib import Path

            def test_reads_and_writes_it():
                path = Path("/etc/shop/settings.ini")
                assert path.read_text() == "[shop]\\n"
                path.write_text("changed")
        """,
        files={"settings.ini": "[shop]\n"},
    )

    ended = run_trial(made)

    assert ended.code == 0, ended.stdout
    assert (made.folder / "settings.ini").read_text() == "[shop]\n"


def test_two_trials_of_one_project_run_side_by_side(project: MakeProject) -> None:
    with _taken_port() as port:
        made = project(
            compose=compose_with(
                service(
                    "redis",
                    f"""
                    image: redis:7
                    container_name: the-redis
                    ports: ["{port}:6379"]
                    """,
                ),
                test="depends_on: [redis]",
            ),
            tests="""
                import socket
                import time
                from pathlib import Path

                def test_reaches_its_own_redis_by_the_containers_name():
                    with socket.create_connection(("the-redis", 6379), timeout=5) as redis:
                        redis.sendall(b"INCR trials\\r\\n")
                        assert redis.recv(100) == b":1\\r\\n"
                    time.sleep(1.5)
            """,
        )
        with running_trial(made) as one, running_trial(made) as other:
            label = f"dev.seatrial.project={made.folder.name}"
            one.wait_for(lambda: len(containers(label, service="test")) == 2, "two test containers")
            for redis in containers(label, service="redis"):
                assert docker("port", redis) == ""
            ended = [one.finish(), other.finish()]

    assert_nothing_left(made)
    assert [end.code for end in ended] == [0, 0], [end.stdout for end in ended]
    assert len(made.trials()) == 2


def test_volumes_are_fresh_in_every_trial(project: MakeProject) -> None:
    made = project(
        compose=compose_with(volumes=[".:/app", "kept:/kept"], tail="volumes: {kept: {}}"),
        tests="""
            from pathlib import Path

            def test_finds_nothing_of_an_earlier_run():
                Path("/kept/mark").touch(exist_ok=False)
        """,
    )

    assert run_trial(made).code == 0
    assert run_trial(made).code == 0


def test_builds_the_test_image_and_keeps_its_pythonpath(project: MakeProject) -> None:
    made = project(
        compose="""
            services:
              test:
                build: {context: ., dockerfile: Dockerfile.test}
        """,
        tests="""
            import extra

            def test_imports_what_the_image_brings():
                assert extra.VALUE == 1
        """,
        files={
            "Dockerfile.test": f"""
                FROM {PYTEST_IMAGE}
                ENV PYTHONPATH=/opt/extra
                WORKDIR /app
                COPY extra.py /opt/extra/extra.py
                COPY test_sample.py .
                CMD ["pytest", "-q"]
            """,
            "extra.py": "VALUE = 1\n",
        },
    )

    ended = run_trial(made)

    assert ended.code == 0, ended.stdout
    image = _service(ended, "test").image
    assert image is not None
    assert image.built
    assert docker("image", "inspect", "--format", "{{.Id}}", image.name) == image.id
    assert "COPY extra.py" in (made.runs / ended.record.id / "logs/build.log").read_text()


def test_finds_the_test_service_by_its_command(project: MakeProject) -> None:
    made = project(compose=compose_with().replace("  test:", "  checks:"))

    ended = run_trial(made)

    assert ended.code == 0, ended.stdout
    assert ended.record.test_service == "checks"


def test_runs_the_tests_in_the_applications_service_if_told_to(project: MakeProject) -> None:
    made = project(
        compose=compose_with(
            service("unneeded", "image: redis:7"), command="python -m http.server"
        ).replace("  test:", "  app:")
    )

    ended = run_trial(made, "--service", "app", "--command", "pytest -q")

    assert ended.code == 0, ended.stdout
    assert [one.name for one in ended.record.services] == ["app"]


def test_arguments_reach_pytest_as_words_of_its_command(project: MakeProject) -> None:
    made = project(tests="def test_one(): pass\ndef test_two(): pass\n")

    record = run_trial(made, "--", "-k", "one or three").record

    assert record.pytest is not None
    assert record.arguments_by == "command"
    assert (record.pytest.counts.collected, record.pytest.counts.passed) == (1, 1)


def test_arguments_reach_pytest_through_a_script(project: MakeProject) -> None:
    made = project(
        compose=compose_with(command="sh ./run-tests.sh"),
        tests="def test_one(): pass\ndef test_two(): pass\n",
        files={"run-tests.sh": 'echo "first a step of our own"\npytest -q\n'},
    )

    record = run_trial(made, "--", "-k", "one or three").record

    assert record.pytest is not None
    assert record.arguments_by == "PYTEST_ADDOPTS"
    assert (record.pytest.counts.collected, record.pytest.counts.passed) == (1, 1)


def test_a_container_with_a_read_only_root_runs_its_tests(project: MakeProject) -> None:
    made = project(
        compose=compose_with(test="read_only: true\ntmpfs: [/tmp]"),
        tests="""
            import pytest

            def test_the_root_is_read_only():
                with pytest.raises(OSError, match="Read-only"):
                    open("/etc/new", "w")
        """,
    )

    ended = run_trial(made)

    assert ended.code == 0, ended.stdout
    assert ended.record.pytest is not None
    assert ended.record.pytest.counts.passed == 1


def test_tests_that_share_a_services_network_are_known_to_have_run_in_their_own_container(
    project: MakeProject,
) -> None:
    made = project(
        compose=compose_with(
            service("redis", REDIS),
            test="network_mode: service:redis\ndepends_on: {redis: {condition: service_healthy}}",
        )
    )

    ended = run_trial(made)

    assert ended.code == 0, ended.stdout
    assert ended.record.pytest is not None
    assert ended.record.pytest.container_confirmed
    assert ended.record.pytest.containers == (_service(ended, "test").container,)
    assert ended.record.doubts == ()


def _service(ended: Ended, name: str) -> ServiceRecord:
    return next(one for one in ended.record.services if one.name == name)


@contextmanager
def _taken_port() -> Iterator[int]:
    """A port of this machine that somebody else listens on."""
    with socket.create_server(("", 0)) as server:
        yield server.getsockname()[1]
