"""Trials through the real program, and what a record tells about their time."""

import json
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

from seatrial.evidence.record import PhaseName, Record

__all__ = ["TrialRun", "help_seconds", "run_trial"]


@dataclass(frozen=True)
class TrialRun:
    """Seconds of one `seatrial run`, most of them from outside."""

    wall: float
    """From the start of the process to its end."""
    start: float
    """From the start of the process until every service was ready; a warm build is part of it."""
    clean: float
    overhead: float
    """Wall time less build, start and test phase, and less `coverage`: what the project does not
    cause."""
    coverage: float
    """For reporting the coverage that the project measures; none if it does not."""
    test: float


def run_trial(project: Path, *arguments: str) -> TrialRun:
    """Run one trial and read its record; `arguments` are further ones of `seatrial run`.

    Raises:
        CalledProcessError: the trial did not pass.
    """
    began_at = time.time()
    began = time.perf_counter()
    done = subprocess.run(
        [sys.executable, "-m", "seatrial", "run", "--fresh", "--quiet", "--json", *arguments],
        cwd=project,
        check=True,
        capture_output=True,
    )
    wall = time.perf_counter() - began
    record = Record.model_validate(json.loads(done.stdout))
    ready = max(s.ready_at for s in record.services if s.ready_at is not None)
    build, start, test, clean = (
        _phase(record, name)
        for name in (PhaseName.BUILD, PhaseName.START, PhaseName.TEST, PhaseName.CLEAN)
    )
    project_caused = max(build[1], start[1]) - min(build[0], start[0]) + (test[1] - test[0])
    coverage = (record.coverage.seconds or 0.0) if record.coverage else 0.0
    return TrialRun(
        wall=wall,
        # The wall clock places the trial in the process; within it, durations are monotonic.
        start=record.started.timestamp() - began_at + ready,
        clean=clean[1] - clean[0],
        overhead=wall - project_caused - coverage,
        coverage=coverage,
        test=test[1] - test[0],
    )


def help_seconds() -> float:
    """Wall time of `seatrial --help`, as a user starts it."""
    program = Path(sys.executable).with_name("seatrial")
    began = time.perf_counter()
    subprocess.run([program, "--help"], check=True, capture_output=True)
    return time.perf_counter() - began


def _phase(record: Record, name: PhaseName) -> tuple[float, float]:
    phase = record.phase(name)
    if phase is None:
        raise ValueError(f"the trial has no phase {name}")
    return phase.start, phase.start + phase.seconds
