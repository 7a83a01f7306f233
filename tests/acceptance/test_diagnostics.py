"""What a user is told of a trial that did not pass, and what is kept for whoever looks closer."""

import re
import secrets
from pathlib import Path

from seatrial.evidence.diagnosis import Diagnosis, ServiceReach

from .program import Ended, assert_nothing_left, run_trial, seatrial
from .projects import PYTEST_IMAGE, MakeProject, Project, compose_with, service

SCREEN = 24
"""Lines of a small terminal: what stands on the last ones is seen without scrolling."""
WEB = f"""
    image: {PYTEST_IMAGE}
    command: python -u -m http.server 8000
    expose: [8000]
"""


def test_the_cause_and_the_remedy_are_on_the_first_screen(project: MakeProject) -> None:
    made = project(
        compose=compose_with(service("db", "image: postgres:16"), test="depends_on: [db]")
    )

    ended = seatrial("run", cwd=made.folder)

    assert_nothing_left(made)
    assert ended.code == 3
    screen = ended.stdout.splitlines()[-SCREEN:]
    (cause,) = [line for line in screen if line.startswith("likely cause: ")]
    assert "no password" in cause
    assert any("remedy: set POSTGRES_PASSWORD" in line for line in screen)
    assert "service db: exit code 1" in screen
    (where,) = [line for line in screen if line.startswith("diagnostics: ")]
    assert "likely cause: " in Path(where.removeprefix("diagnostics: ")).read_text()


def test_a_service_that_ended_is_diagnosed_and_its_last_lines_are_kept(
    project: MakeProject,
) -> None:
    made = project(
        compose=compose_with(
            service(
                "worker",
                f"image: {PYTEST_IMAGE}\ncommand: sh -c 'echo begins; kill -SEGV $$$$; exit 139'",
            ),
            test="depends_on: {worker: {condition: service_completed_successfully}}",
        )
    )

    ended = run_trial(made)

    assert ended.code == 3
    diagnosis = _diagnosis(ended)
    worker = next(one for one in diagnosis.services if one.service == "worker")
    assert (worker.state, worker.exit_code) == ("exited", 139)
    assert worker.ending == "killed by SIGSEGV (exit code 139)"
    assert worker.ended_at is not None
    assert worker.log == "diagnostics/services/worker.log"
    assert "worker | begins" in _file(made, ended, worker.log)
    assert [cause.key for cause in ended.fault.causes] == ["segmentation-fault"]


def test_a_health_check_without_its_tool_is_recognised(project: MakeProject) -> None:
    made = project(
        compose=compose_with(
            service(
                "cache",
                """
                image: redis:7
                healthcheck: {test: "curl -f http://localhost:6379", interval: 1s}
                """,
            ),
            test="depends_on: {cache: {condition: service_healthy}}",
        )
    )

    ended = run_trial(made)

    assert [cause.key for cause in ended.fault.causes] == ["health-check-tool-missing"]
    cache = next(one for one in _diagnosis(ended).services if one.service == "cache")
    assert "curl" in cache.last_answer


def test_a_failed_test_is_kept_with_what_services_logged_while_it_ran(
    project: MakeProject,
) -> None:
    made = project(
        compose=compose_with(service("web", WEB), test="depends_on: [web]"),
        tests="""
            import time
            from urllib.request import urlopen

            def ask(what):
                time.sleep(0.05)  # log lines of the test before must not be at the same moment
                urlopen(f"http://web:8000/?{what}").read()
                time.sleep(0.05)

            def test_before():
                ask("before")

            def test_bad():
                ask("during")
                assert 1 + 1 == 3

            def test_after():
                ask("after")
        """,
    )

    ended = run_trial(made)

    assert ended.code == 1
    (failed,) = _diagnosis(ended).tests
    assert failed.test == "test_sample.py::test_bad"
    assert 0.1 < (failed.ended - failed.started).total_seconds() < 10
    text = _file(made, ended, failed.file)
    assert "assert (1 + 1) == 3" in text
    assert re.findall(r"web +\| .*GET /\?(\w+)", text) == ["during"]


def test_a_test_that_never_ended_is_kept_with_what_services_logged_until_its_container_ended(
    project: MakeProject,
) -> None:
    made = project(
        compose=compose_with(service("web", WEB), test="depends_on: [web]\ninit: true"),
        tests="""
            import time
            from urllib.request import urlopen

            def test_endless():
                time.sleep(0.5)
                urlopen("http://web:8000/?late").read()
                time.sleep(600)
        """,
    )

    ended = run_trial(made, "--test-timeout", "4")

    assert ended.code == 1
    assert [cause.key for cause in ended.fault.causes] == ["timeout"]
    (unfinished,) = _diagnosis(ended).tests
    assert "GET /?late" in _file(made, ended, unfinished.file)


def test_names_and_ports_are_tried_from_beside_the_tests(project: MakeProject) -> None:
    made = project(
        compose=compose_with(
            service("web", WEB.replace("[8000]", "[8000, 8001]")),
            service("cache", "image: redis:7\nnetworks: [default, inner]"),
            service("inner", "image: redis:7\nnetworks: [inner]"),
            test="depends_on: [web, cache, inner]",
            tail="networks: {inner: {}}",
        ),
        tests="""
            from urllib.request import urlopen

            def test_a_port_where_nobody_listens():
                urlopen("http://web:8001/")
        """,
    )

    ended = run_trial(made)

    diagnosis = _diagnosis(ended)
    reached = {found.service: found for found in diagnosis.reach}
    web = reached["web"]
    assert reached["inner"].error
    assert diagnosis.reach_from == "a container of the test image"
    assert web.addresses
    assert {port.port: port.open for port in web.ports} == {8000: True, 8001: False}
    # Services too, as far as they share a network: from where each of them stands.
    assert {
        origin.service: {found.service: open_ports(found) for found in origin.reach}
        for origin in diagnosis.between
    } == {
        "web": {"cache": [6379]},
        "cache": {"web": [8000], "inner": [6379]},
        "inner": {"cache": [6379]},
    }
    assert not any(origin.error for origin in diagnosis.between)
    assert "reachability, from cache:" in _file(made, ended, diagnosis.summary or "")
    assert diagnosis.surroundings.engine_disk_free
    assert diagnosis.surroundings.memory_available
    assert [cause.key for cause in ended.fault.causes] == ["connection-refused"]


def open_ports(reach: ServiceReach) -> list[int]:
    return [port.port for port in reach.ports if port.open]


def test_a_failed_build_is_diagnosed_without_a_test_image(project: MakeProject) -> None:
    made = project(
        compose="services: {test: {build: .}}",
        files={"Dockerfile": f"FROM {PYTEST_IMAGE}\nRUN frobnicate --all\nCMD pytest\n"},
    )

    ended = run_trial(made)

    assert ended.code == 3
    assert _diagnosis(ended).reach_error == "there is no test image to ask from"
    assert [cause.key for cause in ended.fault.causes] == ["command-not-found"]
    build = ended.record.build
    assert build is not None
    assert [step.failed for step in build.steps if not step.is_base] == [True]


def test_every_file_of_the_diagnosis_is_in_the_manifest(project: MakeProject) -> None:
    made = project(tests="def test_bad(): assert False\n")

    record = run_trial(made).record

    written = {
        path.relative_to(made.runs / record.id).as_posix()
        for path in (made.runs / record.id / "diagnostics").rglob("*")
        if path.is_file()
    }
    assert "diagnostics/summary.txt" in written
    assert written <= {file.path for file in record.files}


def test_a_trial_that_passed_has_no_diagnosis(project: MakeProject) -> None:
    made = project()

    record = run_trial(made).record

    assert record.diagnosis is None
    assert not (made.runs / record.id / "diagnostics").exists()


def test_escape_codes_of_services_and_tests_reach_neither_terminal_nor_diagnostics(
    project: MakeProject,
) -> None:
    made = project(
        compose=compose_with(
            service(
                "web", f"image: {PYTEST_IMAGE}\ncommand: python /app/noise.py\nvolumes: [.:/app]"
            ),
            test="depends_on: [web]",
        ),
        tests=r"""
            import time

            import pytest

            @pytest.mark.parametrize("name", ["\x1b[2Jodd/../..\n"])
            def test_odd(name):
                time.sleep(0.3)
                raise OSError("\x1b]0;title\x07 No module named '\x1b[31mred'")
        """,
        files={
            "noise.py": r"""
                import time

                while True:
                    print("\x1b[2J\x1b[31mconnection refused\x07", flush=True)
                    time.sleep(0.1)
            """
        },
    )

    ended = seatrial("run", cwd=made.folder)

    assert_nothing_left(made)
    assert ended.code == 1
    assert "\x1b" not in ended.stdout + ended.stderr
    folder = made.runs / made.trials()[0] / "diagnostics"
    files = [path for path in folder.rglob("*") if path.is_file()]
    assert len(files) == 2
    for path in files:
        assert b"\x1b" not in path.read_bytes()
    assert any(b"web | connection refused" in path.read_bytes() for path in files)


def test_a_build_is_recorded_with_its_steps_and_the_next_comes_from_the_cache(
    project: MakeProject,
) -> None:
    made = project(
        compose="services: {test: {build: {context: ., dockerfile: Dockerfile.test, target: all}}}",
        files={
            "Dockerfile.test": f"""
                FROM {PYTEST_IMAGE} AS base
                WORKDIR /app
                COPY . .
                FROM base AS all
                RUN echo never built before: {secrets.token_hex(8)}
                CMD ["pytest", "-q"]
            """,
            ".dockerignore": ".seatrial\n",
        },
    )

    first, again = run_trial(made).record.build, run_trial(made).record.build
    shown = seatrial("show", cwd=made.folder).stdout

    assert first is not None
    assert again is not None
    # What is the same in every run of this test may be in the cache from an earlier one.
    assert (first.total_steps, first.state == "warm") == (3, False)
    assert not first.steps[-1].cached
    assert (again.cached_steps, again.total_steps, again.state) == (3, 3, "warm")
    assert "build: 3 of 3 steps from the cache" in shown.splitlines()
    (image,) = again.images
    assert (image.services, image.target, image.stages) == (("test",), "all", ("base", "all"))
    assert image.dockerfile == "Dockerfile.test"
    assert image.size_bytes > 1 << 20
    (base,) = image.base_images
    assert base.name == PYTEST_IMAGE
    assert base.id


def _diagnosis(ended: Ended) -> Diagnosis:
    assert ended.record.diagnosis is not None, ended.stdout
    return ended.record.diagnosis


def _file(project: Project, ended: Ended, name: str) -> str:
    return (project.runs / ended.record.id / name).read_text(encoding="utf-8")
