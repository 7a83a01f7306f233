import copy
import shlex
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seatrial.stack.instrument import PROBE_FOLDER, Instrumented, instrument, replace_command
from seatrial.stack.model import unescape
from unit.stack.forms import make_form, volume


def instrumented(
    service: dict[str, Any], *arguments: str, image: dict[str, Any] | None = None
) -> Instrumented:
    form = make_form({"test": service, "db": {}})
    before = copy.deepcopy(form)
    result = instrument(
        form,
        "test",
        image=image or {},
        arguments=arguments,
        volume="t_probe",
        labels={"a": "b"},
        test_timeout_s=90.0,
    )
    assert form == before, "the form that was given is not edited"
    return result


def environment(result: Instrumented) -> dict[str, str]:
    found: dict[str, str] = result.form["services"]["test"]["environment"]
    return found


def test_the_probe_is_switched_on_in_the_test_service_only() -> None:
    result = instrumented({"command": ["pytest"]})

    assert {
        "PYTHONPATH": PROBE_FOLDER,
        "PYTEST_ADDOPTS": "-p seatrial_probe",
        "SEATRIAL_TEST_TIMEOUT": "90",
    }.items() <= environment(result).items()
    assert "environment" not in result.form["services"]["db"]
    assert result.form["services"]["test"]["command"] == ["pytest"]
    assert result.arguments_by == "none"


def test_the_probe_has_a_labelled_volume() -> None:
    result = instrumented({"volumes": [volume("data", "/data")]})

    own, probe = result.form["services"]["test"]["volumes"]
    assert own == volume("data", "/data")
    assert probe["target"] == PROBE_FOLDER
    assert result.form["volumes"][probe["source"]] == {"name": "t_probe", "labels": {"a": "b"}}


def test_a_projects_own_volume_named_probe_stays_its_own() -> None:
    form = make_form(
        {"test": {"volumes": [volume("probe", "/data")]}}, volumes={"probe": {"name": "t_own"}}
    )

    result = instrument(
        form, "test", image={}, arguments=(), volume="t_x", labels={}, test_timeout_s=90.0
    )

    assert result.form["volumes"]["probe"] == {"name": "t_own"}


def test_what_the_service_sets_is_kept() -> None:
    result = instrumented(
        {"environment": {"PYTHONPATH": "/app/src", "PYTEST_ADDOPTS": "-x", "DB": "pg"}}
    )

    assert {
        "PYTHONPATH": f"{PROBE_FOLDER}:/app/src",
        "PYTEST_ADDOPTS": "-x -p seatrial_probe",
        "DB": "pg",
    }.items() <= environment(result).items()


def test_what_the_image_sets_is_kept() -> None:
    image = {"Env": ["PYTHONPATH=/srv$x", "PYTEST_ADDOPTS=--strict-markers", "BROKEN"]}

    result = instrumented({}, image=image)

    assert environment(result)["PYTHONPATH"] == f"{PROBE_FOLDER}:/srv$$x"
    assert environment(result)["PYTEST_ADDOPTS"] == "--strict-markers -p seatrial_probe"


def test_the_services_own_value_replaces_the_images() -> None:
    result = instrumented({"environment": {"PYTHONPATH": ""}}, image={"Env": ["PYTHONPATH=/srv"]})

    assert environment(result)["PYTHONPATH"] == PROBE_FOLDER


@pytest.mark.parametrize(
    "command",
    [
        ["pytest", "-q"],
        ["python", "-m", "pytest"],
        ["/venv/bin/pytest"],
        ["coverage", "run", "-m", "pytest"],
    ],
)
def test_arguments_go_to_the_end_of_a_command_that_calls_pytest(command: list[str]) -> None:
    result = instrumented({"command": command}, "-k", "a b")

    assert result.form["services"]["test"]["command"] == [*command, "-k", "a b"]
    assert result.arguments_by == "command"
    assert environment(result)["PYTEST_ADDOPTS"] == "-p seatrial_probe"


@pytest.mark.parametrize(
    "command",
    [["./run.sh"], ["sh", "-c", "pytest -q"], ["/bin/bash", "-ec", "pytest"], ["make", "test"]],
)
def test_a_script_gets_its_arguments_through_the_environment(command: list[str]) -> None:
    result = instrumented({"command": command}, "-k", "a b")

    assert result.form["services"]["test"]["command"] == command
    assert result.arguments_by == "PYTEST_ADDOPTS"
    assert environment(result)["PYTEST_ADDOPTS"] == "-p seatrial_probe -k 'a b'"


def test_the_images_command_is_used_where_the_service_has_none() -> None:
    result = instrumented({}, "-x", image={"Entrypoint": ["pytest"], "Cmd": ["tests"]})

    assert result.form["services"]["test"]["command"] == ["tests", "-x"]
    assert result.arguments_by == "command"


def test_an_entrypoint_of_the_service_drops_the_images_command() -> None:
    result = instrumented({"entrypoint": ["pytest"]}, "-x", image={"Cmd": ["serve"]})

    assert result.form["services"]["test"]["command"] == ["-x"]


def test_without_any_command_arguments_go_through_the_environment() -> None:
    assert instrumented({}, "-x").arguments_by == "PYTEST_ADDOPTS"


@pytest.mark.parametrize(
    ("command", "words"),
    [
        ("pytest -q 'a b'", ["pytest", "-q", "a b"]),
        (("pytest", "a b"), ["pytest", "a b"]),
        ("sh -c 'echo $HOME'", ["sh", "-c", "echo $$HOME"]),
    ],
)
def test_a_command_is_replaced(command: str | tuple[str, ...], words: list[str]) -> None:
    form = make_form({"test": {"command": ["serve"]}})

    replace_command(form, "test", command)

    assert form["services"]["test"]["command"] == words


@given(st.lists(st.text(st.characters(exclude_categories=["Cs", "Cc"])), min_size=1, max_size=4))
def test_pytest_gets_every_argument_as_it_was_typed(arguments: list[str]) -> None:
    by_command = instrumented({"command": ["pytest"]}, *arguments)
    words = by_command.form["services"]["test"]["command"]
    assert [unescape(word) for word in words[1:]] == arguments

    by_environment = instrumented({"command": ["./run.sh"]}, *arguments)
    options = shlex.split(unescape(environment(by_environment)["PYTEST_ADDOPTS"]))
    assert options == ["-p", "seatrial_probe", *arguments]
