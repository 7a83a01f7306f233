"""Phase `collect`: what the containers wrote is taken into the trial's folder."""

import asyncio
from dataclasses import replace
from datetime import datetime
from pathlib import Path, PurePosixPath

from seatrial.engine.archive import Extraction, take_out
from seatrial.engine.faults import engine_faults
from seatrial.errors import EnvironmentFault
from seatrial.evidence.events import EVENTS_FILE, ProbeReport, read_events
from seatrial.evidence.junit import JUNIT_FILE, write_junit
from seatrial.evidence.record import Pytest
from seatrial.evidence.tests import TEST_RESULTS_FILE, read_results, write_results
from seatrial.stack.instrument import PROBE_OUTPUT
from seatrial.trial.coverage_report import started_at
from seatrial.trial.doubts import look_for_doubts, output_doubts
from seatrial.trial.rig import Journal, Rig

__all__ = ["collect"]

_MAX_JUNIT_BYTES = 256 << 20
_MAX_PROBE_BYTES = 1 << 30


async def collect(
    rig: Rig, journal: Journal, test_container: str, *, exit_code: int, began: datetime
) -> ProbeReport | None:
    """Take out the probe's events, the JUnit files and the output folders.

    None: no pytest session reported, or collecting took too long. What cannot be taken out becomes
    a finding: the rest is evidence all the same. `exit_code` is the test command's; after a good
    run, services are ended, as nothing but coverage is asked for any more. `began` is when the test
    container was about to be started, by this machine's clock. What speaks against the evidence is
    noted in the journal.
    """
    try:
        async with asyncio.timeout(rig.settings.timeouts.collect):
            report = await _probe_report(rig, journal, test_container)
            junit = await _junit_files(rig, journal, test_container, report)
            await _outputs(rig, journal)
            await _exit_codes(rig, journal)
    except TimeoutError:
        journal.note(
            f"collecting did not end within {rig.settings.timeouts.collect:g} s; "
            "allow more with timeouts.collect"
        )
        return None
    if report is not None:
        report = replace(report, pytest=report.pytest.model_copy(update={"junit": junit}))
    await look_for_doubts(rig, journal, test_container, report, began=began)
    if report and exit_code == 0 and _all_well(report.pytest):
        _release_services(rig, journal)
    return report


def _all_well(pytest: Pytest) -> bool:
    return pytest.exit_status == 0 and not pytest.counts.failed + pytest.counts.errors


def _release_services(rig: Rig, journal: Journal) -> None:
    """End the services: nothing is left in them to be taken out or looked into.

    Only after a good run, since a failure is looked into while its services still run.
    """
    for name, service in journal.services.items():
        if name != rig.plan.selection.test and service.container:
            journal.released[name] = asyncio.create_task(rig.engine.kill(service.container))


async def _probe_report(rig: Rig, journal: Journal, container: str) -> ProbeReport | None:
    folder = rig.folder.path / "probe"
    await _take(rig, journal, container, PROBE_OUTPUT, folder, _MAX_PROBE_BYTES)
    report = await asyncio.to_thread(
        _read_events, folder / EVENTS_FILE, rig.folder.path / TEST_RESULTS_FILE
    )
    if report is None:
        return None
    confirmed = set(report.pytest.containers) == {container}
    if not confirmed:
        journal.note("the engine does not confirm the container that the probe says it ran in")
    found = {"container_confirmed": confirmed, "tests": TEST_RESULTS_FILE}
    return replace(report, pytest=report.pytest.model_copy(update=found))


def _read_events(events: Path, results: Path) -> ProbeReport | None:
    with write_results(results) as sink:
        report = read_events(events, sink)
    if report is None:
        results.unlink()
        return None
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
            taken = await _take(rig, journal, container, path, into, _MAX_JUNIT_BYTES)
            if not taken or not taken.files:
                continue
            source = into / taken.files[0]
        source.rename(rig.folder.path / name)
        _remove_empty(source.parent, rig.folder.path)
        written.append(name)
    return tuple(written)


async def _outputs(rig: Rig, journal: Journal) -> None:
    modified: dict[str, float] = {}
    for output in rig.plan.outputs:
        container = journal.services[output.service].container
        if container:
            into = rig.folder.output / output.name
            limit = rig.settings.max_output_bytes
            taken = await _take(rig, journal, container, output.target, into, limit)
            for name, at in taken.modified.items() if taken else ():
                modified[f"{output.name}/{name}"] = at
    if modified:
        began = await _first_made(rig, journal)
        found = output_doubts(rig.folder.output, rig.project, modified, began)
        journal.doubt(await asyncio.to_thread(list, found))


async def _first_made(rig: Rig, journal: Journal) -> float:
    """When the first of the stack's containers was made, in seconds since 1970."""
    made = []
    for name, service in journal.services.items():
        if service.container:
            with engine_faults(f"service {name}"):
                made.append(started_at((await rig.engine.inspect(service.container))["Created"]))
    return min(made, default=0.0)


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


async def _take(
    rig: Rig, journal: Journal, container: str, path: str, into: Path, limit: int
) -> Extraction | None:
    await asyncio.to_thread(into.mkdir, parents=True, exist_ok=True)
    try:
        with engine_faults(path):
            taken = await take_out(rig.engine, container, path, into, max_bytes=limit)
    except EnvironmentFault as fault:
        journal.note(f"{path} could not be taken out: {fault.what}")
        _remove_empty(into, rig.folder.path)
        return None
    for finding in taken.findings:
        journal.note(f"{path}: {finding}")
    return taken


def _remove_empty(folder: Path, stop: Path) -> None:
    while folder != stop and not any(folder.iterdir()):
        folder.rmdir()
        folder = folder.parent
