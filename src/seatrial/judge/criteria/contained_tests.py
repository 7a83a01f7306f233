"""Criterion 1: every test of the suite ran in a container of the image that the trial built."""

from collections.abc import Iterator

from seatrial.evidence.record import Pytest, Record, ServiceRecord
from seatrial.judge.criterion import Criterion
from seatrial.judge.dossier import Dossier
from seatrial.judge.model import Evidence, Judgement, not_measured
from seatrial.judge.refusal import Refusal, against, judge_by, lacks, named
from seatrial.judge.rehearsed import passed_drills
from seatrial.judge.series import confidence
from seatrial.judge.suite import (
    left_out_uncounted,
    missing_test_containers,
    part_of_the_suite,
)
from seatrial.settings import VerdictSettings
from seatrial.words import counted

__all__ = ["CRITERION"]

_ID_SHOWN = 12
_RUN_ALL = "run all of them, or set verdict.allow_deselected"


def _judge(dossier: Dossier) -> Judgement:
    record = dossier.trial.record
    pytest = record.pytest
    if pytest is None:
        return not_measured(
            "no probe reported from a test container, so nothing shows that a test ran there",
            "let the test service's command run pytest 7 or newer in its container",
            *_rows(dossier),
        )
    counts = pytest.counts
    return judge_by(
        _refusals(dossier, pytest),
        f"{counted(counts.ran + counts.skipped, 'result')} of {counted(counts.collected, 'test')} "
        f"came from {counted(len(pytest.containers), 'container')} that the engine confirms, of "
        f"an image that the trial built; {counts.skipped + counts.xfailed} were skipped or "
        f"expected to fail, {counts.deselected} deselected",
        confidence(dossier, _confirmed, passed_drills(dossier, ("test-fails",))),
        *_rows(dossier),
        *passed_drills(dossier, ("test-fails",)),
    )


def _refusals(dossier: Dossier, pytest: Pytest) -> Iterator[Refusal]:
    record, rules = dossier.trial.record, dossier.settings.verdict
    yield from _containers(record, pytest)
    yield from _counts(pytest, rules)
    yield from _whole(record)
    if not rules.allow_deselected:
        yield from _left_out(pytest)
        yield from _untested(dossier.untested_files)
    yield from _split(record)
    if record.doubts:
        told = named(f"{doubt.key} ({doubt.what})" for doubt in record.doubts)
        yield against(
            f"the results are in doubt: {told}", "take out of the tests what casts the doubt"
        )


def _containers(record: Record, pytest: Pytest) -> Iterator[Refusal]:
    known = _test_containers(record)
    strangers = [one[:_ID_SHOWN] for one in pytest.containers if one not in known]
    if strangers or not pytest.containers or not pytest.container_confirmed:
        yield against(
            "the engine does not confirm where the tests ran"
            + (f": {named(strangers)} is no test container of the trial" if strangers else ""),
            "run pytest in the test service's own container",
        )
    built = {image.id for image in record.build.images} if record.build else set()
    for service in {s.name: s for c in pytest.containers if (s := known.get(c))}.values():
        image = service.image
        if image is None or not image.built or image.id not in built:
            yield against(
                f"the image of service {service.name} was not built in this trial",
                f"give service {service.name} a `build:` in the compose file",
            )


def _counts(pytest: Pytest, rules: VerdictSettings) -> Iterator[Refusal]:
    counts = pytest.counts
    results = counts.ran + counts.skipped
    if counts.ran == 0:
        yield against(
            f"none of {counted(counts.collected, 'test')} ran", "run the tests that are collected"
        )
    elif results < counts.collected or pytest.exit_status is None:
        yield against(
            f"{counts.collected - results} of {counted(counts.collected, 'test')} came to no "
            f"result{' and pytest to no end' if pytest.exit_status is None else ''}",
            "find what ends pytest before its end",
        )
    not_run = counts.skipped + counts.xfailed
    if not_run > rules.max_not_run * max(results, counts.collected):
        yield against(
            f"{not_run} of {counted(max(results, counts.collected), 'test')} were skipped or "
            f"expected to fail, more than {rules.max_not_run:.0%}",
            "let them run, or remove them",
        )


def _whole(record: Record) -> Iterator[Refusal]:
    if part := part_of_the_suite(record):
        yield against(
            part, "run the whole suite: `seatrial run` with what the commit's files say, no more"
        )


def _left_out(pytest: Pytest) -> Iterator[Refusal]:
    if pytest.counts.deselected:
        yield against(f"deselected: {counted(pytest.counts.deselected, 'test')}", _RUN_ALL)
    if by := left_out_uncounted(pytest):
        yield against(f"tests are left out by {named(by)}", _RUN_ALL)


def _untested(files: tuple[str, ...] | None) -> Iterator[Refusal]:
    if files is None:
        yield lacks(
            "it cannot be told which test files of the commit have no result", "run a new trial"
        )
    elif files:
        yield against(
            f"no test was collected of {named(files)}",
            "run all test files, or name those that are not of the suite in verdict.not_tests",
        )


def _split(record: Record) -> Iterator[Refusal]:
    if missing := missing_test_containers(record):
        yield lacks(missing, "run a new trial")
    if record.split is None:
        return
    proof = record.split.proof
    if proof is None:
        yield lacks(
            "it is not proven that each test ran once, since not every worker came to its end",
            "see why a worker did not",
        )
    elif proof.faults:
        yield against(
            f"not every test ran once: {named(proof.faults)}",
            "see docs/settings.md on how tests are split",
        )


def _test_containers(record: Record) -> dict[str, ServiceRecord]:
    """The containers that the engine started the tests in; of several workers, theirs."""
    found = {s.container: s for s in record.services if s.role == "test" and s.container}
    if record.split:
        workers = {worker.container for worker in record.split.workers}
        found = {container: s for container, s in found.items() if container in workers}
    return found


def _confirmed(record: Record) -> bool:
    return record.pytest is not None and record.pytest.container_confirmed


def _rows(dossier: Dossier) -> Iterator[Evidence]:
    trial = dossier.trial
    pytest = trial.record.pytest
    if pytest is None:
        yield trial.exhibit.row("what the probe saw", None, where="/pytest")
        return
    yield trial.exhibit.row(
        "containers confirmed by the engine",
        pytest.container_confirmed,
        where="/pytest/container_confirmed",
    )
    for name in ("collected", "passed", "failed", "errors", "skipped", "xfailed", "deselected"):
        value = getattr(pytest.counts, name)
        yield trial.exhibit.row(f"tests {name}", value, where=f"/pytest/counts/{name}")
    if pytest.tests and (results := trial.file(pytest.tests)):
        yield results.row("results of the single tests", counted(pytest.counts.collected, "test"))


CRITERION = Criterion(
    key="contained-tests",
    statement="Every test of the suite ran in a container of the image that the trial built.",
    requires="Results of the probe from containers that the engine confirms, of an image that this "
    "trial built; counts of collected, deselected, skipped and expected failures; no doubt.",
    weight=15,
    judge=_judge,
)
