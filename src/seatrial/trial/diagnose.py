"""Looks at the stack right after a failure, before clean-up takes it away.

What is found goes into the record and, with the logs around the moment, into `diagnostics/`.
"""

import asyncio
import shutil
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from seatrial.engine.faults import engine_faults
from seatrial.evidence.causes import Source, find_causes
from seatrial.evidence.diagnosis import (
    Cause,
    Diagnosis,
    FailedTest,
    HealthOutput,
    ServiceDiagnosis,
    Surroundings,
)
from seatrial.evidence.diagnosis_text import describe
from seatrial.evidence.hostile import plain_text
from seatrial.evidence.moments import LogLine, read_between
from seatrial.evidence.record import Fault
from seatrial.evidence.windows import FailedWindow, python_executable, read_windows
from seatrial.trial.between import ask_between
from seatrial.trial.reach import ask_from_beside
from seatrial.trial.rig import Journal, Rig
from seatrial.words import ending

__all__ = ["FOLDER", "diagnose"]

FOLDER = "diagnostics"
MAX_TESTS = 20
MAX_LINES = 200
"""Of each service's log, per failed test and around its end."""
_BEFORE_S = 600.0
"""How far back a service's last lines may lie."""
_MAX_HEALTH = 5
_MAX_OUTPUT = 2000
_MAX_SEEN = 40
"""Last lines of a service that ended badly in which causes are looked for: what ends a program
stands at its end, and an earlier complaint may have been about something else."""
_PYTEST_ENDINGS = frozenset(f"exit code {code}" for code in range(1, 6))


async def diagnose(
    rig: Rig, journal: Journal, fault: Fault, *, now: datetime, stopped: bool
) -> tuple[Diagnosis, tuple[Cause, ...]]:
    """Look at services, names, ports, disk and memory, cut the logs, and look for known causes.

    `stopped`: Seatrial itself ended the test container, so its exit code says nothing.

    Raises:
        EnvironmentFault: the engine does not answer.
        OSError: the files cannot be written.
    """
    began = rig.clock()
    states = await _states(rig, journal)
    events = rig.folder.path / "probe" / "events.jsonl"
    python, windows = await asyncio.to_thread(
        lambda: (python_executable(events), read_windows(events, count=MAX_TESTS))
    )
    asked = await ask_from_beside(rig, journal, states, python)
    between = await ask_between(rig, journal, states, asked.program) if asked.program else ()
    journal.cpuinfo = journal.cpuinfo or asked.cpuinfo
    # An exit code of pytest's own says no more than the tests that failed.
    excused = "any" if stopped else "pytest's" if windows else "none"
    services = [
        _service(rig, journal, name, inspected, now, excused=excused)
        for name, inspected in states.items()
    ]
    over = next((s.ended_at for s in services if s.service == rig.plan.selection.test), None)
    tests = await asyncio.to_thread(_cut_logs, rig, journal, windows, over or now)
    local_disk = await asyncio.to_thread(shutil.disk_usage, rig.project)
    diagnosis = Diagnosis(
        at=now,
        seconds=rig.clock() - began,
        services=tuple(services),
        reach=asked.reach,
        reach_from="nowhere" if asked.error else "a container of the test image",
        reach_error=asked.error,
        between=between,
        tests=tests,
        surroundings=Surroundings(
            engine_disk_free=asked.disk_free,
            project_disk_free=local_disk.free,
            memory_available=asked.memory_available,
            memory_total=asked.memory_total,
        ),
        summary=f"{FOLDER}/summary.txt",
    )
    sources = _sources(rig, journal, fault, services, windows)
    causes = await asyncio.to_thread(find_causes, sources)
    text = "\n".join(describe(diagnosis, causes, fault.what)) + "\n"
    _write(rig, diagnosis.summary or "", text)
    return diagnosis, causes


async def _states(rig: Rig, journal: Journal) -> dict[str, Mapping[str, Any]]:
    """What the engine knows of every service that has a container."""
    states: dict[str, Mapping[str, Any]] = {}
    for name, service in journal.services.items():
        if service.container and name not in journal.released:
            with engine_faults(f"service {name}"):
                states[name] = await rig.engine.inspect(service.container)
    return states


def _service(
    rig: Rig,
    journal: Journal,
    name: str,
    inspected: Mapping[str, Any],
    now: datetime,
    *,
    excused: str,
) -> ServiceDiagnosis:
    state = inspected.get("State") or {}
    ended = state.get("Status") in {"exited", "dead"}
    ending = _ending(state) if ended else ""
    if name == rig.plan.selection.test and (
        excused == "any" or (excused == "pytest's" and ending in _PYTEST_ENDINGS)
    ):
        ending = ""
    if ended and not ending and journal.services[name].state in {"ready", "started"}:
        ending = "it ended by itself (exit code 0)"
    found = ServiceDiagnosis(
        service=name,
        state=plain_text(str(state.get("Status", ""))),
        ending=ending,
        exit_code=state.get("ExitCode") if ended else None,
        out_of_memory=bool(state.get("OOMKilled")),
        ended_at=_moment(state.get("FinishedAt")) if ended else None,
        health=_health(state),
        last_answer=plain_text(journal.last_answers.get(name, "")),
    )
    log = journal.services[name].log
    if not log or not found.failed:
        return found
    last = (found.ended_at or now).timestamp() + 1
    lines, cut = read_between(
        rig.folder.path / log, name, last - _BEFORE_S, last, max_lines=MAX_LINES
    )
    path = f"{FOLDER}/services/{_file_name(name)}.log"
    _write(rig, path, _render(lines, cut=[name] if cut else []))
    return found.model_copy(update={"log": path})


def _ending(state: Mapping[str, Any]) -> str:
    code = int(state.get("ExitCode") or 0)
    if state.get("OOMKilled"):
        return f"out of memory (exit code {code})"
    if state.get("Error"):
        message = " ".join(plain_text(str(state["Error"])).split())[:_MAX_OUTPUT]
        return f"exit code {code}: {message}"
    return ending(code) if code else ""


def _health(state: Mapping[str, Any]) -> tuple[HealthOutput, ...]:
    entries = (state.get("Health") or {}).get("Log") or []
    return tuple(
        HealthOutput(
            at=str(entry.get("Start", "")),
            exit_code=int(entry.get("ExitCode") or 0),
            output=plain_text(str(entry.get("Output", ""))[:_MAX_OUTPUT]).strip(),
        )
        for entry in entries[-_MAX_HEALTH:]
    )


def _moment(text: Any) -> datetime | None:
    """The engine's RFC 3339 time, cut to microseconds."""
    try:
        return datetime.fromisoformat(str(text).removesuffix("Z")[:26]).replace(tzinfo=UTC)
    except ValueError:
        return None


def _cut_logs(
    rig: Rig, journal: Journal, windows: Sequence[FailedWindow], over: datetime
) -> tuple[FailedTest, ...]:
    """Write, for each failed test, what every service logged while it ran.

    `over`: when the tests' container ended, and with it a test that did not end by itself.
    """
    written = []
    for number, window in enumerate(windows, 1):
        if window.started is None:
            continue
        end = over.timestamp() if window.ended is None else window.ended
        lines: list[LogLine] = []
        cut = []
        for name, service in journal.services.items():
            if service.log:
                path = rig.folder.path / service.log
                found, more = read_between(path, name, window.started, end, max_lines=MAX_LINES)
                lines += found
                cut += [name] if more else []
        lines.sort(key=lambda line: line.at)
        path_in_folder = f"{FOLDER}/tests/{number:02d}-{_file_name(window.test)}.log"
        started, ended = _utc(window.started), _utc(end)
        head = (
            f"{window.test}\nfrom {started.isoformat()} to {ended.isoformat()}\n\n"
            f"{window.text or window.message}\n\n"
        )
        _write(rig, path_in_folder, head + _render(lines, cut=cut))
        written.append(
            FailedTest(test=window.test, started=started, ended=ended, file=path_in_folder)
        )
    return tuple(written)


def _utc(seconds: float) -> datetime:
    try:
        return datetime.fromtimestamp(seconds, UTC)
    except (OverflowError, ValueError, OSError):
        return datetime.fromtimestamp(0, UTC)  # the probe's file was tampered with


def _render(lines: Sequence[LogLine], *, cut: Sequence[str]) -> str:
    """The lines with their times and services, in columns."""
    width = max((len(line.service) for line in lines), default=0)
    notes = [f"[only the last {MAX_LINES} lines of {name}]" for name in cut]
    body = [
        f"{_utc(line.at).strftime('%H:%M:%S.%f')[:-3]} {line.service:<{width}} | {line.text}"
        for line in lines
    ]
    return "\n".join([*notes, *body] or ["[no service logged anything]"]) + "\n"


def _sources(
    rig: Rig,
    journal: Journal,
    fault: Fault,
    services: Sequence[ServiceDiagnosis],
    windows: Sequence[FailedWindow],
) -> Iterable[Source]:
    """Where causes are looked for: first what is certain, then what was said.

    The log of the tests counts only if no single test failed: a suite that tests how errors are
    handled logs them.
    """
    test = rig.plan.selection.test
    wrong = [service for service in services if service.failed]
    facts = []
    for service in wrong:
        if service.ending:
            facts.append(f"service {service.service}: {service.ending}")
        outputs = [run.output for run in service.health[-1:] if run.exit_code]
        facts += [
            f"health check of {service.service}: {answer}"
            for answer in filter(None, (service.last_answer, *outputs))
        ]
    yield Source("the engine", facts)
    extra = {name for name, service in journal.services.items() if service.role == "extra"}
    for service in sorted(wrong, key=lambda s: (s.service in extra, s.service == test)):
        if service.service == test and windows:
            continue
        if service.log:
            yield Source(service.log, _tail(rig.folder.path / service.log))
    yield Source("the failed tests", [line for w in windows for line in _words(w)])
    yield Source("the message", [fault.what, *(() if windows else fault.details)])


def _tail(path: Path) -> list[str]:
    lines = path.read_text(encoding="utf-8").split("\n")
    return [line.partition(" | ")[2] for line in lines[-_MAX_SEEN:]]


def _words(window: FailedWindow) -> list[str]:
    # Only the lines that pytest marks as the error: the others are the test's own source.
    marked = [line for line in window.text.splitlines() if line.startswith("E ")]
    return [window.message, *marked[-_MAX_SEEN:]]


def _file_name(text: str) -> str:
    """A harmless file name that still tells what it is about."""
    kept = "".join(c if c.isascii() and (c.isalnum() or c in "._-") else "-" for c in text)
    return kept.strip(".-")[-80:].strip(".-") or "unnamed"


def _write(rig: Rig, path: str, text: str) -> None:
    target = rig.folder.path / path
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(text, encoding="utf-8", errors="replace")
