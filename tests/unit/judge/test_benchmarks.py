from typing import Any

import pytest

from seatrial.evidence.record import Resources
from seatrial.judge.benchmarks import Benchmark, benchmarks, comparable_trials
from seatrial.judge.dossier import Dossier
from seatrial.settings import Budgets
from unit.judge import dossiers
from unit.judge.dossiers import OLDER, dossier, full_record, settings, trial


def row(of: Dossier, metric: str) -> Benchmark:
    return next(one for one in benchmarks(of) if one.metric.startswith(metric))


def taking(*seconds: float) -> tuple[Any, ...]:
    made = []
    for number, took in zip(range(9, 0, -1), seconds, strict=False):
        record = full_record(number=number)
        phases = tuple(
            one.model_copy(update={"seconds": took}) if one.name.value == "test" else one
            for one in record.phases
        )
        made.append(trial(number=number, record=record.model_copy(update={"phases": phases})))
    return tuple(made)


def resources(memory: int, cpu_seconds: float) -> Resources:
    return Resources(
        cpu_seconds=cpu_seconds,
        cpu_mean=0.5,
        memory_peak_bytes=memory,
        memory_peak_source="kernel",
        received_bytes=0,
        sent_bytes=0,
        read_bytes=0,
        written_bytes=0,
        samples=9,
    )


def test_the_result_is_the_judged_trials_and_the_spread_is_of_all_comparable_ones() -> None:
    found = row(dossier(trials=taking(60, 50, 100), earlier=()), "tests")

    assert (found.result, found.n) == (60, 3)
    assert (found.median, found.least, found.most) == (60, 50, 100)


@pytest.mark.parametrize(
    ("seconds", "status"),
    [((60, 60, 60), "met"), ((181, 60, 60), "not met"), ((60, 190, 190), "not met")],
)
def test_a_budget_is_met_by_the_judged_trial_and_by_the_median(
    seconds: tuple[float, ...], status: str
) -> None:
    found = row(dossier(trials=taking(*seconds), earlier=()), "tests")

    assert found.budget == 180
    assert found.status == status


def test_without_a_budget_nothing_is_called_met() -> None:
    assert row(dossier(settings=settings(budgets=Budgets())), "tests").status == "no budget"


def test_a_warm_build_is_no_measurement_of_a_cold_one() -> None:
    of = dossier(settings=settings(budgets=Budgets(build=120)))

    assert row(of, "build, warm").status == "met"
    assert row(of, "build, cold").status == "not measured"
    assert row(of, "build, cold").result is None


def test_a_phase_that_was_broken_off_is_not_measured() -> None:
    record = full_record()
    phases = tuple(one.model_copy(update={"completed": False}) for one in record.phases)
    judged = trial(record=record.model_copy(update={"phases": phases}))

    assert row(dossier(trials=(judged,)), "tests").status == "not measured"


def test_memory_is_not_measured_where_a_test_container_was_not_sampled() -> None:
    assert row(dossier(), "memory").status == "not measured"


def test_memory_and_cpu_are_sums_over_the_services_of_all_workers() -> None:
    record = full_record()
    services = tuple(
        one.model_copy(update={"resources": resources(1 << 20, 12.7)}) for one in record.services
    )
    of = dossier(trials=(trial(record=record.model_copy(update={"services": services})),))

    assert row(of, "memory").result == 4 << 20
    # 50.8 s on two cores, in the 63.5 s from the start of the services to the end of the tests.
    assert row(of, "CPU").result == pytest.approx(40)


def test_coverage_is_held_against_the_projects_threshold_from_below() -> None:
    found = row(dossier(), "coverage")

    assert (found.result, found.budget, found.at_least, found.status) == (95, 80, True, "met")


@pytest.mark.parametrize(
    "values",
    [
        {"split": None},
        {"arguments": ("-k", "money")},
        {"host": dossiers.full_record().host.model_copy(update={"cores": 64})},
        {"settings": {"command": {"value": "pytest tests/unit", "source": "command line"}}},
        {"status": "failed"},
    ],
)
def test_a_trial_of_another_kind_is_not_comparable(values: dict[str, Any]) -> None:
    other = trial(number=3, of=OLDER, **values)

    assert len(comparable_trials(dossier(trials=(trial(),), earlier=(other,)))) == 1


def test_a_trial_whose_files_were_changed_is_not_comparable() -> None:
    other = trial(number=3, of=OLDER, faults=("junit.xml has another content",))

    assert len(comparable_trials(dossier(trials=(trial(),), earlier=(other,)))) == 1


def test_memory_and_cpu_are_held_against_their_budgets() -> None:
    services = tuple(
        one.model_copy(update={"resources": resources(1000, 10)}) for one in full_record().services
    )
    trials = (trial(services=services),)
    share = row(dossier(trials=trials, earlier=()), "CPU").result
    assert share
    kept = settings(budgets=Budgets(memory=4000, cpu=share / 100))
    over = settings(budgets=Budgets(memory=3999, cpu=share / 101))

    for rules, status in ((kept, "met"), (over, "not met")):
        of = dossier(trials=trials, earlier=(), settings=rules)
        assert (row(of, "memory").status, row(of, "CPU").status) == (status, status)
    assert row(of, "CPU").budget == pytest.approx(share / 1.01)
