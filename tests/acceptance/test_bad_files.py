"""Files of the project that are wrong or missing: said before, or while, anything is built."""

import pytest

from seatrial.evidence.record import PhaseName, Status

from .program import run_trial
from .projects import PYTEST_IMAGE, MakeProject, compose_with, service

BUILT = """
    services:
      test:
        build: {context: ., dockerfile: Dockerfile.test}
        command: pytest
"""


def test_without_a_compose_file_it_names_the_folder_and_the_option(project: MakeProject) -> None:
    made = project()
    (made.folder / "docker-compose.test.yml").unlink()

    ended = run_trial(made)

    assert ended.code == 2
    assert ended.fault.what == "no compose file found"
    assert ended.fault.where == str(made.folder)
    assert "--file" in ended.fault.next_step
    assert made.trials() == []


def test_a_compose_file_that_was_named_and_is_missing_is_named(project: MakeProject) -> None:
    made = project()

    ended = run_trial(made, "--file", "other.yml")

    assert ended.code == 2
    assert ended.fault.what == "the compose file other.yml does not exist"
    assert ended.fault.where == str(made.folder / "other.yml")


@pytest.mark.parametrize(
    ("compose", "what", "next_step"),
    [
        pytest.param(
            "services:\n  test:\n    image: 'x\n", "line 3", "mend the YAML", id="broken YAML"
        ),
        pytest.param(
            "services:\n  test:\n    image: x\n    comand: pytest\n",
            "comand",
            "spelling",
            id="unknown key",
        ),
        pytest.param(
            "services:\n  test:\n    image: x:${TAG:?no tag given}\n",
            "TAG",
            "set the variable",
            id="unset required variable",
        ),
        pytest.param(
            "services:\n  test:\n    image: x\n    env_file: [secrets.env]\n",
            "secrets.env not found",
            "create the file",
            id="missing env file",
        ),
        pytest.param(
            "services:\n  test:\n    image: x\n    depends_on: [db]\n",
            'undefined service "db"',
            "add the service",
            id="unknown dependency",
        ),
    ],
)
def test_a_compose_file_that_compose_refuses_is_told_in_its_words(
    project: MakeProject, compose: str, what: str, next_step: str
) -> None:
    made = project(compose=compose)

    ended = run_trial(made)

    assert ended.code == 2
    assert what in ended.fault.what
    assert str(made.folder / "docker-compose.test.yml") in ended.fault.where
    assert next_step in ended.fault.next_step
    assert made.trials() == []


def test_a_missing_env_file_of_the_command_line_is_named(project: MakeProject) -> None:
    ended = run_trial(project(), "--env-file", "missing.env")

    assert ended.code == 2
    assert "missing.env" in ended.fault.what
    assert "--env-file" in ended.fault.next_step


def test_a_service_that_does_not_exist_is_answered_with_those_that_do(
    project: MakeProject,
) -> None:
    ended = run_trial(
        project(compose=compose_with("  redis: {image: 'redis:7'}")), "--service", "tset"
    )

    assert ended.code == 2
    assert ended.fault.what == "there is no service 'tset'"
    assert "redis, test" in ended.fault.next_step


def test_several_possible_test_services_are_listed(project: MakeProject) -> None:
    ended = run_trial(
        project(
            compose=compose_with(
                service("unit", f"image: {PYTEST_IMAGE}\ncommand: pytest unit")
            ).replace("  test:", "  slow:")
        )
    )

    assert ended.code == 2
    assert "2 services could be the test service: slow, unit" in ended.fault.what
    assert "--service slow" in ended.fault.next_step


def test_settings_that_are_wrong_are_named_with_their_file(project: MakeProject) -> None:
    ended = run_trial(project(files={"seatrial.toml": "serivce = 'test'\n"}))

    assert ended.code == 2
    assert "serivce" in ended.fault.what
    assert ended.fault.where == "seatrial.toml"


def test_a_dockerfile_that_cannot_be_parsed_is_named_with_its_line(project: MakeProject) -> None:
    made = project(
        compose=BUILT, files={"Dockerfile.test": f"FROM {PYTEST_IMAGE}\nWORKDIR /app\nCOPPY . .\n"}
    )

    ended = run_trial(made)

    assert ended.code == 3
    assert ended.record.status is Status.ENVIRONMENT
    assert "line 3" in ended.fault.what
    assert "COPPY" in ended.fault.what
    assert ended.fault.where == str(made.folder / "Dockerfile.test")
    assert "mend the line" in ended.fault.next_step


def test_a_build_step_that_fails_is_shown_with_its_output(project: MakeProject) -> None:
    made = project(
        compose=BUILT,
        files={
            "Dockerfile.test": f"""
                FROM {PYTEST_IMAGE}
                RUN echo before && python -c "raise SystemExit('it cannot be compiled')"
            """
        },
    )

    ended = run_trial(made)

    assert ended.code == 3
    assert "the build failed" in ended.fault.what
    assert "exit code: 1" in ended.fault.what
    assert any("it cannot be compiled" in line for line in ended.fault.details)
    assert ended.fault.where == str(made.folder / "Dockerfile.test")
    build = ended.record.phase(PhaseName.BUILD)
    assert build is not None
    assert not build.completed
    log = made.runs / ended.record.id / "logs/build.log"
    assert "it cannot be compiled" in log.read_text()


def test_a_missing_dockerfile_is_named(project: MakeProject) -> None:
    ended = run_trial(project(compose=BUILT))

    assert ended.code == 3
    assert "Dockerfile.test" in ended.fault.what
    assert "build.dockerfile" in ended.fault.next_step


def test_a_base_image_that_cannot_be_had_is_named(project: MakeProject) -> None:
    ended = run_trial(
        project(
            compose=BUILT, files={"Dockerfile.test": "FROM localhost:1/seatrial/no-such-image:1\n"}
        )
    )

    assert ended.code == 3
    assert "localhost:1/seatrial/no-such-image:1" in ended.fault.what
    assert "registry" in ended.fault.next_step


@pytest.mark.parametrize("name", ["test", "db"])
def test_an_image_that_is_neither_here_nor_to_be_pulled_is_named(
    project: MakeProject, name: str
) -> None:
    missing = "localhost:1/seatrial/no-such-image:1"
    compose = compose_with("  db: {image: 'redis:7'}", test="depends_on: [db]")
    made = project(compose=compose.replace(PYTEST_IMAGE if name == "test" else "redis:7", missing))

    ended = run_trial(made)

    assert ended.code == 3
    assert f"the image {missing} is not here and cannot be pulled" in ended.fault.what
    assert ended.fault.where == f"services.{name}.image"
    assert "docker load" in ended.fault.next_step


def test_an_external_network_is_refused_and_replaced_if_asked(project: MakeProject) -> None:
    made = project(
        compose=compose_with(
            test="networks: [shared]",
            tail="networks: {shared: {external: true, name: seatrial-tests-no-such-network}}",
        )
    )

    refused = run_trial(made)
    replaced = run_trial(made, "--external", "replace")

    assert refused.code == 2
    assert "network 'shared' is external" in refused.fault.what
    assert refused.fault.where == "networks.shared"
    assert "--external replace" in refused.fault.next_step
    assert replaced.code == 0, replaced.stdout
