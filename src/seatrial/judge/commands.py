"""Runs the commands of a project's own criteria, and saves what came of them as evidence."""

import hashlib
import json
import os
import re
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from seatrial.errors import UsageFault
from seatrial.evidence.hostile import plain_text
from seatrial.judge.dossier import CommandResult, Exhibit
from seatrial.settings import CommandCriterion, Settings

__all__ = ["MAX_OUTPUT_BYTES", "run_commands"]

MAX_OUTPUT_BYTES = 1 << 20
"""Kept of a command's output, its end: what went wrong stands there."""
_CHUNK = 1 << 16
_TERMINATE_WAIT_S = 2.0
"""After SIGTERM, before SIGKILL."""
_DRAIN_S = 2.0
"""For the rest of the output, once all processes of the command's group are ended."""
_KEY = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}")


def run_commands(
    project: Path,
    settings: Settings,
    folder: Path,
    *,
    environ: Mapping[str, str] | None = None,
    clock: Callable[[], float] = time.monotonic,
) -> dict[str, CommandResult]:
    """Run each in the project's folder, one by one; what it printed is saved in `folder`.

    `folder` is below the project, and made if it is not there. A command has no input, and all
    processes of its group are ended with it, at the latest when its time is over. The saved file
    holds neither times nor folders, so that equal results give equal bytes.

    Raises:
        UsageFault: a key cannot be a file's name.
        OSError: the output cannot be saved.
    """
    results = {}
    for key, own in sorted(settings.verdict.command_criteria.items()):
        if not _KEY.fullmatch(key):
            raise UsageFault(
                f"the criterion's key {key!r} cannot be a file's name",
                where="verdict.command_criteria",
                next_step="use letters, digits, - and _, at most 64",
            )
        began = clock()
        ended = _run(own, project, os.environ if environ is None else environ)
        seconds = clock() - began
        path = folder / f"{key}.json"
        results[key] = CommandResult(
            exit_code=ended.exit_code,
            seconds=seconds,
            exhibit=_save(path, project, key, own, ended),
            fault=ended.fault,
        )
    return results


@dataclass(frozen=True)
class _Ended:
    exit_code: int | None
    output: bytes = b""
    cut: bool = False
    fault: str = ""


def _run(own: CommandCriterion, project: Path, environ: Mapping[str, str]) -> _Ended:
    try:
        process = subprocess.Popen(
            own.command,
            cwd=project,
            env=dict(environ),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else str(error)
        return _Ended(None, fault=f"it could not be started: {reason}")
    assert process.stdout is not None  # noqa: S101 - a pipe was asked for
    tail = _Tail(process.stdout)
    fault = ""
    try:
        process.wait(own.timeout)
    except subprocess.TimeoutExpired:
        fault = f"it did not end within {own.timeout:g} s"
        _signal(process, signal.SIGTERM)
        with suppress(subprocess.TimeoutExpired):
            process.wait(_TERMINATE_WAIT_S)
    finally:
        # Also what it left running, which would hold the pipe open.
        _signal(process, signal.SIGKILL)
        process.wait()
    output, cut = tail.end()
    return _Ended(None if fault else process.returncode, output, cut, fault)


class _Tail:
    """Reads a pipe to its end, and keeps the last of it."""

    def __init__(self, pipe: IO[bytes]) -> None:
        self._pipe = pipe
        self._kept = bytearray()
        self._cut = False
        self._lock = threading.Lock()
        self._thread = threading.Thread(target=self._read, daemon=True)
        self._thread.start()

    def end(self) -> tuple[bytes, bool]:
        """What was kept, and whether there was more before it.

        A process that left the group may hold the pipe; it is not waited for.
        """
        self._thread.join(_DRAIN_S)
        if not self._thread.is_alive():
            self._pipe.close()
        with self._lock:
            return bytes(self._kept[-MAX_OUTPUT_BYTES:]), self._cut

    def _read(self) -> None:
        while chunk := os.read(self._pipe.fileno(), _CHUNK):
            with self._lock:
                self._kept += chunk
                if len(self._kept) > 2 * MAX_OUTPUT_BYTES:
                    del self._kept[:-MAX_OUTPUT_BYTES]
                self._cut = self._cut or len(self._kept) > MAX_OUTPUT_BYTES


def _signal(process: subprocess.Popen[bytes], number: signal.Signals) -> None:
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, number)


def _save(path: Path, project: Path, key: str, own: CommandCriterion, ended: _Ended) -> Exhibit:
    document = {
        "criterion": key,
        "command": list(own.command),
        "exit_code": ended.exit_code,
        "fault": ended.fault,
        "cut": ended.cut,
        "output": plain_text(ended.output.decode(errors="replace")),
    }
    content = (json.dumps(document, indent=2, ensure_ascii=False) + "\n").encode()
    path.parent.mkdir(parents=True, exist_ok=True)
    # A command could have put a link there, which would be written through.
    path.unlink(missing_ok=True)
    path.write_bytes(content)
    return Exhibit(path.relative_to(project).as_posix(), hashlib.sha256(content).hexdigest())
