"""Makes the drills of a project, one after the other, in a copy that is thrown away."""

import asyncio
import json
import shutil
import tempfile
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any, Protocol

from seatrial import __version__
from seatrial.drill.breakings import CONTROL, DRILLS, Breaking
from seatrial.drill.copy import copy_project
from seatrial.drill.injected import injected_files, stem_of
from seatrial.drill.judging import judge, record_of
from seatrial.drill.program import Act, Ended, Interference, Running, run_program
from seatrial.drill.proxy import EngineProxy, engine_proxy
from seatrial.drill.remains import remains_of, remove_images
from seatrial.drill.subject import Subject, earlier_trial, image_names, look_at, settings_text
from seatrial.drill.thresholds import without_thresholds
from seatrial.engine.api import Engine
from seatrial.engine.connect import Endpoint, find_endpoint, open_engine
from seatrial.evidence.commit import read_commit
from seatrial.evidence.drills import DrillReport, DrillResult
from seatrial.evidence.environment import environment_hash
from seatrial.evidence.folder import file_fault, manifest_of, tell_git_to_ignore
from seatrial.evidence.ledger import drills_name, open_ledger
from seatrial.evidence.record import Record
from seatrial.evidence.tests import TEST_RESULTS_FILE, read_results
from seatrial.interruption import Interruption
from seatrial.settings import LoadedSettings
from seatrial.stack.compose import find_compose

__all__ = [
    "REPORT_FILE",
    "UNLIKE_THE_PROJECT",
    "Display",
    "Machine",
    "rehearse",
    "rehearse_unless_interrupted",
]

REPORT_FILE = "drills.json"
_FOLDER = Path(".seatrial", "drills")
_AWAY_S = 3.0
"""How long the engine stays away: longer than a trial waits for an answer, so it must give up."""
_PATIENCE_S = 60.0
"""Until nothing may be left of a trial that could not clean up itself."""
_ORDERLY = frozenset({"nothing", "kill the dependency"})
"""What a trial cleans up after by itself, so that nothing is left when it ends."""
_MARGIN_S = 300.0
"""Beyond the time-outs of the trial's own phases."""
UNLIKE_THE_PROJECT: Mapping[str, Any] = {
    "retries": 0,
    "workers": 1,
    "changed": False,
    "fail_fast": False,
    "prepared": False,  # it would be made anew for the copy
    "prepare": None,
    "budgets": {},
    "coverage.base": None,
}
"""Settings that would make a drill of one test slower, or something else than a drill."""


class Machine(Protocol):
    """What is not the project's: passed in, so that a test can choose it."""

    @property
    def environ(self) -> Mapping[str, str]:
        """The environment."""

    @property
    def home(self) -> Path:
        """The user's folder."""

    @property
    def wall_clock(self) -> Callable[[], datetime]:
        """Returns the time in UTC."""

    @property
    def token(self) -> Callable[[], str]:
        """Six characters that tell apart the drills of one second."""

    @property
    def clock(self) -> Callable[[], float]:
        """Monotonic, in seconds."""


class Display(Protocol):
    """Shows how far the drills are."""

    def drill_begins(self, number: int, total: int, key: str) -> None:
        """A drill begins."""

    def drill_ended(self, result: DrillResult) -> None:
        """It is over."""


@dataclass(frozen=True)
class _Hall:
    """Where all drills of one rehearsal are made."""

    engine: Engine
    endpoint: Endpoint
    machine: Machine
    subject: Subject
    folder: Path
    """Where the results go."""
    work: Path
    images: Mapping[str, str]
    lowered: Mapping[str, str]
    """The copy's files with their coverage thresholds switched off."""
    styles: tuple[Callable[[str], list[str]], ...]
    """Ways to have pytest run what was put in, the preferred one first."""


def rehearse_unless_interrupted(
    project: Path, loaded: LoadedSettings, keys: Sequence[str], machine: Machine, display: Display
) -> tuple[DrillReport, Path]:
    """Call `rehearse`; a first Ctrl-C breaks it off in order, further ones change nothing.

    Raises:
        KeyboardInterrupt: it was broken off; nothing is left of it.
        UsageFault, EnvironmentFault: see `rehearse`.
    """

    async def work() -> tuple[DrillReport, Path] | None:
        return await Interruption().bound(rehearse(project, loaded, keys, machine, display))

    if (done := asyncio.run(work())) is None:
        raise KeyboardInterrupt
    return done


async def rehearse(
    project: Path, loaded: LoadedSettings, keys: Sequence[str], machine: Machine, display: Display
) -> tuple[DrillReport, Path]:
    """Make the drills named by `keys`, the control first in any case; the report and its folder.

    If the control fails the others are not made: whatever they came to would mean nothing.

    Raises:
        UsageFault: the project has no trial yet whose tests ran, or its files are wrong.
        EnvironmentFault: there is no engine, or the results cannot be written.
    """
    began, started = machine.clock(), machine.wall_clock()
    environment = environment_hash(project, loaded.settings.compose_files)
    loaded = _within(project, loaded)
    earlier, sites = await asyncio.to_thread(earlier_trial, project)
    endpoint = find_endpoint(machine.environ, machine.home)
    token = machine.token()
    name = f"{started:%Y%m%d-%H%M%S}-{token}"
    commit = await asyncio.to_thread(read_commit, project)
    async with open_engine(endpoint) as engine:
        compose = await find_compose(endpoint.environ(machine.environ), project)
        with _results_folder(project, name) as folder:
            work = folder / "work"
            copy = work / f"drill-{token}"
            also = (*loaded.settings.compose_files, *loaded.settings.env_files)
            inside = [one for one in also if not Path(one).is_absolute() and ".." not in one]
            await asyncio.to_thread(copy_project, project, copy, also=inside)
            subject = await look_at(copy, compose, loaded, earlier, sites)
            for place, text in injected_files(sites, subject.dependency or "").items():
                (copy / place).write_text(text, encoding="utf-8")
            hall = _Hall(
                engine=engine,
                endpoint=endpoint,
                machine=machine,
                subject=subject,
                folder=folder,
                work=work,
                images=image_names(subject, f"seatrial-{copy.name}"),
                lowered=without_thresholds(copy),
                styles=_styles(subject),
            )
            try:
                results = await _all(hall, keys, display)
            finally:
                # The build cache keeps their layers.
                await remove_images(engine, hall.images.values())
            shutil.rmtree(work, ignore_errors=True)
            report = DrillReport(
                id=name,
                started=started,
                seconds=machine.clock() - began,
                commit=commit,
                seatrial=__version__,
                environment=environment,
                results=tuple(results),
                files=await asyncio.to_thread(manifest_of, folder),
            )
            _write(folder / REPORT_FILE, report, machine.wall_clock())
    return report, folder


def _within(project: Path, loaded: LoadedSettings) -> LoadedSettings:
    """The settings with the project's own files named relative to it, so that they move with it."""

    def moved(names: Sequence[str]) -> tuple[str, ...]:
        places = [(name, (project / name).resolve()) for name in names]
        return tuple(
            place.relative_to(project).as_posix() if place.is_relative_to(project) else name
            for name, place in places
        )

    settings = loaded.settings.model_copy(
        update={
            "compose_files": moved(loaded.settings.compose_files),
            "env_files": moved(loaded.settings.env_files),
        }
    )
    return replace(loaded, settings=settings)


async def _all(hall: _Hall, keys: Sequence[str], display: Display) -> list[DrillResult]:
    wanted = [CONTROL, *(key for key in DRILLS if key in keys and key != CONTROL)]
    display.drill_begins(1, len(wanted), CONTROL)
    hall, control, ran = await _control(hall)
    display.drill_ended(control)
    results = [control]
    for number, key in enumerate(wanted[1:], 2):
        display.drill_begins(number, len(wanted), key)
        if ran is None:
            why_not = f"the drill {CONTROL!r} failed, so this one would mean nothing"
            result = DrillResult(key=key, what="", passed=None, why_not=why_not)
        else:
            breaking = DRILLS[key](hall.subject, ran)
            if isinstance(breaking, str):
                result = DrillResult(key=key, what="", passed=None, why_not=breaking)
            else:
                result = (await _one(hall, key, breaking, hall.styles[0]))[0]
        display.drill_ended(result)
        results.append(result)
    return results


async def _control(hall: _Hall) -> tuple[_Hall, DrillResult, Record | None]:
    """Find the way in which pytest runs what was put in; with it the other drills are made."""
    breaking = DRILLS[CONTROL](hall.subject, hall.subject.record)
    if isinstance(breaking, str):
        raise AssertionError  # pragma: no cover - nothing is broken
    first: DrillResult | None = None
    for style in hall.styles:
        result, record = await _one(hall, CONTROL, breaking, style)
        if result.passed:
            seconds = await asyncio.to_thread(_seconds_of_tests, hall.folder / CONTROL / "trial")
            subject = replace(hall.subject, test_seconds=seconds)
            return replace(hall, styles=(style,), subject=subject), result, record
        first = first or result
        # Only the choice of the test may be at fault; another one mends nothing else.
        if record is not None and record.status.value not in {"usage error", "no tests"}:
            break
    if first is None:
        raise AssertionError  # pragma: no cover - there is a style
    return hall, first, None


def _seconds_of_tests(trial: Path) -> float:
    """What all tests of a trial took together."""
    return sum(
        sum(filter(None, (result.setup, result.call, result.teardown)))
        for result in read_results(trial / TEST_RESULTS_FILE)
    )


async def _one(
    hall: _Hall, key: str, breaking: Breaking, style: Callable[[str], list[str]]
) -> tuple[DrillResult, Record | None]:
    began = hall.machine.clock()
    async with _engine_address(hall, breaking) as (address, proxy):
        if breaking.act == "cut the engine off" and proxy is None:
            why_not = "the engine is not reached by a socket of this machine"
            return DrillResult(key=key, what="", passed=None, why_not=why_not), None
        extra = hall.work / "extra.compose.json"
        extra.write_text(json.dumps(_extra(hall, breaking)), encoding="utf-8")
        timeouts = hall.subject.settings.timeouts
        limit_s = timeouts.build + 3 * timeouts.start + timeouts.collect + _MARGIN_S
        files = {} if breaking.keeps_thresholds else dict(hall.lowered)
        files |= breaking.files
        files["seatrial.toml"] = settings_text(
            hall.subject.settings,
            {
                **UNLIKE_THE_PROJECT,
                **({} if breaking.keeps_thresholds else {"coverage.fail_under": None}),
                "compose_files": [*hall.subject.compose_files, str(extra)],
                **breaking.settings,
            },
        )
        ended: Ended | None = None
        try:
            with _written(hall.subject.copy, files):
                ended = await run_program(
                    hall.engine,
                    hall.subject.copy,
                    style(breaking.selected),
                    environ={**hall.machine.environ, **address},
                    interference=_interference(hall, breaking, proxy),
                    timeout_s=limit_s,
                )
        finally:
            # Also if it was broken off: nothing of any trial of the copy may stay.
            orderly = ended is not None and breaking.act in _ORDERLY
            patience_s = 0.0 if orderly else _PATIENCE_S
            left = await remains_of(
                hall.engine,
                [path.name for path in (hall.subject.copy / ".seatrial" / "runs").glob("*")],
                patience_s=patience_s,
                clock=hall.machine.clock,
            )
    trial = await asyncio.to_thread(_keep, hall, key, ended)
    result = judge(
        key,
        breaking,
        ended,
        trial=trial,
        left=left,
        seconds=hall.machine.clock() - began,
        record=f"{key}/trial/record.json",
    )
    return result, record_of(ended)


def _styles(subject: Subject) -> tuple[Callable[[str], list[str]], ...]:
    """How pytest is told what to run.

    By file, which spares it all others; by name, where its root is not what it seems; and by name
    whatever the marks, where the command selects by those.
    """
    first = subject.sites[0]

    def files(selected: str) -> list[str]:
        if selected != "fails":
            return [first.node(stem_of(selected))]
        return [s.node(stem_of("fails", n)) for n, s in enumerate(subject.sites, 1)]

    def by_name(selected: str) -> list[str]:
        # The project may stop at the first failure.
        return ["-k", stem_of(selected), "--maxfail=0"]

    return (
        lambda selected: [*files(selected), *by_name(selected)],
        by_name,
        lambda selected: [*by_name(selected), "-m", ""],
    )


def _extra(hall: _Hall, breaking: Breaking) -> dict[str, Any]:
    services: dict[str, dict[str, Any]] = {
        name: {"image": image} for name, image in hall.images.items()
    }
    for name, keys in breaking.services.items():
        services[name] = {**services.get(name, {}), **keys}
    return {"services": services} if services else {"services": {hall.subject.test: {}}}


def _interference(
    hall: _Hall, breaking: Breaking, proxy: EngineProxy | None
) -> Interference | None:
    async def kill_dependency(running: Running, label: str) -> None:
        found = [c for c in await running.engine.containers(label) if c.service == breaking.service]
        await asyncio.gather(*(running.engine.kill(container.id) for container in found))

    async def kill_program(running: Running, _: str) -> None:
        running.kill()

    async def cut(_: Running, __: str) -> None:
        if proxy:
            proxy.cut()
            await asyncio.sleep(_AWAY_S)
            await proxy.listen()

    match breaking.act:
        case "nothing":
            return None
        case "kill the dependency":
            act: Act = kill_dependency
        case "kill the program":
            act = kill_program
        case "cut the engine off":
            act = cut
    return Interference(act, hall.subject.test, stem_of(breaking.selected))


@asynccontextmanager
async def _engine_address(
    hall: _Hall, breaking: Breaking
) -> AsyncIterator[tuple[dict[str, str], EngineProxy | None]]:
    """What the program is told of the engine's place, and the proxy if it is to be cut off."""
    socket = _socket(hall.endpoint)
    if breaking.act != "cut the engine off" or socket is None:
        yield hall.endpoint.environ({}), None
        return
    # The path of a socket is at most 108 bytes long, so it is not in the project.
    with tempfile.TemporaryDirectory(prefix="seatrial-") as place:
        async with engine_proxy(Path(place, "engine.sock"), socket) as proxy:
            yield {"DOCKER_HOST": f"unix://{proxy.path}"}, proxy


def _socket(endpoint: Endpoint) -> Path | None:
    if not endpoint.local:
        return None
    return Path((endpoint.url or endpoint.source).removeprefix("unix://"))


def _keep(hall: _Hall, key: str, ended: Ended) -> Path | None:
    """Move a trial's folder to the results, and write beside it what the program said."""
    place = hall.folder / key
    shutil.rmtree(place, ignore_errors=True)  # of a control that was tried in another way
    place.mkdir()
    (place / "stderr.txt").write_bytes(ended.stderr)
    if ended.trial is None:
        return None
    runs = hall.subject.copy / ".seatrial" / "runs"
    shutil.move(runs / ended.trial, place / "trial")
    return place / "trial"


@contextmanager
def _written(copy: Path, files: Mapping[str, str]) -> Iterator[None]:
    """Have files of the copy with these contents meanwhile."""
    before = {
        name: (copy / name).read_bytes() if (copy / name).is_file() else None for name in files
    }
    try:
        for name, text in files.items():
            (copy / name).write_text(text, encoding="utf-8")
        yield
    finally:
        for name, content in before.items():
            if content is None:
                (copy / name).unlink(missing_ok=True)
            else:
                (copy / name).write_bytes(content)


@contextmanager
def _results_folder(project: Path, name: str) -> Iterator[Path]:
    """The folder of the results; without a report it is removed again."""
    folder = project / _FOLDER / name
    try:
        folder.mkdir(parents=True)
        tell_git_to_ignore(project)
    except OSError as error:
        raise file_fault("the drills' folder", error, folder) from error
    try:
        yield folder
    except OSError as error:
        raise file_fault("a file of the drills", error, folder) from error
    finally:
        if not (folder / REPORT_FILE).is_file():
            shutil.rmtree(folder, ignore_errors=True)


def _write(place: Path, report: DrillReport, now: datetime) -> None:
    draft = place.with_name(f"{place.name}.part")
    content = (report.model_dump_json(indent=2) + "\n").encode()
    draft.write_bytes(content)
    with open_ledger(place.parents[2]) as ledger:
        commit = report.commit.id if report.commit else None
        ledger.append(drills_name(report.id), commit, content, now)
        draft.replace(place)
