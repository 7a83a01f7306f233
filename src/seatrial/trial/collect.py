"""Phase `collect`: what the containers wrote is taken into the trial's folder."""

import asyncio
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from pathlib import Path, PurePosixPath

from seatrial.engine.faults import engine_faults
from seatrial.evidence.collected import COLLECTED_FILE, not_run, write_collected
from seatrial.evidence.events import EVENTS_FILE, ProbeReport, read_events
from seatrial.evidence.junit import JUNIT_FILE, write_junit
from seatrial.evidence.record import Pytest
from seatrial.evidence.tests import TEST_RESULTS_FILE, read_results, write_results
from seatrial.stack.instrument import PROBE_OUTPUT
from seatrial.trial.doubts import look_for_doubts
from seatrial.trial.lent_id import lent_ids
from seatrial.trial.outputs import take_outputs
from seatrial.trial.release import end_services, remove_services
from seatrial.trial.rig import Journal, Rig
from seatrial.trial.take import remove_empty, take

__all__ = ["collect", "read_report"]

_MAX_JUNIT_BYTES = 256 << 20
_MAX_PROBE_BYTES = 1 << 30


async def read_report(rig: Rig, journal: Journal, test_container: str) -> ProbeReport | None:
    """Take out the probe's events and read them.

    None: no pytest session reported, or it took too long.
    """
    try:
        async with asyncio.timeout(rig.settings.timeouts.collect):
            return await _probe_report(rig, journal, test_container)
    except TimeoutError:
        _too_long(rig, journal)
        return None


async def collect(
    rig: Rig,
    journal: Journal,
    test_container: str,
    report: ProbeReport | None,
    *,
    exit_code: int,
    began: datetime,
) -> ProbeReport | None:
    """Take out the JUnit files and the output folders; returns the report with the files' names.

    None: collecting took too long. What cannot be taken out becomes a finding: the rest is evidence
    all the same. `exit_code` is the test command's; after a good run, services are ended and
    removed meanwhile. `began` is when the test container was about to be started, by this machine's
    clock. What speaks against the evidence is noted in the journal.
    """
    try:
        async with asyncio.timeout(rig.settings.timeouts.collect):
            await _exit_codes(rig, journal)
            good = report is not None and exit_code == 0 and _all_well(report.pytest)
            if good:
                end_services(rig, journal)
            junit = await _junit_files(rig, journal, test_container, report)
            await take_outputs(rig, journal)
            if good:
                remove_services(rig, journal)
    except TimeoutError:
        _too_long(rig, journal)
        return None
    if report is not None:
        report = replace(report, pytest=report.pytest.model_copy(update={"junit": junit}))
    await look_for_doubts(rig, journal, test_container, report, began=began)
    return report


def _too_long(rig: Rig, journal: Journal) -> None:
    journal.note(
        f"collecting did not end within {rig.settings.timeouts.collect:g} s; "
        "allow more with timeouts.collect"
    )


def _all_well(pytest: Pytest) -> bool:
    return pytest.exit_status == 0 and not pytest.counts.failed + pytest.counts.errors


async def _probe_report(rig: Rig, journal: Journal, container: str) -> ProbeReport | None:
    folder = rig.folder.path / "probe"
    await take(rig, journal, container, PROBE_OUTPUT, folder, _MAX_PROBE_BYTES)
    report = await asyncio.to_thread(
        _read_events,
        folder / EVENTS_FILE,
        rig.folder.path / TEST_RESULTS_FILE,
        lent_ids(rig, journal, container),
    )
    if report is None:
        return None
    confirmed = set(report.pytest.containers) == {container}
    if not confirmed:
        journal.note("the engine does not confirm the container that the probe says it ran in")
    found = {
        "container_confirmed": confirmed,
        "tests": TEST_RESULTS_FILE,
        "collected": COLLECTED_FILE,
    }
    return replace(report, pytest=report.pytest.model_copy(update=found))


def _read_events(events: Path, results: Path, known_by: Mapping[str, str]) -> ProbeReport | None:
    collected = results.with_name(COLLECTED_FILE)
    with write_results(results) as sink, write_collected(collected) as names:
        report = read_events(events, sink, names, known_by=known_by)
    if report is None:
        results.unlink()
        collected.unlink()
        return None
    counts = report.pytest.counts
    if counts.ran + counts.skipped < counts.collected:
        missing = not_run(collected, (result.id for result in read_results(results)))
        report = replace(report, pytest=report.pytest.model_copy(update={"not_run": missing}))
    write_junit(results.with_name(JUNIT_FILE), read_results(results), started=report.started)
    return report


async def _junit_files(
    rig: Rig, journal: Journal, container: str, report: ProbeReport | None
) -> tuple[str, ...]:
    """Bring the files that the tests' command asked for to `junit-project.xml`, and so on.

    `junit.xml` is written here, from the results, and comes first.
    """
    if report is None:
        return ()
    written = [JUNIT_FILE]
    for number, path in enumerate(report.junit_paths, 1):
        name = "junit-project.xml" if number == 1 else f"junit-project-{number}.xml"
        source = rig.folder.path / "probe" / PurePosixPath(path).name
        if PurePosixPath(path).parent != PurePosixPath(PROBE_OUTPUT) or not source.is_file():
            into = rig.folder.path / "junit" / str(number)
            taken = await take(rig, journal, container, path, into, _MAX_JUNIT_BYTES)
            if not taken or not taken.files:
                continue
            source = into / taken.files[0]
        source.rename(rig.folder.path / name)
        remove_empty(source.parent, rig.folder.path)
        written.append(name)
    return tuple(written)


async def _exit_codes(rig: Rig, journal: Journal) -> None:
    for name, service in list(journal.services.items()):
        if service.container is None:
            continue
        with engine_faults(f"service {name}"):
            state = (await rig.engine.inspect(service.container))["State"]
        if state["Status"] == "exited":
            journal.update(
                name, exit_code=state["ExitCode"], out_of_memory=bool(state["OOMKilled"])
            )
