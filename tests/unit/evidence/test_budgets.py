"""What a trial used is read from its phases and samples; without samples it is not known."""

from typing import Any

import pytest

from seatrial.evidence.budgets import in_words, measured
from seatrial.evidence.record import Phase, PhaseName, ServiceRecord
from unit.factories import make_resources, make_service

PHASES = (
    Phase(name=PhaseName.START, start=1, seconds=4, completed=True),
    Phase(name=PhaseName.TEST, start=5, seconds=16, completed=True),
    Phase(name=PhaseName.CLEAN, start=21, seconds=2, completed=False),
)


def services(**tests: Any) -> tuple[ServiceRecord, ...]:
    return (
        make_service("db", resources=make_resources(1000, cpu_seconds=8)),
        make_service(
            "test", role="test", **({"resources": make_resources(500, cpu_seconds=12)} | tests)
        ),
    )


def test_all_services_count_for_memory_and_for_the_share_of_the_cores() -> None:
    assert measured(PHASES, services(), cores=2, total_s=30) == {
        "start": 4,
        "test": 16,
        "total": 30,
        "memory": 1500,
        "cpu": 0.5,  # 20 of 2 times 20 seconds
    }


def test_without_a_sample_of_the_tests_nothing_is_known_of_what_was_used() -> None:
    assert measured(PHASES, services(resources=None), cores=2, total_s=30) == {
        "start": 4,
        "test": 16,
        "total": 30,
    }


@pytest.mark.parametrize(
    ("metric", "value", "words"),
    [
        ("test", 65.2, "1 min 05 s"),
        ("memory", 3 << 29, "1.50 GiB"),
        ("memory", 100 << 20, "100.0 MiB"),
        ("cpu", 0.8333, "83.3 %"),
    ],
)
def test_a_value_is_told_in_its_unit(metric: str, value: float, words: str) -> None:
    assert in_words(metric, value) == words
