"""Makes dossiers: of a commit that meets all ten criteria, unless a test says otherwise."""

import hashlib
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Any

from seatrial.evidence.build import BaseImage, Build, BuiltImage
from seatrial.evidence.coverage import (
    Coverage,
    CoverageCounts,
    CoverageFile,
    DataFile,
    SourceCheck,
    Threshold,
)
from seatrial.evidence.drills import DrillReport, DrillResult
from seatrial.evidence.record import (
    CleanUp,
    Commit,
    FileEntry,
    Image,
    Inventory,
    Phase,
    PhaseName,
    Record,
    ServiceRecord,
)
from seatrial.evidence.split import Split, SplitProof, WorkerRecord
from seatrial.judge.dossier import Dossier, DrillEvidence, Exhibit, Reuse, TrialEvidence
from seatrial.settings import Budgets, Settings
from unit.factories import make_pytest, make_record, make_service

COMMIT = "c" * 40
OLDER = "b" * 40
DOCKERFILE = "Dockerfile.test"
TEST_IMAGE = "sha256:" + "1" * 64
NOW = datetime(2026, 1, 3, tzinfo=UTC)
BEGAN = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
DRILLS = (
    "build-fails",
    "dependency-dies",
    "never-healthy",
    "test-fails",
    "test-hangs",
    "out-of-memory",
    "coverage-falls",
    "engine-lost",
    "killed",
)


def digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def exhibit(file: str) -> Exhibit:
    return Exhibit(file, digest(file))


def dossier(**values: Any) -> Dossier:
    """A dossier in which all ten criteria are met."""
    defaults: dict[str, Any] = {
        "settings": settings(),
        "commit": commit(),
        "trials": (trial(number=9), trial(number=8)),
        "earlier": (
            *(trial(number=number, of=OLDER) for number in (7, 6, 5)),
            trial(number=4, of=OLDER, record=one_worker(number=4, of=OLDER)),
        ),
        "drills": drills(),
        "workflow_uploads": exhibit(".github/workflows/tests.yml"),
        "source_files": {"src/shop/money.py": 60, "src/shop/api.py": 40},
        "untested_files": (),
        "dockerfiles": {DOCKERFILE: exhibit(DOCKERFILE)},
        "now": NOW,
    }
    return Dossier(**(defaults | values))


def settings(verdict: dict[str, Any] | None = None, **values: Any) -> Settings:
    """Settings with a budget for the tests; `verdict` is that group's values."""
    defaults: dict[str, Any] = {"budgets": Budgets(test=180), "verdict": verdict or {}}
    return Settings.model_validate(defaults | values)


def commit(of: str = COMMIT, *, dirty: bool = False) -> Commit:
    return Commit(id=of, branch="main", dirty=dirty)


def trial(
    *,
    number: int = 9,
    of: str = COMMIT,
    record: Record | None = None,
    faults: tuple[str, ...] = (),
    reuses: tuple[Reuse, ...] = (),
    **values: Any,
) -> TrialEvidence:
    """A trial with an intact record; `values` are fields of the record."""
    record = record or full_record(number=number, of=of, **values)
    return TrialEvidence(record, exhibit(f".seatrial/runs/{record.id}/record.json"), faults, reuses)


def judged(**values: Any) -> tuple[TrialEvidence, ...]:
    """The trials of the commit, the newest of them with these fields in its record."""
    return trial(number=9, **values), trial(number=8)


def full_record(*, number: int = 9, of: str = COMMIT, **values: Any) -> Record:
    """Two workers, 100 tests in 60 s, coverage 95 %, all from an image that was built."""
    began = BEGAN + timedelta(minutes=number)
    defaults: dict[str, Any] = {
        "id": f"{began:%Y%m%d-%H%M%S}-a1b2c{number}",
        "started": began,
        "seconds": 70.0,
        "reason": "100 tests passed",
        "commit": commit(of),
        "command_exit_code": 0,
        "phases": (
            Phase(name=PhaseName.BUILD, start=0.0, seconds=2.0, completed=True),
            Phase(name=PhaseName.START, start=0.5, seconds=3.5, completed=True),
            Phase(name=PhaseName.TEST, start=4.0, seconds=60.0, completed=True),
            Phase(name=PhaseName.COLLECT, start=64.0, seconds=4.0, completed=True),
            Phase(name=PhaseName.CLEAN, start=68.0, seconds=2.0, completed=True),
        ),
        "services": (*stack(worker=1), *stack(worker=2)),
        "build": build(),
        "pytest": make_pytest(
            passed=98,
            skipped=2,
            containers=("test-1", "test-2"),
            container_confirmed=True,
            tests="tests.jsonl",
            tests_seconds=100.0,
            junit=("junit.xml",),
        ),
        "coverage": coverage(),
        "split": split(),
        "clean_up": clean_up(),
        "files": files(),
    }
    return make_record(**(defaults | values))


def one_worker(*, number: int = 9, of: str = COMMIT, **values: Any) -> Record:
    """The same tests by one worker, in 100 s."""
    record = full_record(number=number, of=of)
    pytest = record.pytest
    assert pytest is not None
    defaults: dict[str, Any] = {
        "split": None,
        "services": stack(worker=1),
        "phases": tuple(
            phase.model_copy(update={"seconds": 100.0}) if phase.name is PhaseName.TEST else phase
            for phase in record.phases
        ),
        "seconds": 110.0,
        "pytest": pytest.model_copy(update={"containers": ("test-1",)}),
        "coverage": coverage(data_files=(DataFile(container_path="/c", path=DATA[0]),)),
        "files": files(leave_out=("workers/2/logs/test.log", DATA[1])),
    }
    return record.model_copy(update=defaults | values)


def stack(*, worker: int = 1, **database: Any) -> tuple[ServiceRecord, ...]:
    """A worker's services; `database` are fields of the one that the tests need."""
    return (
        make_service("db", **({"worker": worker, "ready_at": 2.5} | database)),
        make_service(
            "test",
            role="test",
            state="ran",
            proof="none",
            ready_seconds=None,
            ready_at=None,
            exit_code=0,
            container=f"test-{worker}",
            image=Image(name="shop-test", id=TEST_IMAGE, built=True),
            log=f"workers/{worker}/logs/test.log",
            worker=worker,
        ),
    )


def split(**values: Any) -> Split:
    defaults: dict[str, Any] = {
        "workers": tuple(
            WorkerRecord(
                number=number,
                folder=f"workers/{number}",
                container=f"test-{number}",
                exit_code=0,
                exit_status=0,
                tests=50,
                start=4.0,
                seconds=59.0,
            )
            for number in (1, 2)
        ),
        "reason": "the settings ask for it",
        "weighed_by": "durations",
        "proof": SplitProof(files=10, shared_files=0, tests=100),
        "xdist": "not asked for",
    }
    return Split(**(defaults | values))


def build(**values: Any) -> Build:
    defaults: dict[str, Any] = {
        "steps": (),
        "cached_steps": 6,
        "total_steps": 6,
        "context_bytes": 1000,
        "state": "warm",
        "images": (
            BuiltImage(
                services=("test",),
                name="shop-test",
                id=TEST_IMAGE,
                size_bytes=1 << 27,
                target="test",
                dockerfile=DOCKERFILE,
                dockerfile_sha256=digest(DOCKERFILE),
                base_images=(BaseImage(name="python:3.13-slim", digest="sha256:" + "2" * 64),),
            ),
        ),
    }
    return Build(**(defaults | values))


DATA = ("coverage/data/1.coverage", "workers/1/coverage/combined.coverage")


def coverage(**values: Any) -> Coverage:
    totals = CoverageCounts(lines=100, covered_lines=95)
    defaults: dict[str, Any] = {
        "measured": True,
        "percent": 95.0,
        "line_percent": 95.0,
        "totals": totals,
        "file_count": 2,
        "files": (
            covered_file("src/shop/money.py", lines=60, covered=57),
            covered_file("src/shop/api.py", lines=40, covered=38),
        ),
        "sources": SourceCheck(equal=2),
        "data_files": tuple(DataFile(container_path="/app/.coverage", path=path) for path in DATA),
        "reports": ("coverage/coverage.json", "coverage/coverage.xml"),
        "threshold": Threshold(percent=80.0, source=".coveragerc", met=True),
    }
    return Coverage(**(defaults | values))


def covered_file(path: str, lines: int, covered: int, **values: Any) -> CoverageFile:
    defaults: dict[str, Any] = {"project_file": path, "source": "equal"}
    return CoverageFile(path=path, lines=lines, covered_lines=covered, **(defaults | values))


def clean_up(**values: Any) -> CleanUp:
    held = Inventory(containers=1, networks=3, volumes=2)
    defaults: dict[str, Any] = {
        "removed_containers": ("db-1", "test-1", "db-2", "test-2"),
        "removed_networks": ("one", "two"),
        "held_before": held,
        "held_after": held,
    }
    return CleanUp(**(defaults | values))


def files(*, leave_out: Iterable[str] = (), empty: Iterable[str] = ()) -> tuple[FileEntry, ...]:
    """The manifest of a trial's folder, `leave_out` left out, `empty` of no size."""
    listed = (
        "junit.xml",
        "tests.jsonl",
        "coverage/coverage.json",
        "coverage/coverage.xml",
        *DATA,
        "workers/1/logs/test.log",
        "workers/2/logs/test.log",
    )
    return tuple(
        FileEntry(path=path, size=0 if path in empty else 1000, sha256=digest(path))
        for path in listed
        if path not in leave_out
    )


def drills(*, without: Iterable[str] = (), outdated: str = "", **values: Any) -> DrillEvidence:
    """A rehearsal in which all drills passed; `values`: results that differ, `_` for `-`."""
    changed = {name.replace("_", "-"): fields for name, fields in values.items()}
    results = tuple(
        drill(key, **changed.get(key, {})) for key in DRILLS if key not in frozenset(without)
    )
    report = DrillReport(
        id="20260102-020000-d0d0d0",
        started=BEGAN - timedelta(hours=1),
        seconds=300.0,
        commit=commit(),
        seatrial="0.1.0",
        environment=digest("environment"),
        results=results,
    )
    return DrillEvidence(report, exhibit(f".seatrial/drills/{report.id}/drills.json"), (), outdated)


def drill(key: str, **values: Any) -> DrillResult:
    defaults: dict[str, Any] = {
        "what": f"rehearses {key}",
        "passed": True,
        "expected_exit_codes": (1,),
        "exit_code": 1,
        "diagnosed": True,
        "seconds": 20.0,
    }
    return DrillResult(key=key, **(defaults | values))
