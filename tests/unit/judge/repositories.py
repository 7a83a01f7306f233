"""Makes git repositories with projects in them."""

import os
import subprocess
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Repository:
    """A repository in a folder, whatever this machine's configuration of git says."""

    folder: Path

    def git(self, *arguments: str) -> str:
        environ = {
            "PATH": os.environ["PATH"],
            "HOME": str(self.folder),
            "GIT_CONFIG_NOSYSTEM": "1",
            **{
                f"GIT_{who}_{what}": value
                for who in ("AUTHOR", "COMMITTER")
                for what, value in (
                    ("NAME", "A"),
                    ("EMAIL", "a@example.org"),
                    ("DATE", "2026-01-01T00:00:00+0000"),
                )
            },
        }
        command = ["git", "-C", str(self.folder), *arguments]
        done = subprocess.run(command, env=environ, check=True, capture_output=True, text=True)
        return done.stdout.strip()

    def put(self, name: str, text: str | None) -> None:
        """Write a file; None removes it."""
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if text is None:
            path.unlink()
        else:
            path.write_text(text, encoding="utf-8")

    def commit(self, files: dict[str, str | None] | None = None) -> str:
        for name, text in (files or {}).items():
            self.put(name, text)
        self.git("add", "--all")
        self.git("commit", "--quiet", "--allow-empty", "--message", "why")
        return self.git("rev-parse", "HEAD")


def make_repository(folder: Path) -> Repository:
    folder.mkdir(parents=True, exist_ok=True)
    made = Repository(folder)
    made.git("init", "--quiet", "--initial-branch=trunk")
    made.put(".gitignore", ".seatrial/\n")
    return made
