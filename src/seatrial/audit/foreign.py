"""Runs a foreign program for its findings, bounded in time and output."""

import asyncio
import json
import shutil
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from seatrial.evidence.audit import ToolRun
from seatrial.evidence.hostile import plain_text
from seatrial.stack.process import MAX_CAPTURE_BYTES, run_process

__all__ = ["Tool", "ToolFault", "ask", "find_tool", "missing"]

TIME_LIMIT_S = 60.0
"""For one file: hadolint and zizmor take 0.2 s, detect-secrets 0.4 s."""
INSTALL = 'pip install "seatrial[audit]"'
_SCRIPTS = Path(sys.executable).parent


@dataclass(frozen=True)
class Tool:
    """A program that answers."""

    name: str
    path: str
    version: str
    environ: Mapping[str, str]
    folder: Path
    """Where it runs: an empty folder, so that it finds no settings of the project's."""


class ToolFault(Exception):
    """The program did not give findings; its words say why."""


async def find_tool(name: str, environ: Mapping[str, str], folder: Path) -> Tool:
    """Look for a program beside this one's interpreter, then on PATH, and ask for its version.

    Raises:
        ToolFault: it is not there, or does not run.
    """
    path = shutil.which(name, path=str(_SCRIPTS)) or shutil.which(name, path=environ.get("PATH"))
    if path is None:
        raise ToolFault(f"not installed: {INSTALL}")
    # Nothing of the environment but what a program needs to start: no token, no settings.
    own = {key: environ[key] for key in ("PATH", "LANG", "LC_ALL", "TMPDIR") if key in environ}
    own |= {"HOME": str(folder), "PYTHONUTF8": "1"}
    tool = Tool(name, path, "", own, folder)
    said = (await ask(tool, ["--version"], parse=False)).strip()
    version = plain_text(said.splitlines()[-1] if said else "").split()
    if not version:
        raise ToolFault("does not tell its version")
    return Tool(name, path, version[-1][:50], own, folder)


async def ask(
    tool: Tool, arguments: Sequence[str], *, stdin: bytes = b"", parse: bool = True
) -> Any:
    """Run the program; its answer, read as JSON if `parse`.

    Raises:
        ToolFault: it failed, took too long, or said too much.
    """
    try:
        async with asyncio.timeout(TIME_LIMIT_S):
            done = await run_process(
                [tool.path, *arguments], cwd=tool.folder, environ=tool.environ, stdin=stdin
            )
    except TimeoutError:
        raise ToolFault(f"no answer within {TIME_LIMIT_S:g} s") from None
    except OSError as error:
        raise ToolFault(f"does not run: {error.strerror}") from error
    if done.code != 0:
        said = " ".join(plain_text(done.stderr or done.stdout).split())[-200:]
        raise ToolFault(f"ended with exit code {done.code}: {said}")
    if len(done.stdout) >= MAX_CAPTURE_BYTES:
        raise ToolFault("said too much")
    if not parse:
        return done.stdout
    try:
        return json.loads(done.stdout)
    except (ValueError, RecursionError) as error:
        raise ToolFault("its answer cannot be read") from error


def missing(name: str, fault: ToolFault) -> ToolRun:
    """What the report says of a program that gave no findings."""
    return ToolRun(name=name, why_not=str(fault))
