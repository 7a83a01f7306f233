"""Criterion 2: coverage of the project's own code was measured, and its data taken out."""

from collections.abc import Iterator

from seatrial.evidence.coverage import Coverage
from seatrial.evidence.record import Record
from seatrial.judge.criterion import Criterion
from seatrial.judge.dossier import Dossier, TrialEvidence
from seatrial.judge.model import Evidence, Judgement, not_measured
from seatrial.judge.refusal import Refusal, against, judge_by, lacks, named
from seatrial.judge.rehearsed import passed_drills
from seatrial.judge.series import confidence
from seatrial.judge.speedup import busy_workers
from seatrial.judge.suite import missing_test_containers, part_of_the_suite
from seatrial.words import counted

__all__ = ["CRITERION"]

_SAME_PERCENT = 1.0
"""Points by which two trials of one commit may differ and still confirm each other: code that
waits or retries is not covered the same way each time."""


def _judge(dossier: Dossier) -> Judgement:
    trial = dossier.trial
    coverage = trial.record.coverage
    if coverage is None or not coverage.measured or coverage.percent is None:
        return not_measured(
            f"coverage was not measured{_because(coverage)}",
            "let the test command measure it (pytest-cov), or set coverage.switch_on",
            trial.exhibit.row("coverage measured", value=False, where="/coverage/measured"),
        )
    percent = coverage.percent
    drills = passed_drills(dossier, ("coverage-falls",))
    return judge_by(
        _refusals(dossier, coverage),
        f"coverage is {percent:.2f} % of {counted(coverage.file_count, 'file')}, from "
        f"{counted(len(coverage.data_files), 'data file')} of "
        f"{counted(busy_workers(trial.record), 'worker')}; {_looked_at(dossier, coverage)}",
        confidence(dossier, lambda record: _same(record, percent), drills),
        *_rows(trial, coverage),
        *drills,
    )


def _refusals(dossier: Dossier, coverage: Coverage) -> Iterator[Refusal]:
    record = dossier.trial.record
    if part := part_of_the_suite(record):
        yield lacks(f"the coverage is not the suite's: {part}", "run the whole suite")
    if missing := missing_test_containers(record):
        yield lacks(missing, "run a new trial")
    yield from _data_files(dossier.trial, coverage)
    yield from _sources(coverage, dossier.settings.verdict.max_uncovered)
    yield from _not_looked_at(dossier, coverage)


def _data_files(trial: TrialEvidence, coverage: Coverage) -> Iterator[Refusal]:
    sizes = {entry.path: entry.size for entry in trial.record.files}
    missing = [f.container_path for f in coverage.data_files if not sizes.get(f.path or "")]
    if missing:
        yield against(
            f"data files were not taken out of the container, or are empty: {named(missing)}",
            "keep coverage's data under the size that is taken out (docs/settings.md)",
        )
    workers = busy_workers(trial.record)
    if len(coverage.data_files) - len(missing) < workers:
        yield against(
            f"{counted(len(coverage.data_files) - len(missing), 'data file')} of "
            f"{counted(workers, 'worker')} with tests were taken out",
            "let every worker measure coverage",
        )


def _sources(coverage: Coverage, most: float) -> Iterator[Refusal]:
    check = coverage.sources
    if check is None:
        yield lacks("the measured sources were not held against the project's", "run a new trial")
        return
    if check.differ:
        differing = [file.path for file in coverage.files if file.source == "differs"]
        yield against(
            f"{counted(check.differ, 'measured file')} in the container differ from the "
            f"project's: {named(differing)}",
            "build the image from this tree, and write no sources while the tests run",
        )
    if not check.equal:
        yield against(
            "none of the measured files is one of the project's",
            "measure the project's own packages",
        )
    unclear = [f for f in coverage.files if f.source == "unknown" and f.project_file]
    if unclear:
        yield lacks(
            f"measured files could not be compared: {named(file.path for file in unclear)}",
            "keep them where the engine can read them after the tests",
        )
    lines = sum(file.lines for file in coverage.files)
    foreign = [f for f in coverage.files if f.source == "unknown" and not f.project_file]
    foreign_lines = sum(file.lines for file in foreign)
    if foreign_lines > most * lines:
        yield against(
            f"{foreign_lines} of {lines} measured lines are of files that the project does not "
            f"have ({named(file.path for file in foreign)}), more than {most:.0%}",
            "measure the project's own packages",
        )


def _not_looked_at(dossier: Dossier, coverage: Coverage) -> Iterator[Refusal]:
    files = dossier.source_files
    if not files:
        yield lacks(
            "the project's own source files could not be told", "keep them under git's control"
        )
        return
    most = dossier.settings.verdict.max_uncovered
    passed_over = _passed_over(dossier, coverage)
    lines = sum(files.values())
    left = sum(passed_over.values())
    if left <= most * lines:
        return
    if coverage.file_count > len(coverage.files):
        yield lacks(
            f"the record names {len(coverage.files)} of {coverage.file_count} measured files, "
            f"which leave {left} of {lines} of the project's lines open",
            "measure fewer files of other projects",
        )
        return
    largest = sorted(passed_over, key=lambda name: (-passed_over[name], name))
    yield against(
        f"coverage looked at {lines - left} of {lines} of the project's lines, so "
        f"{left / lines:.0%} are left out, more than {most:.0%}: {named(largest)}",
        "measure the whole project: `source` in coverage's settings, fewer `omit`, "
        "`exclude_lines` and `pragma: no cover`",
    )


def _passed_over(dossier: Dossier, coverage: Coverage) -> dict[str, int]:
    """Lines by file that coverage did not count: the whole file, or what is excluded in it."""
    counted_lines: dict[str, int] = {}
    for file in coverage.files:
        if file.project_file and file.source == "equal":
            before = counted_lines.get(file.project_file, 0)
            counted_lines[file.project_file] = max(before, file.lines)
    left = {
        name: lines - counted_lines.get(name, 0)
        for name, lines in (dossier.source_files or {}).items()
    }
    return {name: lines for name, lines in left.items() if lines > 0}


def _looked_at(dossier: Dossier, coverage: Coverage) -> str:
    lines = sum((dossier.source_files or {}).values())
    left = sum(_passed_over(dossier, coverage).values())
    cut = coverage.file_count > len(coverage.files)
    return (
        f"it looked at {'at least ' if cut else ''}{lines - left} of {lines} of the project's "
        f"lines{f' (the record names {len(coverage.files)} of the files)' if cut else ''}"
    )


def _because(coverage: Coverage | None) -> str:
    return f": {coverage.reason}" if coverage and coverage.reason else ""


def _same(record: Record, percent: float) -> bool:
    found = record.coverage.percent if record.coverage and record.coverage.measured else None
    return found is not None and abs(found - percent) <= _SAME_PERCENT


def _rows(trial: TrialEvidence, coverage: Coverage) -> Iterator[Evidence]:
    yield trial.exhibit.row("coverage", coverage.percent, "%", "/coverage/percent")
    if coverage.sources:
        for name in ("equal", "differ", "unknown"):
            yield trial.exhibit.row(
                f"sources {name}",
                getattr(coverage.sources, name),
                "files",
                f"/coverage/sources/{name}",
            )
    for number, data in enumerate(coverage.data_files):
        exhibit = trial.file(data.path) if data.path else None
        if exhibit:
            yield exhibit.row("coverage's data file", data.container_path)
        else:
            yield trial.exhibit.row(
                "coverage's data file", None, where=f"/coverage/data_files/{number}/path"
            )


CRITERION = Criterion(
    key="coverage-extracted",
    statement="Coverage of the project's own code was measured, and its data taken out.",
    requires="Coverage's data file out of each worker; measured sources equal to the project's; "
    "the share of the project's lines that coverage counted.",
    weight=10,
    judge=_judge,
)
