"""Runs the real program on a project, as its users do."""

import os
import subprocess
import sys
from pathlib import Path

from seatrial.evidence.record import Record

__all__ = ["run_trial"]


def run_trial(project: Path, *arguments: str) -> Record:
    """Run a trial that passes."""
    done = subprocess.run(
        [sys.executable, "-m", "seatrial", "run", "--quiet", "--json", *arguments],
        cwd=project,
        env={key: value for key, value in os.environ.items() if not key.startswith("COV_")},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    return Record.model_validate_json(done.stdout)
