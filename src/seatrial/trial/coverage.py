"""Measures coverage: takes the data out, has it reported, holds it against project and limits."""

import asyncio
from collections.abc import Awaitable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from seatrial.engine.archive import take_out
from seatrial.engine.faults import engine_faults
from seatrial.engine.hashing import hash_files
from seatrial.engine.throwaway import LayerTooLarge
from seatrial.errors import EnvironmentFault
from seatrial.evidence.coverage import (
    MAX_ROWS,
    Coverage,
    CoverageFile,
    DataFile,
    SourceCheck,
    Threshold,
)
from seatrial.evidence.coverage_events import CoverageSightings
from seatrial.evidence.coverage_result import ReportedFile
from seatrial.evidence.sources import ComparedFile, compare_sources
from seatrial.trial.coverage_change import measure_change
from seatrial.trial.coverage_parts import (
    Parts,
    keep_parts,
    parts_of,
    plan_parts,
    watches_coverage,
)
from seatrial.trial.coverage_report import (
    COMBINED,
    DEFAULT_DATA_FILE,
    RESULT,
    AskedByTest,
    Reported,
    report_coverage,
    started_at,
)
from seatrial.trial.rig import Journal, Rig, Worker
from seatrial.trial.threshold import find_threshold

__all__ = ["COVERAGE_FOLDER", "CoveragePart", "measure_coverage", "take_part"]

COVERAGE_FOLDER = "coverage"
_MAX_DATA_BYTES = 1 << 30
_MAX_DATA_FILES = 200
_MAX_SCRIPT_BYTES = 1 << 20
_MAX_SOURCE_BYTES = 1 << 30
_REPORTS = ("coverage.json", "coverage.xml", "html/index.html")


@dataclass(frozen=True)
class CoveragePart:
    """What one worker measured, to be reported together with what the last one did."""

    worker: int
    data: Path | None
    """Combined, as it was taken out of a copy of the worker's container."""
    reason: str = ""
    """Why there is none; empty: no test was this worker's."""
    data_files: tuple[DataFile, ...] = ()
    switched_on: bool = False
    complete: bool = False
    """Whether all of the worker's tests came to a result."""


async def take_part(
    worker: Worker,
    container: str,
    sightings: CoverageSightings | None,
    *,
    idle: bool,
    complete: bool,
) -> CoveragePart:
    """Take what the tests in `container` measured, combined in a copy of it.

    Nothing is an exception here; `idle`: no test ran there, so nothing need have been measured.
    """
    rig = worker.rig
    reason = "no pytest session told where it ran"
    if sightings is not None:
        limit_s = rig.settings.timeouts.collect
        try:
            async with asyncio.timeout(limit_s):
                with engine_faults("coverage"):
                    part = await _take_part(worker, container, sightings, idle=idle)
                    return replace(part, complete=complete)
        except TimeoutError:
            reason = f"its data was not combined within {limit_s:g} s"
        except LayerTooLarge:
            reason = "its tests wrote too much to their container for a copy of it"
        except EnvironmentFault as fault:
            reason = fault.what
    return CoveragePart(worker.number, None, reason)


async def _take_part(
    worker: Worker, container: str, sightings: CoverageSightings, *, idle: bool
) -> CoveragePart:
    rig = worker.rig
    if reason := await _not_reported(rig, container, sightings):
        return CoveragePart(worker.number, None, reason)
    into = rig.folder.path / COVERAGE_FOLDER
    await asyncio.to_thread(into.mkdir, exist_ok=True)
    reported = await report_coverage(rig.engine, container, sightings, into, combine_only=True)
    (into / RESULT).unlink(missing_ok=True)
    combined = into / COMBINED
    if not combined.is_file():
        reason = "" if idle else _why(reported, sightings)
        return CoveragePart(worker.number, None, reason)
    return CoveragePart(
        worker.number,
        combined,
        data_files=tuple(
            DataFile(container_path=path, path=f"{rig.place}{COVERAGE_FOLDER}/{COMBINED}")
            for path in reported.data_files
        ),
        switched_on=any(session.switched_on for session in sightings.sessions),
    )


async def measure_coverage(
    rig: Rig,
    journal: Journal,
    container: str,
    sightings: CoverageSightings | None,
    *,
    others: Sequence[CoveragePart] = (),
    complete: bool,
) -> Coverage:
    """The coverage of the tests that ran in `container`, which has ended, and of `others`.

    If tests were left out, that of all tests, where it can be put together exactly; `complete`:
    all that were to run came to a result.

    Nothing is an exception here: what cannot be measured is recorded as not measured, with the
    reason. The time allowed is that for collecting.
    """
    began = rig.clock()
    complete = complete and all(part.complete for part in others)
    coverage = await _measure_in_time(rig, journal, container, sightings, others, complete=complete)
    return coverage.model_copy(update={"seconds": rig.clock() - began})


async def _measure_in_time(
    rig: Rig,
    journal: Journal,
    container: str,
    sightings: CoverageSightings | None,
    others: Sequence[CoveragePart],
    *,
    complete: bool,
) -> Coverage:
    limit_s = rig.settings.timeouts.collect
    try:
        async with asyncio.timeout(limit_s):
            with engine_faults("coverage"):
                return await _measure(rig, journal, container, sightings, others, complete=complete)
    except TimeoutError:
        reason = f"it was not reported within {limit_s:g} s; allow more with timeouts.collect"
    except LayerTooLarge:
        reason = "the tests wrote too much to their container for a copy of it"
    except EnvironmentFault as fault:
        reason = fault.what
    return _not_measured(rig, reason)


async def _measure(
    rig: Rig,
    journal: Journal,
    container: str,
    sightings: CoverageSightings | None,
    others: Sequence[CoveragePart],
    *,
    complete: bool,
) -> Coverage:
    if missing := next((part for part in others if part.reason), None):
        return _not_measured(rig, f"worker {missing.worker}: {missing.reason}")
    if sightings is None:
        return _not_measured(rig, "no pytest session told where it ran")
    if reason := await _not_reported(rig, container, sightings):
        return _not_measured(rig, reason)
    into = rig.folder.path / COVERAGE_FOLDER
    await asyncio.to_thread(into.mkdir, exist_ok=True)
    # What is asked of the reporter is found out while the engine makes a place for it.
    planning = asyncio.create_task(_plan_parts(rig, complete=complete))
    try:
        reported = await report_coverage(
            rig.engine,
            container,
            sightings,
            into,
            parts=[part.data for part in others if part.data],
            by_test=lambda: _asked(planning),
        )
        parts = await planning
    finally:
        planning.cancel()
    why_not = await asyncio.to_thread(keep_parts, rig, journal, parts, reported) if parts else ""
    (into / RESULT).unlink(missing_ok=True)
    for finding in (*reported.notes, *reported.findings):
        journal.note(f"coverage: {finding}")
    if reported.stale:
        journal.note(
            f"coverage: {len(reported.stale)} data file(s) are older than the tests and were "
            f"left out: {reported.stale[0]!r}{' …' if len(reported.stale) > 1 else ''}"
        )
    taken, compared = await asyncio.gather(
        _data_files(rig, journal, container, reported.data_files),
        _compare(rig, container, reported.files),
    )
    data_files = (*taken, *(file for part in others for file in part.data_files))
    if reported.error is not None or reported.totals is None:
        return _not_measured(rig, _why(reported, sightings)).model_copy(
            update={"data_files": data_files, "version": reported.version}
        )
    rows = tuple(_row(file, compared.get(file.place)) for file in reported.files)
    branch_percent = reported.totals.branch_percent if reported.branch else None
    return Coverage(
        measured=True,
        percent=reported.percent,
        line_percent=reported.totals.line_percent,
        branch_percent=branch_percent,
        totals=reported.totals,
        file_count=max(reported.file_count, len(rows)),
        files=rows[:MAX_ROWS],
        sources=_count(rows),
        data_files=data_files,
        reports=tuple(f"{COVERAGE_FOLDER}/{name}" for name in _REPORTS if (into / name).is_file()),
        version=reported.version,
        python=reported.python,
        switched_on=any(
            [*(s.switched_on for s in sightings.sessions), *(p.switched_on for p in others)]
        ),
        threshold=_threshold(rig, sightings, reported, together=parts is not None and not why_not),
        change=await measure_change(rig, into, rows),
        parts=parts_of(rig, parts, why_not) if parts else None,
    )


async def _plan_parts(rig: Rig, *, complete: bool) -> Parts | None:
    return await plan_parts(rig, complete=complete) if watches_coverage(rig) else None


async def _asked(planning: Awaitable[Parts | None]) -> AskedByTest | None:
    parts = await planning
    return parts.asked if parts else None


async def _not_reported(rig: Rig, container: str, sightings: CoverageSightings) -> str:
    """Why there is nothing to report; empty: there is.

    Data that no session was seen to write may be of a child process of the tests, if the command
    or a script that it names has to do with coverage. It may as well have been put there.
    """
    if sightings.sessions:
        return ""
    place = f"{sightings.folder}/{DEFAULT_DATA_FILE}"
    modified = await rig.engine.modified_at(container, place)
    told = await rig.engine.inspect(container)
    if modified is None or started_at(modified) < started_at(told["State"]["StartedAt"]):
        return _without_coverage(rig, sightings)
    config = told["Config"]
    words = [*(config.get("Entrypoint") or ()), *(config.get("Cmd") or ())]
    if await asyncio.to_thread(_name_coverage, rig.project, " ".join(words).split()):
        return ""
    return f"{place} was written, but no pytest session and nothing in the command measured it"


def _name_coverage(project: Path, words: Sequence[str]) -> bool:
    """Whether one of the words, or a file of the project that it is the name of, has `coverage`."""
    if any("coverage" in word for word in words):
        return True
    for word in words:
        path = project / Path(word).name
        try:
            if path.is_file() and b"coverage" in path.open("rb").read(_MAX_SCRIPT_BYTES):
                return True
        except OSError:
            continue
    return False


async def _data_files(
    rig: Rig, journal: Journal, container: str, paths: Sequence[str]
) -> tuple[DataFile, ...]:
    """Take the data files out as they are, under names of our own."""
    taken = []
    left = _MAX_DATA_BYTES
    for number, path in enumerate(paths[:_MAX_DATA_FILES], 1):
        into = rig.folder.path / COVERAGE_FOLDER / "data" / str(number)
        try:
            with engine_faults(path):
                await asyncio.to_thread(into.mkdir, parents=True)
                extraction = await take_out(rig.engine, container, path, into, max_bytes=left)
        except EnvironmentFault as fault:
            journal.note(f"coverage: {path!r} could not be taken out: {fault.what}")
            extraction = None
        for finding in extraction.findings if extraction else ():
            journal.note(f"coverage: {finding}")
        name = None
        if extraction and extraction.files:
            source = into / extraction.files[0]
            target = into.parent / f"{number}.coverage"
            source.rename(target)
            left -= target.stat().st_size
            name = target.relative_to(rig.folder.path).as_posix()
        into.rmdir()
        taken.append(DataFile(container_path=path, path=name))
    if len(paths) > _MAX_DATA_FILES:
        journal.note(f"coverage: {len(paths) - _MAX_DATA_FILES} more data files were not taken out")
    return tuple(taken)


async def _compare(
    rig: Rig, container: str, files: Sequence[ReportedFile]
) -> Mapping[str, ComparedFile]:
    places = [file.place for file in files]
    digests = await hash_files(rig.engine, container, places, max_bytes=_MAX_SOURCE_BYTES)
    test = rig.plan.selection.test
    mounts = [
        (source.target, source.source) for source in rig.plan.sources if source.service == test
    ]
    return await asyncio.to_thread(compare_sources, rig.project, digests, places, mounts)


def _row(file: ReportedFile, compared: ComparedFile | None) -> CoverageFile:
    equal = compared.equal if compared else None
    return CoverageFile(
        path=file.path,
        project_file=compared.project_file if compared else None,
        source="unknown" if equal is None else "equal" if equal else "differs",
        lines=file.lines,
        covered_lines=file.covered_lines,
        branches=file.branches,
        covered_branches=file.covered_branches,
    )


def _count(rows: Sequence[CoverageFile]) -> SourceCheck:
    found = [row.source for row in rows]
    return SourceCheck(
        equal=found.count("equal"), differ=found.count("differs"), unknown=found.count("unknown")
    )


def _threshold(
    rig: Rig,
    sightings: CoverageSightings | None = None,
    reported: Reported | None = None,
    *,
    together: bool = False,
) -> Threshold | None:
    if rig.division.shares[0].tests is not None and not together:
        return None  # some of the tests say nothing about the whole, which it is for
    return find_threshold(
        rig.settings.coverage.fail_under,
        rig.setting_sources.get("coverage.fail_under", "settings"),
        sightings.sessions if sightings else (),
        reported,
        folder=sightings.folder if sightings else "",
    )


def _not_measured(rig: Rig, reason: str) -> Coverage:
    return Coverage(
        measured=False,
        reason=reason,
        threshold=_threshold(rig),
    )


def _without_coverage(rig: Rig, sightings: CoverageSightings) -> str:
    reason = "the test command does not measure it"
    if sightings.has_pytest_cov:
        return f"{reason}; pytest-cov is in the image: coverage.switch_on = true has it measured"
    if rig.settings.coverage.switch_on:
        return f"{reason}, and pytest-cov, which coverage.switch_on needs, is not in the image"
    return reason


def _why(reported: Reported, sightings: CoverageSightings) -> str:
    reason = reported.error or "the report has no totals"
    if not reported.data_files and not reported.stale and sightings.sessions:
        place = sightings.sessions[0].data_file
        return f"{reason} to {place} that is there after the run (is it on a tmpfs?)"
    return reason
