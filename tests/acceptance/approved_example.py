"""Makes a repository of the bundled example that has earned its approval, and copies of it."""

import secrets
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from .program import Ended, seatrial
from .projects import Project

__all__ = ["ApprovedExample", "approve_example", "git", "try_undisturbed"]

_EXAMPLE = Path(__file__).parents[2] / "examples" / "shop"
_NOT_COMMITTED = shutil.ignore_patterns(".seatrial", "reports", "__pycache__", ".*_cache")
_TRIALS_AT_MOST = 5
_PATIENCE_S = 1200.0
"""For the whole suite, or for ten drills, on a machine that has other work."""


@dataclass(frozen=True)
class ApprovedExample:
    """The example after all that its approval takes; tests work on copies of it."""

    project: Project
    ended: Ended
    """What `seatrial approve --json` came to."""

    def copy(self, parent: Path) -> Project:
        """A copy with its repository and all its evidence; images have the same names."""
        folder = parent / self.project.folder.name
        shutil.copytree(self.project.folder, folder, symlinks=True)
        return Project(folder)


def approve_example(parent: Path) -> ApprovedExample:
    """Commit the example twice, try it twice by two workers, drill it, and approve it.

    The parent commit is what its rules are compared with. The second trial's build comes from the
    cache whatever the engine had before, and confirms the first.
    """
    project = Project(parent / f"acc-{secrets.token_hex(4)}")
    shutil.copytree(_EXAMPLE, project.folder, ignore=_NOT_COMMITTED)
    git(project, "init", "--quiet", "--initial-branch", "main")
    git(project, "add", "--all")
    git(project, "commit", "--quiet", "--message", "Sell things")
    git(project, "commit", "--quiet", "--allow-empty", "--message", "Sell more")
    try_undisturbed(project)
    try_undisturbed(project)
    drilled = seatrial("drill", cwd=project.folder, timeout_s=_PATIENCE_S)
    assert drilled.code == 0, drilled.stdout + drilled.stderr
    return ApprovedExample(project, seatrial("approve", "--json", cwd=project.folder))


def try_undisturbed(project: Project, *arguments: str) -> None:
    """Try the project, and again if somebody else made something on the engine meanwhile.

    That cannot be told from what a trial left behind.
    """
    for _ in range(_TRIALS_AT_MOST):
        command = ("run", "--json", "--fresh", *arguments)
        tried = seatrial(*command, cwd=project.folder, timeout_s=_PATIENCE_S)
        assert tried.code == 0, tried.record.reason
        came = tried.record.clean_up.difference
        if all(name.startswith("seatrial-") for name in came):
            return


def git(project: Project, *arguments: str) -> None:
    """Run git in the project, as somebody whom no configuration needs to name."""
    whose = ("-c", "user.name=Ada", "-c", "user.email=ada@shop.example")
    command = ["git", *whose, *arguments]
    subprocess.run(command, cwd=project.folder, check=True, capture_output=True)
