"""The program as users call it; none of these needs an engine."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import jsonschema
import pytest

from seatrial import __version__
from seatrial.cli.app import main
from seatrial.evidence.folder import new_run_folder, write_record
from unit.factories import make_record

COMMANDS = ["run", "plan", "list", "show", "clean", "doctor", "bench", "approve", "schema"]


@dataclass(frozen=True)
class Done:
    """How the program ended, and what it printed."""

    returncode: int
    stdout: str
    stderr: str


Seatrial = Callable[..., Done]


@pytest.fixture
def seatrial(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> Seatrial:
    """Calls the program in a folder of its own, where no engine is to be found."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path}/none.sock")
    for name in ("DOCKER_CONTEXT", "NO_COLOR", "FORCE_COLOR", "COLUMNS", "TERMINAL_WIDTH"):
        monkeypatch.delenv(name, raising=False)

    def call(*arguments: str, **environ: str) -> Done:
        monkeypatch.setattr(sys, "argv", ["seatrial", *arguments])
        for name, value in environ.items():
            monkeypatch.setenv(name, value)
        capfd.readouterr()
        with pytest.raises(SystemExit) as raised:
            main()
        printed = capfd.readouterr()
        return Done(int(raised.value.code or 0), printed.out, printed.err)

    return call


def run_module(*arguments: str) -> Done:
    """Runs `python -m seatrial` as a process of its own."""
    done = subprocess.run(
        [sys.executable, "-m", "seatrial", *arguments],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    return Done(done.returncode, done.stdout, done.stderr)


@pytest.fixture
def trial(tmp_path: Path) -> str:
    """The id of a trial that the project has."""
    record = make_record()
    write_record(new_run_folder(tmp_path, record.id), record)
    return record.id


def test_help_lists_the_commands_and_exit_codes(seatrial: Seatrial) -> None:
    done = seatrial("--help")

    assert done.returncode == 0
    assert all(f"\n  {command} " in done.stdout for command in COMMANDS)
    assert "5 no tests" in " ".join(done.stdout.split())


@pytest.mark.parametrize("command", COMMANDS)
def test_help_of_each_command_has_examples(seatrial: Seatrial, command: str) -> None:
    done = seatrial(command, "--help")

    assert done.returncode == 0
    assert f"Examples:\n    seatrial {command}" in done.stdout


def test_without_a_command_it_shows_its_help(seatrial: Seatrial) -> None:
    done = seatrial()

    assert done.returncode == 2
    assert "Usage:" in done.stdout + done.stderr


def test_the_version_is_printed(seatrial: Seatrial) -> None:
    assert seatrial("--version").stdout == f"seatrial {__version__}\n"


@pytest.mark.parametrize(
    "arguments",
    [("--no-such-option",), ("run", "--no-such-option"), ("nothing",), ("list", "--color", "red")],
)
def test_a_command_line_that_is_wrong_ends_with_2(
    seatrial: Seatrial, arguments: tuple[str, ...]
) -> None:
    done = seatrial(*arguments)

    assert done.returncode == 2
    assert "Traceback" not in done.stderr


def test_a_project_without_compose_file_is_told_where_and_what_next(
    seatrial: Seatrial, tmp_path: Path
) -> None:
    done = seatrial("plan")

    assert done.returncode == 2
    assert done.stdout == ""
    assert done.stderr.splitlines()[0] == "error: no compose file found"
    assert f"where: {tmp_path}" in done.stderr
    assert "next:  run in the project's folder" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("plan", "--file", "missing.yml"), "missing.yml does not exist"),
        (("list", "--project", "missing"), "the project's folder does not exist"),
        (("show",), "there is no trial yet"),
        (("show", "abc"), "there is no trial 'abc'"),
    ],
)
def test_what_is_missing_is_named(
    seatrial: Seatrial, arguments: tuple[str, ...], words: str
) -> None:
    done = seatrial(*arguments)

    assert done.returncode == 2
    assert words in done.stderr
    assert "Traceback" not in done.stderr


def test_settings_that_are_wrong_are_a_usage_error(seatrial: Seatrial, tmp_path: Path) -> None:
    (tmp_path / "seatrial.toml").write_text("servcie = 1\n", encoding="utf-8")

    done = seatrial("plan")

    assert done.returncode == 2
    assert "'servcie'" in done.stderr


def test_an_engine_that_does_not_answer_ends_with_3(seatrial: Seatrial, tmp_path: Path) -> None:
    (tmp_path / "compose.yml").write_text("services: {test: {image: x}}", encoding="utf-8")

    done = seatrial("run")

    assert done.returncode == 3
    assert "next:" in done.stderr
    assert "Traceback" not in done.stderr
    assert not (tmp_path / ".seatrial").exists()


def test_the_schema_is_pure_json(seatrial: Seatrial) -> None:
    jsonschema.Draft202012Validator.check_schema(json.loads(seatrial("schema").stdout))


def test_trials_are_listed(seatrial: Seatrial, trial: str) -> None:
    assert trial in seatrial("list").stdout

    [record] = json.loads(seatrial("list", "--json").stdout)
    assert record["id"] == trial


def test_a_project_without_trials_has_an_empty_list(seatrial: Seatrial) -> None:
    done = seatrial("list", "--json")

    assert (done.returncode, json.loads(done.stdout)) == (0, [])
    assert "seatrial run" in seatrial("list").stderr


@pytest.mark.parametrize("arguments", [(), ("a1b2c3",)])
def test_a_trial_is_shown(seatrial: Seatrial, trial: str, arguments: tuple[str, ...]) -> None:
    done = seatrial("show", *arguments)

    assert done.returncode == 0
    assert "PASSED: 3 tests passed" in done.stdout
    assert json.loads(seatrial("show", *arguments, "--json").stdout)["id"] == trial


def test_color_comes_and_goes_as_it_is_asked_for(seatrial: Seatrial, trial: str) -> None:
    assert "\x1b[" in seatrial("show", "--color", "always", TERM="xterm").stdout
    assert "\x1b[" not in seatrial("show", "--color", "never", FORCE_COLOR="1").stdout
    assert "\x1b[" not in seatrial("show", FORCE_COLOR="").stdout


def test_a_plan_as_json_is_a_form_that_compose_accepts(seatrial: Seatrial, tmp_path: Path) -> None:
    (tmp_path / "compose.yml").write_text(
        "services: {test: {image: x, command: pytest}}", encoding="utf-8"
    )

    done = seatrial("plan", "--json", "--", "-k", "login")

    if done.returncode == 3:
        pytest.skip("Compose is not installed")
    plan = json.loads(done.stdout)
    assert plan["test_service"] == "test"
    assert plan["arguments"] == ["-k", "login"]
    assert plan["form"]["services"]["test"]["healthcheck"] == {"disable": True}


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_shells_can_complete(seatrial: Seatrial, shell: str) -> None:
    done = seatrial("--show-completion", shell)

    assert done.returncode == 0
    assert "_COMPLETE" in done.stdout


def test_a_command_is_completed() -> None:
    done = subprocess.run(
        [Path(sys.executable).with_name("seatrial")],
        env=os.environ
        | {
            "_SEATRIAL_COMPLETE": "complete_bash",
            "COMP_WORDS": "seatrial do",
            "COMP_CWORD": "1",
        },
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )

    assert done.stdout.split() == ["doctor"]


def test_the_module_does_what_the_program_does() -> None:
    assert run_module("--version") == Done(0, f"seatrial {__version__}\n", "")
    assert run_module("show", "--project", "/nonexistent").returncode == 2


def test_a_reader_that_goes_away_is_no_fault() -> None:
    reading, writing = os.pipe()
    os.close(reading)
    with os.fdopen(writing, "wb") as closed:
        done = subprocess.run(
            [sys.executable, "-m", "seatrial", "schema"],
            stdout=closed,
            stderr=subprocess.PIPE,
            check=False,
            timeout=60,
        )

    assert done.stderr == b""


@pytest.mark.parametrize("workers", ["0", "1,x", "", "1,,2", "-1", "1,65"])
def test_a_bench_is_told_numbers_of_workers(seatrial: Seatrial, workers: str) -> None:
    done = seatrial("bench", f"--workers={workers}")
    assert done.returncode == 2
    assert "workers" in done.stderr


@pytest.mark.parametrize("of", ["record", "approval", "drills", "audit"])
def test_each_document_has_a_schema(seatrial: Seatrial, of: str) -> None:
    document = json.loads(seatrial("schema", "--of", of).stdout)

    jsonschema.Draft202012Validator.check_schema(document)
    assert document["properties"]


def test_without_a_trial_there_is_nothing_to_approve(seatrial: Seatrial) -> None:
    done = seatrial("approve")

    assert done.returncode == 2
    assert "there is no trial" in done.stderr
