from pathlib import Path
from typing import Any

import pytest

from seatrial.selection.division import Division
from seatrial.settings import Settings
from seatrial.stack.plan import Plan
from seatrial.trial.changed import Narrowing
from seatrial.trial.workers import WORTH_S, divide_work
from unit.factories import make_resources, make_service
from unit.selection.trials import make_trial

from .plans import make_plan_of

GIB = 1 << 30
MACHINE = {"NCPU": 4, "MemTotal": 64 * GIB}


def past(project: Path, tests: int, *, seconds: float = 10.0, peak: int | None = None) -> None:
    """A trial of so many tests, each in a file of its own."""
    resources = make_resources(peak) if peak is not None else None
    results: dict[str, Any] = {f"test_{number}.py::t": seconds for number in range(tests)}
    make_trial(project, 1, results, services=(make_service(resources=resources),))


async def divide(
    project: Path,
    workers: Any = "auto",
    *,
    plan: Plan | None = None,
    machine: dict[str, Any] | None = None,
    only: int | None = None,
) -> Division:
    narrowing = None
    if only is not None:
        tests = tuple(f"test_{number}.py::t" for number in range(only))
        narrowing = Narrowing({}, tests, (), "", ground="")
    _, division = await divide_work(
        plan or make_plan_of(project, {"test": {}}),
        Settings(workers=workers),
        machine or MACHINE,
        narrowing,
    )
    return division


def count(division: Division) -> int:
    return len(division.shares)


async def test_a_number_is_taken_as_it_is_and_said_to_be_asked_for(tmp_path: Path) -> None:
    division = await divide(tmp_path, 3)

    assert count(division) == 3
    assert division.reason == "the settings ask for it"


async def test_auto_takes_a_worker_for_each_core(tmp_path: Path) -> None:
    past(tmp_path, 10)

    division = await divide(tmp_path)

    assert count(division) == 4
    assert division.reason == "4 workers: the engine's machine has 4 cores"
    assert division.weighed_by == "durations"
    assert sorted(e for e in division.expected if e is not None) == [20, 20, 30, 30]


async def test_auto_takes_as_many_as_fit_into_memory_by_what_one_took(tmp_path: Path) -> None:
    past(tmp_path, 10, peak=3 * GIB)

    division = await divide(tmp_path, machine={"NCPU": 4, "MemTotal": 8 * GIB})

    assert count(division) == 2
    assert "with the 3.00 GiB that a stack took before" in division.reason


async def test_auto_takes_no_more_than_there_are_tests(tmp_path: Path) -> None:
    past(tmp_path, 2)

    assert count(await divide(tmp_path)) == 2


async def test_auto_takes_no_more_than_there_are_files_where_tests_were_never_timed(
    tmp_path: Path,
) -> None:
    for name in ("test_a.py", "test_b.py", "test_c.py"):
        (tmp_path / name).write_text("x")

    division = await divide(tmp_path)

    assert count(division) == 3
    assert division.reason.endswith("no more to deal out than 3 test files")
    assert division.expected == (None, None, None)


async def test_auto_takes_one_if_nothing_is_known_of_the_machine_or_the_tests(
    tmp_path: Path,
) -> None:
    assert count(await divide(tmp_path, machine={"x": 1})) == 1
    assert count(await divide(tmp_path)) == 1


def fixed(project: Path) -> Plan:
    networks = {"default": {"ipv4_address": "10.0.0.7"}}
    return make_plan_of(project, {"test": {"networks": networks}})


async def test_auto_takes_one_where_a_second_stack_cannot_be(tmp_path: Path) -> None:
    past(tmp_path, 10)

    division = await divide(tmp_path, plan=fixed(tmp_path))

    assert count(division) == 1
    assert "so a second stack cannot run beside it" in division.reason


@pytest.mark.parametrize("workers", ["auto", 4])
@pytest.mark.parametrize(
    ("seconds", "only", "expected"),
    [
        (WORTH_S, 4, 4),
        (WORTH_S, 3, 3),
        (WORTH_S / 2, 4, 2),
        (WORTH_S / 100, 4, 1),
    ],
)
async def test_a_part_of_the_tests_has_the_workers_that_are_worth_it(
    tmp_path: Path, workers: Any, seconds: float, only: int, expected: int
) -> None:
    past(tmp_path, 10, seconds=seconds)

    division = await divide(tmp_path, workers, only=only)

    assert count(division) == expected
    assert all(len(share.tests or ()) == only for share in division.shares)


async def test_all_the_tests_have_the_workers_that_were_asked_for_however_short_they_are(
    tmp_path: Path,
) -> None:
    past(tmp_path, 10, seconds=0.01)

    assert count(await divide(tmp_path, 4)) == 4


async def test_a_part_that_was_never_timed_has_the_workers_that_were_asked_for(
    tmp_path: Path,
) -> None:
    for number in range(4):
        (tmp_path / f"test_{number}.py").write_text("x")

    assert count(await divide(tmp_path, 3, only=4)) == 3


async def test_a_file_that_is_wanted_whole_counts_with_all_its_tests(tmp_path: Path) -> None:
    results: dict[str, Any] = {f"test_a.py::t{number}": WORTH_S for number in range(3)}
    make_trial(tmp_path, 1, results)
    narrowing = Narrowing({}, ("test_a.py",), (), "", ground="")

    _, division = await divide_work(
        make_plan_of(tmp_path, {"test": {}}), Settings(workers=4), MACHINE, narrowing
    )

    assert count(division) == 3
    assert division.reason == "3 workers: the tests took 15.0 s before"
