"""Run by another Python: pytest under coverage.py, once for each of several trees of a project.

Takes the project's folder, a file that says what to run, and a folder for the data. pytest is
imported once; each run is a fork of this process.
"""

import json
import os
import shutil
import sys
from pathlib import Path

import coverage
import pytest


def run(data_file: Path, tests: list[str] | None, traces: Path | None) -> None:
    """Run the tests, or all if None is named, in a child of this process; watched or not."""
    child = os.fork()
    if child:
        os.waitpid(child, 0)
        return
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    # What an earlier run compiled may be of another tree, of the same second.
    sys.dont_write_bytecode = True
    options = ["-p", "no:cacheprovider", "--tb=no", "--continue-on-collection-errors"]
    if traces:
        traces.mkdir(parents=True)
        os.environ["SEATRIAL_EVENTS"] = str(traces / "events.jsonl")
        options += ["-p", "seatrial_trace"]
    measured = coverage.Coverage(data_file=str(data_file), branch=True, source=["."])
    measured.start()
    code = pytest.main([*options, *(tests or ())])
    measured.stop()
    measured.save()
    data_file.with_suffix(".code").write_text(str(int(code)), encoding="utf-8")
    os._exit(0)


def main() -> None:
    """Put each tree in its place, run, and put back what was there."""
    project, trees, out = sys.argv[1], json.loads(Path(sys.argv[2]).read_bytes()), Path(sys.argv[3])
    os.chdir(project)
    for number, (changes, tests, watched) in enumerate(trees):
        before = Path(f"../before-{number}")
        shutil.copytree(".", before)
        for name, text in changes.items():
            own = Path(name)
            if text is None:
                own.unlink()
            else:
                own.parent.mkdir(parents=True, exist_ok=True)
                own.write_bytes(text.encode("latin-1"))
        run(out / f"{number}.coverage", tests, out / f"{number}" if watched else None)
        for name in changes:
            Path(name).unlink(missing_ok=True)
            if (before / name).exists():
                shutil.copy2(before / name, name)
        shutil.rmtree(before)


main()
