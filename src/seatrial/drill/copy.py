"""Makes the throwaway copy of a project that drills break."""

import os
import shutil
import subprocess
from collections.abc import Iterable, Iterator
from pathlib import Path

from seatrial.errors import EnvironmentFault
from seatrial.evidence.folder import file_fault

__all__ = ["copy_project"]

_TIMEOUT_S = 300
_PASSED_OVER = frozenset(
    {".git", ".seatrial", ".hg", ".svn", ".tox", ".nox", "node_modules", "__pycache__"}
)
"""Folders that are left out where no version control says what is the project's."""
_ENVIRONMENTS = (".env*", "*.env")
"""Compose reads such files for its variables; they are seldom under version control."""


def copy_project(project: Path, target: Path, *, also: Iterable[str] = ()) -> None:
    """Copy what version control knows or would take up, and what Compose needs beside it.

    `also` are files relative to the project that are copied whether or not they are ignored. The
    copy of a git tree is a git tree itself, with the same history where the project's folder is
    the tree's top, as builds may ask for it. Without git everything is copied but environments and
    Seatrial's own folder.

    Raises:
        EnvironmentFault: the copy cannot be written.
    """
    listed = _listed(project)
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        if listed is not None:
            _clone(project, target)
        target.mkdir(exist_ok=True)
        own = listed if listed is not None else list(_walked(project))
        names = {*own, *also, *_environments(project)}
        for name in sorted(names):
            _copy(project / name, target / name)
        if listed is not None:
            _git(target, "add", "--force", "--", ".")
    except OSError as error:
        raise file_fault("the throwaway copy of the project", error, target) from error


def _listed(project: Path) -> list[str] | None:
    """What git tracks or does not ignore; None without git."""
    found = _git(project, "ls-files", "-z", "--cached", "--others", "--exclude-standard", "--", ".")
    if found is None or not found.strip("\0"):
        return None
    return [name for name in found.split("\0") if name and not name.startswith(".seatrial/")]


def _walked(project: Path) -> Iterator[str]:
    for root, folders, files in os.walk(project):
        here = Path(root)
        folders[:] = [
            name
            for name in folders
            if name not in _PASSED_OVER and not (here / name / "pyvenv.cfg").exists()
        ]
        links = [name for name in folders if (here / name).is_symlink()]
        for name in (*files, *links):
            yield (here / name).relative_to(project).as_posix()


def _environments(project: Path) -> Iterator[str]:
    for pattern in _ENVIRONMENTS:
        for path in (*project.glob(pattern), *project.glob(f"*/{pattern}")):
            if path.is_file() and not {"site-packages", *_PASSED_OVER} & set(path.parts):
                yield path.relative_to(project).as_posix()


def _clone(project: Path, target: Path) -> None:
    """Give the copy a history of its own; the project's is not touched."""
    top = _git(project, "rev-parse", "--show-toplevel")
    if top and Path(top.strip()).resolve() == project.resolve():
        # On one file system, what was committed is linked and takes neither time nor space.
        cloned = _git(
            project.parent,
            "clone",
            "--quiet",
            "--local",
            "--no-checkout",
            str(project),
            str(target),
        )
        if cloned is not None:
            return
        shutil.rmtree(target, ignore_errors=True)
    target.mkdir()
    if _git(target, "init", "--quiet") is None:
        raise EnvironmentFault(
            "git cannot make a tree for the throwaway copy",
            where=str(target),
            next_step="check git",
        )


def _copy(source: Path, target: Path) -> None:
    if source.is_symlink():
        target.parent.mkdir(parents=True, exist_ok=True)
        target.symlink_to(source.readlink())
    elif source.is_dir():  # a submodule, or a repository in the repository
        shutil.copytree(
            source, target, symlinks=True, dirs_exist_ok=True, ignore=lambda *_: {".git"}
        )
    elif source.is_file():  # else: deleted and not committed, a socket, a pipe
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(source, target)


def _git(folder: Path, *arguments: str) -> str | None:
    try:
        done = subprocess.run(
            ["git", "-C", str(folder), *arguments],
            capture_output=True,
            text=True,
            check=False,
            timeout=_TIMEOUT_S,
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout if done.returncode == 0 else None
