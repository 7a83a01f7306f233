"""Coverage of the change: which of the lines that differ from a base commit were run."""

import asyncio
import importlib.util
import json
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from seatrial.evidence.commit import resolve_commit
from seatrial.evidence.coverage import ChangeCoverage, CoverageFile
from seatrial.evidence.hostile import plain_text
from seatrial.stack.process import run_process
from seatrial.trial.rig import Rig

__all__ = ["measure_change", "read_lines", "write_lcov"]

_MAX_JSON_BYTES = 64 << 20
_MAX_MISSED_FILES = 200
# diff-cover asks git from the folder that it runs in; -P keeps that folder's modules out of it.
_DIFF_COVER = (
    "-P",
    "-c",
    "import sys; from diff_cover.diff_cover_tool import main; sys.exit(main())",
)

Lines = Mapping[str, Mapping[int, bool]]
"""By the project's file: its statements, and whether each was run."""


async def measure_change(
    rig: Rig, reports: Path, rows: Sequence[CoverageFile]
) -> ChangeCoverage | None:
    """Hold the JSON report in the folder `reports` against git's difference to the base commit.

    Only files whose content is the project's own count: in others, line numbers mean nothing.
    None if the settings name no base.
    """
    base = rig.settings.coverage.base
    if base is None:
        return None
    commit = await asyncio.to_thread(resolve_commit, rig.project, base)
    if commit is None:
        return _not_measured(base, f"git knows no commit {base} here")
    if importlib.util.find_spec("diff_cover") is None:
        return _not_measured(base, "diff-cover is missing: pip install 'seatrial[change]'")
    lines = await asyncio.to_thread(read_lines, reports / "coverage.json", rows)
    if lines is None:
        return _not_measured(base, "the JSON report is too large or not readable")
    return await _ask_diff_cover(rig, base, commit, lines)


def read_lines(report: Path, rows: Sequence[CoverageFile]) -> Lines | None:
    """The statements of the files that are equal to the project's; None: not readable."""
    own = {row.path: row.project_file for row in rows if row.project_file and row.source == "equal"}
    try:
        if report.stat().st_size > _MAX_JSON_BYTES:
            return None
        files = json.loads(report.read_bytes())["files"]
        return {
            name: {
                **{int(line): True for line in files[path]["executed_lines"]},
                **{int(line): False for line in files[path]["missing_lines"]},
            }
            for path, name in own.items()
            if path in files and name.isprintable()
        }
    except (OSError, ValueError, TypeError, KeyError):
        return None


def write_lcov(path: Path, lines: Lines) -> None:
    """Write the lines in the form of lcov, which diff-cover reads."""
    with path.open("w", encoding="utf-8") as file:
        for name, statements in lines.items():
            file.write(f"SF:{name}\n")
            file.writelines(f"DA:{line},{int(run)}\n" for line, run in statements.items())
            file.write("end_of_record\n")


async def _ask_diff_cover(rig: Rig, base: str, commit: str, lines: Lines) -> ChangeCoverage:
    with TemporaryDirectory() as folder:
        lcov, answer = Path(folder) / "coverage.info", Path(folder) / "change.json"
        await asyncio.to_thread(write_lcov, lcov, lines)
        done = await run_process(
            [
                sys.executable,
                *_DIFF_COVER,
                str(lcov),
                f"--compare-branch={commit}",
                f"--format=json:{answer}",
                "--include-untracked",
                "--quiet",
            ],
            cwd=rig.project,
            environ=rig.compose.environ,
        )
        try:
            found = json.loads(await asyncio.to_thread(answer.read_bytes))
            return _read(base, commit, found)
        except (OSError, ValueError, TypeError, KeyError):
            said = plain_text(done.stderr).strip().splitlines()
            reason = f"diff-cover failed: {said[-1]}" if said else "diff-cover failed"
            return _not_measured(base, reason)


def _read(base: str, commit: str, found: Mapping[str, Any]) -> ChangeCoverage:
    missed = {
        str(name): tuple(int(line) for line in stats["violation_lines"])
        for name, stats in list(found["src_stats"].items())[:_MAX_MISSED_FILES]
        if stats["violation_lines"]
    }
    total, uncovered = int(found["total_num_lines"]), int(found["total_num_violations"])
    return ChangeCoverage(
        base=base,
        commit=commit,
        lines=total,
        covered_lines=total - uncovered,
        missed=missed,
    )


def _not_measured(base: str, reason: str) -> ChangeCoverage:
    return ChangeCoverage(base=base, reason=reason)
