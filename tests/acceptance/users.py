"""Runs the program as somebody else than root."""

import contextlib
import os
import stat
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

__all__ = ["User", "a_user", "folder_for_everyone", "needs_root", "user_of_the_engine"]

_NOBODY = 65534
_SOCKET = Path("/var/run/docker.sock")

needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can become another user")


@dataclass(frozen=True)
class User:
    """A user by numbers; `groups` are beside their own."""

    uid: int
    python: str
    """An interpreter that this user can run the program with."""
    groups: tuple[int, ...] = ()

    @property
    def environ(self) -> dict[str, str]:
        """Lets that interpreter find what this one runs with."""
        return {"PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}


def a_user() -> User:
    """A user without rights; the test is skipped where such a one cannot run the program.

    A virtual environment's interpreter often stands in root's own home; then the system's will do
    if it is of the same version.
    """
    for python in (sys.executable, "/usr/bin/python3"):
        user = User(_NOBODY, python)
        with contextlib.suppress(OSError):
            done = subprocess.run(
                [python, "-c", "import seatrial.cli.app, aiodocker, pydantic"],
                cwd="/",
                env={**os.environ, **user.environ},
                user=_NOBODY,
                group=_NOBODY,
                extra_groups=[],
                capture_output=True,
                check=False,
            )
            if done.returncode == 0:
                return user
    pytest.skip("no Python with what Seatrial needs is readable for other users")


def user_of_the_engine() -> User:
    """A user who is not root and, by their group, may use the engine."""
    try:
        state = _SOCKET.stat()
    except OSError:
        pytest.skip(f"the engine's socket is not at {_SOCKET}")
    if not state.st_mode & stat.S_IWGRP:
        pytest.skip(f"the group of {_SOCKET} may not use it")
    return replace(a_user(), groups=(state.st_gid,))


@contextmanager
def folder_for_everyone() -> Iterator[Path]:
    """A folder that every user can enter; pytest's own are for their owner alone."""
    with tempfile.TemporaryDirectory() as name:
        Path(name).chmod(0o755)
        yield Path(name)
