"""Criterion 6: results, coverage and logs were taken out, are intact, and the CI keeps them."""

from collections.abc import Iterator

from seatrial.evidence.record import Record
from seatrial.judge.criterion import Criterion
from seatrial.judge.dossier import Dossier, TrialEvidence
from seatrial.judge.model import Confidence, Evidence, Judgement
from seatrial.judge.refusal import Refusal, against, judge_by, lacks, named
from seatrial.judge.suite import missing_test_containers
from seatrial.words import counted

__all__ = ["CRITERION"]

_COVERAGE_REPORTS = (".json", ".xml")
"""What programs read: coverage.py's own report and Cobertura's."""


def _judge(dossier: Dossier) -> Judgement:
    trial = dossier.trial
    wanted = _wanted(trial.record)
    uploads = dossier.workflow_uploads
    return judge_by(
        _refusals(dossier, wanted),
        f"{counted(len(wanted), 'file')} of results, coverage and logs are there, not empty, and "
        f"as the trial hashed them; {uploads.file if uploads else ''} uploads artifacts, as its "
        "text says",
        # That the workflow uploads is only read, so nothing makes it more than this.
        Confidence.MEDIUM,
        *_rows(trial, wanted),
        *([uploads.row("a workflow uploads artifacts", value=True)] if uploads else []),
    )


def _wanted(record: Record) -> tuple[str, ...]:
    """Paths of what must be there: JUnit, coverage's reports, the test containers' logs."""
    reports = record.coverage.reports if record.coverage and record.coverage.measured else ()
    logs = [service.log or "" for service in record.services if service.role == "test"]
    return ("junit.xml", *(path for path in reports if path.endswith(_COVERAGE_REPORTS)), *logs)


def _refusals(dossier: Dossier, wanted: tuple[str, ...]) -> Iterator[Refusal]:
    trial = dossier.trial
    sizes = {entry.path: entry.size for entry in trial.record.files}
    missing = [path or "the log of the tests" for path in wanted if path not in sizes]
    if missing:
        yield against(f"not taken out: {named(missing)}", "see the trial's findings, and repeat it")
    empty = [path for path in wanted if sizes.get(path) == 0]
    if empty:
        yield against(f"empty: {named(empty)}", "see what the tests' container prints and writes")
    if missing_containers := missing_test_containers(trial.record):
        yield lacks(missing_containers, "run a new trial")
    yield from _coverage(trial.record)
    if trial.faults:
        yield against(
            f"the files are not as the trial left them: {named(trial.faults)}", "run a new trial"
        )
    if dossier.workflow_uploads is None:
        yield lacks(
            "no CI workflow was found that uploads artifacts",
            "let the workflow upload .seatrial/runs, e.g. with actions/upload-artifact",
        )


def _coverage(record: Record) -> Iterator[Refusal]:
    coverage = record.coverage
    if coverage is None or not coverage.measured:
        # Else no reports at all would be better than a missing one.
        yield lacks(
            "coverage was not measured, so there is no report of it",
            "let the test command measure it (pytest-cov), or set coverage.switch_on",
        )
        return
    absent = [
        kind
        for kind in _COVERAGE_REPORTS
        if not any(path.endswith(kind) for path in coverage.reports)
    ]
    if absent:
        yield against(
            f"coverage was measured, but has no report of the kind {named(absent)}",
            "see the trial's findings, and repeat it",
        )


def _rows(trial: TrialEvidence, wanted: tuple[str, ...]) -> Iterator[Evidence]:
    sizes = {entry.path: entry.size for entry in trial.record.files}
    for path in wanted:
        if exhibit := trial.file(path):
            yield exhibit.row("size", sizes[path], "bytes")
        else:
            yield trial.exhibit.row(f"{path or 'log'} in the manifest", None, where="/files")


CRITERION = Criterion(
    key="artifacts-extracted",
    statement="Results, coverage and logs are taken out, intact, and kept by the CI.",
    requires="JUnit, coverage reports and logs of the tests in the trial's manifest, not empty, "
    "with the hashes that the trial gave them; a CI workflow that uploads artifacts.",
    weight=10,
    judge=_judge,
)
