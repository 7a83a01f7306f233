import itertools
import random
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seatrial.errors import UsageFault
from seatrial.judge.criteria import CRITERIA
from seatrial.judge.dossier import Dossier
from seatrial.judge.model import Confidence, CriterionResult, CriterionStatus
from seatrial.judge.score import judge_criteria, score_of
from seatrial.settings import Budgets
from unit.judge.dossiers import (
    DRILLS,
    coverage,
    dossier,
    full_record,
    settings,
    trial,
)

KEYS = [
    "contained-tests",
    "coverage-extracted",
    "time-budget",
    "coverage-enforced",
    "image-built",
    "artifacts-extracted",
    "ready-and-parallel",
    "cleaned-up",
    "errors-handled",
    "performance-kept",
]
OWN = {"statement": "Types are sound.", "command": ("mypy",), "weight": 25, "required": True}

Change = Callable[[Dossier], Dossier]


def result(weight: float, status: CriterionStatus, key: str = "k") -> CriterionResult:
    return CriterionResult(
        key=key,
        statement="s",
        requires="r",
        weight=weight,
        required=False,
        status=status,
        confidence=Confidence.HIGH,
        reason="r",
    )


def met(found: Dossier) -> set[str]:
    return {r.key for r in judge_criteria(found) if r.status is CriterionStatus.MET}


def test_a_commit_with_all_evidence_meets_all_ten_in_their_order() -> None:
    results = judge_criteria(dossier())

    assert [r.key for r in results] == KEYS
    assert {r.status for r in results} == {CriterionStatus.MET}
    assert sum(r.weight for r in results) == 100
    assert score_of(results) == 100.0
    assert [r.key for r in results if r.required] == [
        "contained-tests",
        "image-built",
        "cleaned-up",
    ]


def test_each_result_says_what_counts_and_carries_evidence() -> None:
    for found in judge_criteria(dossier()):
        assert found.statement.endswith("."), found.key
        assert found.requires.endswith("."), found.key
        assert found.reason, found.key
        assert found.evidence, found.key
        assert not found.remedy, found.key


def test_equal_evidence_gives_equal_results() -> None:
    assert judge_criteria(dossier()) == judge_criteria(dossier())


def test_without_a_trial_nothing_is_met() -> None:
    results = judge_criteria(dossier(trials=()))

    assert {r.status for r in results} == {CriterionStatus.NOT_MEASURED}
    assert score_of(results) == 0.0


def test_a_trial_whose_files_were_changed_shows_nothing() -> None:
    results = judge_criteria(dossier(trials=(replace(trial(), faults=("junit.xml changed",)),)))

    assert not [r.key for r in results if r.status is CriterionStatus.MET]
    assert all("junit.xml changed" in r.reason for r in results[:1])


def test_weights_of_the_settings_win() -> None:
    rules = settings({"weights": {"time-budget": 30, "errors-handled": 0}})
    found = dossier(settings=rules.model_copy(update={"budgets": Budgets()}))

    results = judge_criteria(found)

    assert {r.key: r.weight for r in results}["time-budget"] == 30
    assert score_of(results) == 73.9, "85 of 115, rounded down"


def test_the_projects_own_criteria_follow_and_count() -> None:
    rules = settings({"command_criteria": {"types": OWN}, "required": ["contained-tests"]})

    results = judge_criteria(dossier(settings=rules))

    assert [r.key for r in results] == [*KEYS, "types"]
    assert results[-1].status is CriterionStatus.NOT_MEASURED
    assert [r.key for r in results if r.required] == ["contained-tests", "types"]
    assert score_of(results) == 80.0


@pytest.mark.parametrize(
    ("rules", "words"),
    [
        ({"weights": {"speed": 10}}, "no criterion 'speed'"),
        ({"required": ["contained-test"]}, "no criterion 'contained-test'"),
        ({"weights": dict.fromkeys(KEYS, 0)}, "no criterion has a weight"),
        ({"weights": {"time-budget": float("inf")}}, "is no number"),
        ({"command_criteria": {"t": OWN | {"weight": float("inf")}}}, "is no number"),
        ({"command_criteria": {"time-budget": OWN}}, "two criteria have the key 'time-budget'"),
        (
            {
                "command_criteria": {"types": OWN},
                "metric_criteria": {"types": {"statement": "s", "metric": "/seconds"}},
            },
            "two criteria have the key 'types'",
        ),
    ],
)
def test_settings_that_fit_no_criterion_are_refused(rules: dict[str, Any], words: str) -> None:
    with pytest.raises(UsageFault) as caught:
        judge_criteria(dossier(settings=settings(rules)))

    assert words in caught.value.what
    assert caught.value.next_step


@pytest.mark.parametrize(
    ("weights", "score"),
    [
        ([(1, True), (1, False), (1, False)], 33.3),
        ([(2, True), (1, False)], 66.6),
        ([(0.1, True), (0.2, True), (0.7, True)], 100.0),
        ([(999.9, True), (0.1, False)], 99.9),
        ([(1, False)], 0.0),
        ([(0, True)], 0.0),
        ([], 0.0),
    ],
)
def test_the_score_is_the_met_share_rounded_down_to_a_tenth(
    weights: list[tuple[float, bool]], score: float
) -> None:
    status = {True: CriterionStatus.MET, False: CriterionStatus.NOT_MET}

    assert score_of([result(weight, status[met]) for weight, met in weights]) == score


@given(
    rows=st.lists(
        st.tuples(
            st.floats(min_value=0, max_value=1e6, allow_subnormal=False),
            st.sampled_from(list(CriterionStatus)),
        ),
        max_size=8,
    ),
    seed=st.integers(),
)
def test_the_score_is_within_its_bounds_and_knows_no_order(
    rows: list[tuple[float, CriterionStatus]], seed: int
) -> None:
    results = [result(weight, status) for weight, status in rows]
    score = score_of(results)

    random.Random(seed).shuffle(results)

    assert 0 <= score <= 100
    assert score_of(results) == score
    assert round(score, 1) == score
    if not any(r.weight for r in results if r.status is CriterionStatus.MET):
        assert score == 0


def _without(**changes: Any) -> Change:
    """Replace facts of the dossier by nothing."""
    return lambda found: replace(found, **changes)


def _record_without(**changes: Any) -> Change:
    """Replace facts of the judged trial's record."""

    def change(found: Dossier) -> Dossier:
        record = found.trial.record.model_copy(update=changes)
        return replace(found, trials=(replace(found.trial, record=record), *found.trials[1:]))

    return change


def _part_without(part: str, **changes: Any) -> Change:
    """Replace facts of a part of the judged record, if the record still has that part."""

    def change(found: Dossier) -> Dossier:
        whole = getattr(found.trial.record, part)
        if whole is None:
            return found
        return _record_without(**{part: whole.model_copy(update=changes)})(found)

    return change


def _services_without(role: str, **changes: Any) -> Change:
    def change(found: Dossier) -> Dossier:
        services = tuple(
            s.model_copy(update=changes) if s.role == role else s
            for s in found.trial.record.services
        )
        return _record_without(services=services)(found)

    return change


def _without_second_stack(found: Dossier) -> Dossier:
    # Where nothing tells of a second worker any more, this would be a trial by one.
    if found.trial.record.split is None:
        return found
    left = tuple(s for s in found.trial.record.services if s.worker == 1)
    return _record_without(services=left)(found)


def _without_drill(key: str) -> Change:
    def change(found: Dossier) -> Dossier:
        if found.drills is None:
            return found
        report = found.drills.report
        left = tuple(r for r in report.results if r.key != key)
        report = report.model_copy(update={"results": left})
        return replace(found, drills=replace(found.drills, report=report))

    return change


def _without_file(path: str) -> Change:
    def change(found: Dossier) -> Dossier:
        left = tuple(entry for entry in found.trial.record.files if entry.path != path)
        return _record_without(files=left)(found)

    return change


def _without_phase(number: int) -> Change:
    name = full_record().phases[number].name

    def change(found: Dossier) -> Dossier:
        left = tuple(phase for phase in found.trial.record.phases if phase.name is not name)
        return _record_without(phases=left)(found)

    return change


def _removals() -> Iterator[tuple[str, Change]]:
    """Each single fact that a verdict rests on, taken away."""
    yield "drills", _without(drills=None)
    yield "commit", _without(commit=None)
    yield "earlier trials", _without(earlier=())
    yield "workflow", _without(workflow_uploads=None)
    yield "source files", _without(source_files=None)
    yield "Dockerfiles", _without(dockerfiles={})
    yield (
        "budgets",
        lambda d: replace(d, settings=d.settings.model_copy(update={"budgets": Budgets()})),
    )
    yield "other trials", lambda d: replace(d, trials=d.trials[:1])
    for name in ("pytest", "coverage", "build", "split", "commit"):
        yield f"record's {name}", _record_without(**{name: None})
    yield "all files", _record_without(files=())
    yield "all services", _record_without(services=())
    yield "a worker's services", _without_second_stack
    yield "confirmation", _part_without("pytest", container_confirmed=False)
    yield "containers", _part_without("pytest", containers=())
    yield "test seconds", _part_without("pytest", tests_seconds=None)
    yield "exit status", _part_without("pytest", exit_status=None)
    yield "threshold", _part_without("coverage", threshold=None)
    yield "percent", _part_without("coverage", percent=None)
    yield "sources", _part_without("coverage", sources=None)
    yield "covered files", _part_without("coverage", files=())
    yield "data files", _part_without("coverage", data_files=())
    yield "a data file", _part_without("coverage", data_files=coverage().data_files[:1])
    yield "reports", _part_without("coverage", reports=())
    yield "images", _part_without("build", images=())
    yield "steps", _part_without("build", cached_steps=0, total_steps=0)
    yield "proof", _part_without("split", proof=None)
    yield "held before", _part_without("clean_up", held_before=None)
    yield "held after", _part_without("clean_up", held_after=None)
    yield "removed", _part_without("clean_up", removed_containers=())
    yield "readiness", _services_without("required", ready_at=None)
    yield "readiness' proof", _services_without("required", proof="none")
    yield "test image", _services_without("test", image=None)
    yield "test container", _services_without("test", container=None)
    yield "test log", _services_without("test", log=None)
    for key in DRILLS:
        yield f"drill {key}", _without_drill(key)
    for entry in full_record().files:
        yield entry.path, _without_file(entry.path)
    for number in range(len(full_record().phases)):
        yield f"phase {number}", _without_phase(number)


REMOVALS = dict(_removals())


@given(
    names=st.lists(st.sampled_from(sorted(REMOVALS)), min_size=1, max_size=6, unique=True),
    weights=st.lists(st.integers(0, 30), min_size=10, max_size=10).filter(any),
)
def test_taking_a_fact_away_never_meets_another_criterion(
    names: list[str], weights: list[int]
) -> None:
    rules = settings({"weights": dict(zip(KEYS, weights, strict=True))})
    steps = list(
        itertools.accumulate(
            names, lambda found, name: REMOVALS[name](found), initial=dossier(settings=rules)
        )
    )

    for before, after in itertools.pairwise(steps):
        assert met(after) <= met(before)
        assert score_of(judge_criteria(after)) <= score_of(judge_criteria(before))


HARMLESS = {
    # Other trials show the same, less surely.
    "other trials",
    "earlier trials",
    "steps",
    "test seconds",
    # No criterion rests on these.
    "phase 0",
    "phase 1",
    "phase 3",
    "phase 4",
    "tests.jsonl",
}


@pytest.mark.parametrize("name", sorted(set(REMOVALS) - HARMLESS))
def test_taking_away_what_a_criterion_rests_on_costs_points(name: str) -> None:
    assert score_of(judge_criteria(REMOVALS[name](dossier()))) < 100


def test_the_ten_have_different_keys_and_a_hundred_points() -> None:
    assert [criterion.key for criterion in CRITERIA] == KEYS
    assert sum(criterion.weight for criterion in CRITERIA) == 100
