"""Looks for what speaks against a trial's own evidence, while its containers are still there."""

import asyncio
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path, PurePosixPath

from seatrial.engine.faults import engine_faults
from seatrial.engine.hashing import hash_files
from seatrial.errors import EnvironmentFault
from seatrial.evidence.commit import committed_at, tracked_files
from seatrial.evidence.copies import find_copies
from seatrial.evidence.coverage import Coverage
from seatrial.evidence.doubt import Doubt
from seatrial.evidence.event_doubts import event_doubts
from seatrial.evidence.events import EVENTS_FILE, ProbeReport
from seatrial.evidence.junit import JUNIT_FILE
from seatrial.evidence.junit_doubts import count_junit, junit_doubts
from seatrial.trial.coverage_report import started_at
from seatrial.trial.lent_id import lent_ids
from seatrial.trial.rig import Journal, Rig
from seatrial.trial.suite_files import suite_doubts
from seatrial.words import duration

__all__ = [
    "CLOCK_SLACK_S",
    "clock_doubts",
    "commit_clock_doubts",
    "coverage_doubts",
    "look_for_doubts",
    "output_doubts",
]

CLOCK_SLACK_S = 300.0
"""Clocks of machines that are looked after differ by less, and a container has none of its own."""
_FILE_SLACK_S = 2.0
"""File systems that keep whole seconds show a file older than it is."""
_MAX_INSERTED_BYTES = 64 << 20
_MAX_TOLD = 20
_KEEPERS = frozenset({".gitignore", ".gitkeep", ".keep", "README.md"})


async def look_for_doubts(
    rig: Rig, journal: Journal, container: str, report: ProbeReport | None, *, began: datetime
) -> None:
    """Hold what the probe told against itself, the engine and this machine.

    `began` is this machine's time when the test container was about to be started. Nothing is an
    exception here: what cannot be looked at becomes a finding.
    """
    try:
        async with asyncio.timeout(rig.settings.timeouts.collect):
            with engine_faults("the probe's files"):
                journal.doubt(await _changed_files(rig, journal, container))
                state = (await rig.engine.inspect(container))["State"]
            engine = tuple(
                datetime.fromtimestamp(started_at(str(state.get(key, ""))), UTC)
                for key in ("StartedAt", "FinishedAt")
            )
            journal.doubt(
                clock_doubts(engine[0], engine[1], began, report.started if report else None)
            )
            journal.doubt(await asyncio.to_thread(_in_files, rig, journal, container, report))
            if report is not None:
                with engine_faults("the tests' files"):
                    journal.doubt(await suite_doubts(rig, container, report))
    except (EnvironmentFault, TimeoutError, OSError) as error:
        journal.note(f"the probe's evidence could not be held against itself: {error}")


async def _changed_files(rig: Rig, journal: Journal, container: str) -> list[Doubt]:
    """Those of Seatrial's files in the container that are not what was put there."""
    digests = await hash_files(
        rig.engine, container, journal.inserted, max_bytes=_MAX_INSERTED_BYTES
    )
    return [
        Doubt(
            key="probe-changed",
            what="a file of Seatrial's in the test container is not as it was put there",
            where=path,
        )
        for path, digest in journal.inserted.items()
        if digests.get(path) != digest
    ]


def _in_files(
    rig: Rig, journal: Journal, container: str, report: ProbeReport | None
) -> tuple[Doubt, ...]:
    folder = rig.folder.path
    found = event_doubts(
        folder / "probe" / EVENTS_FILE,
        live=journal.live,
        container=container,
        inserted=journal.inserted,
        known_by=lent_ids(rig, journal, container),
    )
    if report is None:
        return found
    counted = [count_junit(folder / name) for name in report.pytest.junit if name != JUNIT_FILE]
    files = [counts for counts in counted if counts]
    return (*found, *junit_doubts(files, report.pytest, report.sessions))


def clock_doubts(
    started: datetime, finished: datetime, began: datetime, probe: datetime | None
) -> Iterator[Doubt]:
    """Where the engine's times of the test container, this machine's and the probe's contradict."""
    apart = abs((started - began).total_seconds())
    if apart > CLOCK_SLACK_S:
        yield Doubt(
            key="clock", what=f"the engine's clock and this machine's are {duration(apart)} apart"
        )
    if probe is not None:
        early = (started - probe).total_seconds()
        # An engine that does not tell the end names a time long ago.
        late = (probe - finished).total_seconds() if finished >= started else 0.0
        if max(early, late) > CLOCK_SLACK_S:
            yield Doubt(
                key="clock",
                what=f"by the clock that the tests saw, pytest began {duration(max(early, late))} "
                f"{'before its container' if early > late else 'after its container had ended'}",
            )


def commit_clock_doubts(project: Path, commit: str | None, began: datetime) -> Iterator[Doubt]:
    """Whether the commit that was tried says that it was made after the trial."""
    made = committed_at(project, commit) if commit else None
    if made is not None and made.tzinfo and (made - began).total_seconds() > CLOCK_SLACK_S:
        what = f"the commit is {duration((made - began).total_seconds())} younger than the trial"
        yield Doubt(key="clock", what=what, where=commit or "")


def coverage_doubts(folder: Path, project: Path, coverage: Coverage) -> Iterator[Doubt]:
    """Whether coverage's data lay in the project before."""
    data = [folder / file.path for file in coverage.data_files if file.path]
    places = {folder / f.path: f.container_path for f in coverage.data_files if f.path}
    for path, own in find_copies([path for path in data if path.is_file()], project).items():
        what = f"coverage's data is a copy of the project's file {own}"
        yield Doubt(key="coverage-copied", what=what, where=places[path])


def output_doubts(
    folder: Path, project: Path, modified: Mapping[str, float], started: float
) -> Iterator[Doubt]:
    """Files of the output folders that are not this trial's.

    `modified` says of each when it was changed last, `started` when the trial's first container
    was made, in seconds since 1970 by the engine's machine. What an image has in a folder is there
    from the beginning; files that only keep a folder under version control are no artifacts.
    """
    modified = {
        name: at for name, at in modified.items() if PurePosixPath(name).name not in _KEEPERS
    }
    stale = [name for name, at in modified.items() if at < started - _FILE_SLACK_S]
    for name in stale[:_MAX_TOLD]:
        what = "an artifact is older than the trial that is said to have made it"
        yield Doubt(key="artifact-stale", what=what, where=name)
    taken = [folder / name for name in modified]
    copies = find_copies(_files(taken), project, tracked=tracked_files(project)) if taken else {}
    for path, own in copies.items():
        what = f"an artifact is a copy of the project's file {own}"
        yield Doubt(key="artifact-copied", what=what, where=str(path.relative_to(folder)))


def _files(paths: Sequence[Path]) -> Iterable[Path]:
    return (path for path in paths if path.is_file() and not path.is_symlink())
