"""Runs the real program as a user does: in a process of its own, in the project's folder."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from seatrial.evidence.record import Fault, Record

from .engine_state import held, poll
from .projects import Project
from .users import User

__all__ = ["Ended", "Running", "assert_nothing_left", "run_trial", "running_trial", "seatrial"]

_LIMIT_S = 120.0
"""No trial here takes a tenth of it; a program that hangs must not hang the suite."""


@dataclass(frozen=True)
class Ended:
    """How the program ended, and what it said."""

    code: int
    stdout: str
    stderr: str

    @property
    def record(self) -> Record:
        """The record that `--json` printed."""
        assert self.stdout.startswith("{"), self.stderr
        return Record.model_validate_json(self.stdout)

    @property
    def fault(self) -> Fault:
        """What the user is told went wrong: by the record, or before there is one, on stderr."""
        if self.stdout:
            fault = self.record.fault
            assert fault is not None, self.stdout
            return fault
        said = {"error:": "", "  where:": "", "  next:": ""}
        for line in self.stderr.splitlines():
            for sign in said:
                if line.startswith(sign):
                    said[sign] = line.removeprefix(sign).strip()
        assert said["error:"], self.stderr
        return Fault(what=said["error:"], where=said["  where:"], next_step=said["  next:"])


def seatrial(
    *arguments: str,
    cwd: Path,
    env: Mapping[str, str] | None = None,
    user: User | None = None,
    stdin: str = "",
    foreseen: bool = True,
    timeout_s: float = _LIMIT_S,
) -> Ended:
    """Run a command of the program to its end; what is foreseen never ends in a traceback."""
    done = subprocess.run(
        _command(arguments, user.python if user else sys.executable),
        cwd=cwd,
        env=_environ({**(user.environ if user else {}), **(env or {})}),
        input=stdin,
        capture_output=True,
        text=True,
        timeout=timeout_s,
        check=False,
        user=user.uid if user else None,
        group=user.uid if user else None,
        extra_groups=user.groups if user else None,
    )
    ended = Ended(done.returncode, done.stdout, done.stderr)
    return _judged(ended) if foreseen else ended


def run_trial(project: Project, *arguments: str, env: Mapping[str, str] | None = None) -> Ended:
    """Run a trial of the project, whether or not something changed since the last one.

    Whatever it comes to, the engine holds nothing of it.
    """
    ended = seatrial("run", "--json", "--fresh", *arguments, cwd=project.folder, env=env)
    assert_nothing_left(project)
    return ended


def assert_nothing_left(project: Project) -> None:
    """Check that the engine holds nothing of any of the project's trials."""
    # All that a trial makes carries both labels; the project's finds what has no trial's folder.
    labels = [f"trial={trial}" for trial in project.trials()] or [f"project={project.folder.name}"]
    for label in labels:
        assert held(f"dev.seatrial.{label}") == []


@dataclass
class Running:
    """A trial that is under way."""

    process: subprocess.Popen[str]
    project: Project

    @property
    def trial(self) -> str:
        """Its id; waits until it has one."""
        if self.process.returncode is None:
            self.wait_for(self.project.trials, "the trial's folder")
        return self.project.trials()[-1]

    @property
    def label(self) -> str:
        """The label of all that the engine holds of it."""
        return f"dev.seatrial.trial={self.trial}"

    def wait_for(self, fact: Callable[[], object], what: str) -> None:
        """Wait until something is so, as long as the trial runs."""

        def holds() -> object:
            found = fact()
            if not found and self.process.poll() is not None:
                raise AssertionError(f"the trial ended before: {what}\n{self.finish().stderr}")
            return found

        poll(holds, what)

    def wait_for_log(self, name: str, text: str) -> None:
        """Wait until one of the trial's log files holds `text`."""
        path = self.project.runs / self.trial / "logs" / name
        self.wait_for(lambda: path.is_file() and text in path.read_text(), f"{text} in {name}")

    def send(self, number: signal.Signals) -> None:
        """Send the program a signal."""
        self.process.send_signal(number)

    def finish(self) -> Ended:
        """Wait for its end."""
        stdout, stderr = self.process.communicate(timeout=_LIMIT_S)
        return _judged(Ended(self.process.returncode, stdout, stderr))

    def finish_timed(self) -> tuple[Ended, float]:
        """Wait for its end, and measure how long that takes, in seconds."""
        began = time.monotonic()
        self.process.wait(timeout=_LIMIT_S)
        seconds = time.monotonic() - began
        return self.finish(), seconds


@contextmanager
def running_trial(
    project: Project, *arguments: str, command: tuple[str, ...] = ("run", "--json", "--fresh")
) -> Iterator[Running]:
    """Begin a trial of the project, or several; all is over when the block is left."""
    process = subprocess.Popen(
        _command((*command, *arguments)),
        cwd=project.folder,
        env=_environ(None),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    running = Running(process, project)
    try:
        yield running
    finally:
        if process.poll() is None:
            process.terminate()
        process.communicate(timeout=_LIMIT_S)


def _command(arguments: tuple[str, ...], python: str = sys.executable) -> list[str]:
    return [python, "-m", "seatrial", *arguments]


def _environ(changes: Mapping[str, str] | None) -> dict[str, str]:
    # What steers pytest, Compose or colours in the outer run must not reach the inner one; and
    # without compiled files each of the many starts of the program takes half a second longer.
    kept_out = ("COMPOSE_", "PYTEST_", "FORCE_COLOR", "PYTHONDONTWRITEBYTECODE")
    outer = {k: value for k, value in os.environ.items() if not k.startswith(kept_out)}
    return {**outer, "COLUMNS": "200", **(changes or {})}


def _judged(ended: Ended) -> Ended:
    assert "Traceback" not in ended.stderr, ended.stderr
    return ended
