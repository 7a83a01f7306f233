import io
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from seatrial.errors import EnvironmentFault
from seatrial.trial import reaper
from seatrial.trial.identity import process_start


def test_after_done_nothing_is_left_to_do() -> None:
    assert reaper._listen(io.StringIO("12 345\ndone")) is None
    assert reaper._listen(io.StringIO("done\n")) is None


@pytest.mark.parametrize(
    ("heard", "programs"),
    [
        ("", {}),
        ("12 345\n13 678\n", {12: "345", 13: "678"}),
        ("12 345\n13", {12: "345", 13: ""}),
        ("12 345\n12 999\n", {12: "999"}),
        ("nonsense\n² 5\n\n-1 5\n", {}),
        ("12 345\ndon", {12: "345"}),
    ],
)
def test_a_pipe_that_ends_without_it_leaves_the_programs_to_end(
    heard: str, programs: dict[int, str]
) -> None:
    assert reaper._listen(io.StringIO(heard)) == programs


def test_only_the_very_program_that_was_told_is_ended() -> None:
    with subprocess.Popen(["sleep", "60"], start_new_session=True) as process:
        start = process_start(process.pid)
        reaper._end_programs({process.pid: "1"})
        reaper._end_programs({process.pid: ""})
        assert process.poll() is None

        reaper._end_programs({process.pid: start})

        assert process.wait(timeout=10) == -signal.SIGKILL


def test_a_program_that_is_gone_is_no_fault() -> None:
    reaper._end_programs({99999999: "5"})


def test_a_dismissed_reaper_ends_and_leaves_no_file(tmp_path: Path) -> None:
    watching = reaper.Reaper("t1", tmp_path)

    watching.child_started(os.getpid())
    watching.dismiss()

    assert list(tmp_path.iterdir()) == []
    watching.child_started(os.getpid())  # too late, and no fault


def sweep_that_fails(times: int) -> reaper.Sweep:
    """A sweep whose engine answers only after so many tries."""
    tries = iter(range(times))

    async def sweep(trial: str, log: Path) -> None:
        if next(tries, None) is not None:
            raise EnvironmentFault("connection refused", where="the engine")

    return sweep


async def test_it_waits_for_an_engine_that_does_not_answer_and_says_so_once(
    tmp_path: Path,
) -> None:
    log = tmp_path / "log"

    await reaper._sweep_in_time("t1", log, sweep=sweep_that_fails(3), pause_s=0)

    assert log.read_text() == "the engine: connection refused\n"


async def test_it_gives_up_when_its_time_is_over(tmp_path: Path) -> None:
    log = tmp_path / "log"

    await reaper._sweep_in_time("t1", log, sweep=sweep_that_fails(9), patience_s=0, pause_s=0)

    assert log.read_text().endswith("gave up; seatrial clean removes what is left\n")


async def test_left_to_it_the_reaper_goes_on_by_itself(tmp_path: Path) -> None:
    watching = reaper.Reaper("no-such-trial", tmp_path)

    watching.leave_to_it()

    assert watching._process.wait(timeout=60) == 0
    assert (tmp_path / "reaper.log").read_text().startswith("Seatrial ended without cleaning up")


def test_a_signal_to_the_terminals_group_does_not_end_the_reaper() -> None:
    command = [sys.executable, "-m", "seatrial.trial.reaper", "t1", os.devnull]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, text=True, start_new_session=True
    ) as process:
        assert process.stdin is not None
        process.stdin.write("12 5\n")
        process.stdin.flush()
        wait_until_it_ignores(process.pid, signal.SIGTERM)
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            process.send_signal(number)

        process.stdin.write("done\n")
        process.stdin.close()

        assert process.wait(timeout=10) == 0


def wait_until_it_ignores(pid: int, number: signal.Signals) -> None:
    status = Path(f"/proc/{pid}/status")
    while True:
        line = next(s for s in status.read_text("ascii").splitlines() if s.startswith("SigIgn"))
        if int(line.split()[1], 16) >> (number - 1) & 1:
            return
