"""Has coverage reported in a throwaway container that is like the test container at its end."""

import asyncio
import json
import re
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from seatrial.engine.api import Engine
from seatrial.engine.archive import Entry, take_out
from seatrial.engine.logs import follow_log, last_lines
from seatrial.engine.throwaway import throwaway
from seatrial.evidence.coverage_events import CoverageSightings
from seatrial.evidence.coverage_result import ReportedResult, read_result
from seatrial.probe import coverage_reporter_source

__all__ = [
    "BY_TEST",
    "COMBINED",
    "DEFAULT_DATA_FILE",
    "LOG",
    "NOTES",
    "RESULT",
    "AskedByTest",
    "Reported",
    "report_coverage",
    "started_at",
]

DEFAULT_DATA_FILE = ".coverage"
RESULT = "result.json"
COMBINED = "combined.coverage"
BY_TEST = "by-test.coverage"
NOTES = "by-test.json"
LOG = "reporter.log"
_FOLDER = "/seatrial-coverage"
_SCRIPT = f"{_FOLDER}/seatrial_coverage.py"
_REQUEST = f"{_FOLDER}/request.json"
_OUT = f"{_FOLDER}/out"
_PARTS = f"{_FOLDER}/parts"
_STORED = f"{_FOLDER}/stored"
_MAX_BYTES = 1 << 30
_CLOCK_SLACK_S = 2.0
"""File systems that keep whole seconds show a file older than it is."""
_STARTS_COVERAGE = (
    "COVERAGE_PROCESS_CONFIG",
    "COVERAGE_PROCESS_START",
    "COV_CORE_CONFIG",
    "COV_CORE_DATAFILE",
    "COV_CORE_SOURCE",
    "PYTHONSTARTUP",
)
"""Variables by which a Python measures itself: the reporter is not what was tested."""


@dataclass(frozen=True)
class AskedByTest:
    """That it be kept which test covered what, put together with what was stored, if there is."""

    stored: Path | None = None
    """Data that an earlier trial kept under the name `BY_TEST`."""
    notes: Path | None = None
    """What it kept beside it, as `NOTES`."""
    plan: bytes = b"{}"
    """JSON: which contexts of it still hold."""

    def entries(self) -> dict[str, Entry]:
        """What goes into the container, by the names that the reporter knows it by."""
        if self.stored is None:
            return {}
        contents = {"stored": self.stored, "notes": self.notes, "plan": self.plan}
        return {
            name: Entry(f"{_STORED}/{name}".strip("/"), 0o644, content)
            for name, content in contents.items()
        }


class Reported(ReportedResult):
    """The result, and what did not come out of the container."""

    findings: tuple[str, ...] = ()


async def report_coverage(
    engine: Engine,
    container: str,
    sightings: CoverageSightings,
    into: Path,
    *,
    parts: Sequence[Path] = (),
    combine_only: bool = False,
    by_test: Callable[[], Awaitable[AskedByTest | None]] | None = None,
) -> Reported:
    """Find and combine the data in a copy of `container`, and report it into the folder `into`.

    `parts` are data files from other containers of the same image, to be combined with it;
    `combine_only`: no figures are wanted, only the data in one file. `by_test` has it kept which
    test covered what; if that is exact, the figures are those of all tests. It is asked for when
    the copy is there.

    The reporter runs as the tests' user, with their interpreter, coverage.py, configuration,
    files and environment; only so the figures are those of a plain run.

    Raises:
        LayerTooLarge: the container is too large for a copy.
        DockerError: the engine refuses.
    """

    async def files() -> list[Entry]:
        state = (await engine.inspect(container))["State"]
        since = started_at(state["StartedAt"]) - _CLOCK_SLACK_S
        asked = await by_test() if by_test else None
        return _files(sightings, parts, asked, since=since, combine_only=combine_only)

    async with throwaway(
        engine,
        container,
        command=[sightings.executable, _SCRIPT, _REQUEST],
        files=files,
        unset=_STARTS_COVERAGE,
    ) as copy:
        await engine.start(copy)
        code = await engine.wait(copy)
        taken = await take_out(engine, copy, _OUT, into, max_bytes=_MAX_BYTES)
        result = await asyncio.to_thread(read_result, into / RESULT)
        if result is None:
            await follow_log(engine, copy, into / LOG, tty=False)
            said = last_lines(into / LOG, 1)
            what = f"the reporter ended with exit code {code}"
            result = ReportedResult(error=": ".join([what, *said]))
    return Reported(**result.model_dump(), findings=taken.findings)


def _files(
    sightings: CoverageSightings,
    parts: Sequence[Path],
    by_test: AskedByTest | None,
    *,
    since: float,
    combine_only: bool,
) -> list[Entry]:
    """What goes into the copy: the reporter, and what it is asked for."""
    data_files = [session.data_file for session in sightings.sessions]
    configured = [session.config_file for session in sightings.sessions]
    stored = by_test.entries() if by_test else {}
    places = [f"{_PARTS}/{number}.coverage" for number in range(len(parts))]
    request = {
        "folder": sightings.folder,
        "config_file": configured[0] if configured else None,
        "data_files": list(
            # A script that combines what its sessions wrote leaves it under the default name.
            dict.fromkeys([*data_files, f"{sightings.folder}/{DEFAULT_DATA_FILE}"])
        ),
        "since": since,
        "out": _OUT,
        "parts": places,
        "combine_only": combine_only,
        "by_test": by_test
        and {
            name: f"/{stored[name].name}" if name in stored else None
            for name in ("stored", "notes", "plan")
        },
    }
    return [
        Entry(_FOLDER.strip("/"), 0o755),
        Entry(_SCRIPT.strip("/"), 0o644, coverage_reporter_source()),
        Entry(_REQUEST.strip("/"), 0o644, json.dumps(request).encode()),
        # Whichever user the tests ran as writes here.
        Entry(_OUT.strip("/"), 0o1777),
        Entry(_PARTS.strip("/"), 0o755),
        *(Entry(place.strip("/"), 0o644, path) for place, path in zip(places, parts, strict=True)),
        *([Entry(_STORED.strip("/"), 0o755)] if stored else ()),
        *stored.values(),
    ]


def started_at(text: str) -> float:
    """The engine's time of a container's start, in seconds since 1970; 0 if it has none."""
    try:
        # Nanoseconds are more digits than a datetime has.
        return datetime.fromisoformat(re.sub(r"(\.\d{6})\d+", r"\1", text)).timestamp()
    except ValueError:
        return 0.0
