"""Run by another Python: pytest once for each mutant of a project, and what failed.

Takes the project's folder, a file with the mutants, and a file for the outcome. pytest is imported
once; each run is a fork of this process.
"""

import json
import os
import sys
from pathlib import Path

import pytest


class Outcome:
    """Notes what did not pass, and what was there."""

    def __init__(self) -> None:
        self.seen: list[str] = []
        self.failed: list[str] = []

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.when == "setup":
            self.seen.append(report.nodeid)
        if report.failed:
            self.failed.append(report.nodeid)

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        if report.failed:
            self.failed.append(report.nodeid)


def run() -> dict[str, list[str]]:
    """Run all tests in a child of this process."""
    read, write = os.pipe()
    if os.fork() == 0:
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        outcome = Outcome()
        options = ["-p", "no:cacheprovider", "--tb=no", "--continue-on-collection-errors"]
        pytest.main(options, plugins=[outcome])
        with os.fdopen(write, "w") as pipe:
            json.dump(vars(outcome), pipe)
        os._exit(0)
    os.close(write)
    with os.fdopen(read) as pipe:
        found: dict[str, list[str]] = json.load(pipe)
    os.wait()
    return found


def main() -> None:
    """Put each mutant in its place, run, and put back what was there."""
    project, mutants, out = sys.argv[1:]
    os.chdir(project)
    outcomes = []
    for name, text in json.loads(Path(mutants).read_bytes()):
        own = Path(name)
        before = own.read_bytes()
        own.write_bytes(text.encode("latin-1"))
        outcomes.append(run())
        own.write_bytes(before)
    Path(out).write_text(json.dumps(outcomes), encoding="utf-8")


main()
