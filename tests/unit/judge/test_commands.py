import hashlib
import json
import sys
from pathlib import Path
from typing import Any

import pytest

from seatrial.errors import UsageFault
from seatrial.judge.commands import MAX_OUTPUT_BYTES, run_commands
from seatrial.judge.dossier import CommandResult
from unit.judge.dossiers import settings

FOLDER = ".seatrial/runs/one-commands"


def run(project: Path, code: str, key: str = "own", **values: Any) -> CommandResult:
    """What came of a criterion whose command is that Python."""
    own = {"statement": "s", "command": [sys.executable, "-c", code]} | values
    rules = settings({"command_criteria": {key: own}})
    return run_commands(project, rules, project / FOLDER)[key]


def saved(project: Path, result: CommandResult) -> dict[str, Any]:
    content = (project / result.exhibit.file).read_bytes()
    assert hashlib.sha256(content).hexdigest() == result.exhibit.sha256
    document: dict[str, Any] = json.loads(content)
    return document


def test_a_command_runs_in_the_project_and_its_output_is_saved(tmp_path: Path) -> None:
    code = "import os, sys; print(os.getcwd()); print('wrong', file=sys.stderr); sys.exit(3)"

    result = run(tmp_path, code)

    assert result.exit_code == 3
    assert result.fault == ""
    assert result.seconds > 0
    assert result.exhibit.file == f"{FOLDER}/own.json"
    document = saved(tmp_path, result)
    assert document["exit_code"] == 3
    assert str(tmp_path) in document["output"]
    assert "wrong" in document["output"]
    assert not document["cut"]


def test_equal_results_give_equal_bytes(tmp_path: Path) -> None:
    assert run(tmp_path, "print(1)").exhibit == run(tmp_path, "print(1)").exhibit


def test_without_own_commands_nothing_is_run_or_made(tmp_path: Path) -> None:
    assert run_commands(tmp_path, settings(), tmp_path / FOLDER) == {}
    assert not list(tmp_path.iterdir())


def test_of_a_long_output_the_end_is_kept(tmp_path: Path) -> None:
    result = run(tmp_path, f"print('x' * {3 * MAX_OUTPUT_BYTES}); print('the end')")

    document = saved(tmp_path, result)
    assert document["cut"]
    assert document["output"].endswith("the end\n")
    assert len(document["output"]) == MAX_OUTPUT_BYTES


def test_escape_codes_are_taken_out_of_what_is_saved(tmp_path: Path) -> None:
    result = run(tmp_path, r"print('\x1b[31mred\x1b[0m')")

    assert saved(tmp_path, result)["output"] == "red\n"


def test_a_command_that_does_not_end_has_no_exit_code(tmp_path: Path) -> None:
    code = (
        "import signal, sys, time\n"
        "signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))\n"
        "print('on', flush=True)\n"
        "time.sleep(60)"
    )

    result = run(tmp_path, code, timeout=1)

    assert result.exit_code is None, "although it ended with 0 when it was told to end"
    assert result.fault == "it did not end within 1 s"
    assert saved(tmp_path, result)["fault"] == result.fault


def test_what_a_command_leaves_running_is_ended_with_it(tmp_path: Path) -> None:
    code = (
        "import subprocess, sys\n"
        "child = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(60)'])\n"
        "print(child.pid)"
    )

    result = run(tmp_path, code)

    assert result.exit_code == 0
    assert result.seconds < 30, "the child holds the pipe, and is not waited for"
    child = int(saved(tmp_path, result)["output"])
    assert _ends(child)


def _ends(pid: int) -> bool:
    """Whether the process is gone, or only waits for init to take note of it."""
    stat = Path(f"/proc/{pid}/stat")
    for _ in range(100_000):
        try:
            state = stat.read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()[0]
        except (FileNotFoundError, ProcessLookupError):
            return True
        if state == "Z":
            return True
    return False


def test_a_command_has_no_input(tmp_path: Path) -> None:
    result = run(tmp_path, "import sys; print(repr(sys.stdin.read()))")

    assert saved(tmp_path, result)["output"] == "''\n"


def test_a_command_that_is_not_there_is_told(tmp_path: Path) -> None:
    result = run(tmp_path, "", command=["no-such-command-here"])

    assert result.exit_code is None
    assert "could not be started" in result.fault


def test_a_link_in_the_place_of_the_output_is_replaced(tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.write_text("mine", encoding="utf-8")
    (tmp_path / FOLDER).mkdir(parents=True)
    (tmp_path / FOLDER / "own.json").symlink_to(other)

    run(tmp_path, "print(1)")

    assert other.read_text(encoding="utf-8") == "mine"


@pytest.mark.parametrize("key", ["../own", "a/b", "", "-x", "x" * 65, "a\n"])
def test_a_key_that_is_no_name_of_a_file_is_refused(tmp_path: Path, key: str) -> None:
    with pytest.raises(UsageFault):
        run(tmp_path, "print(1)", key=key)

    assert not list(tmp_path.iterdir())
