from collections.abc import Mapping
from itertools import product
from random import Random

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from seatrial.selection.assign import FILE_COST, assign, expected_loads, file_of
from seatrial.selection.assignment import Assignment

SECONDS = st.one_of(
    st.just(0.0),
    st.floats(0.001, 1.0),
    st.floats(1.0, 60.0),
)
FILES = st.integers(0, 7).map(lambda number: f"tests/test_{number}.py")
NAMES = st.builds(
    lambda file, group, test: file + group + test,
    FILES,
    st.sampled_from(["", "::TestA", "::TestB", "::TestA::TestInner"]),
    st.builds(
        lambda number, parameters: f"::test_{number}{parameters}",
        st.integers(0, 5),
        st.sampled_from(["", "[a]", "[b::c]", "[d-[e]]"]),
    ),
)
TABLES = st.dictionaries(NAMES, SECONDS, max_size=60)
WORKERS = st.integers(1, 9)


@given(TABLES, WORKERS)
def test_every_test_is_one_workers(weights: dict[str, float], workers: int) -> None:
    assignment = assign(weights, workers)

    assert assignment.workers == workers
    split = {file_of(test) for test in assignment.tests}
    assert split.isdisjoint(assignment.files)
    assert split | set(assignment.files) == {file_of(test) for test in weights}
    assert set(assignment.tests) == {test for test in weights if file_of(test) in split}
    assert all(0 <= n < workers for n in [*assignment.files.values(), *assignment.tests.values()])


@given(TABLES, WORKERS)
def test_a_split_file_is_on_more_than_one_worker(weights: dict[str, float], workers: int) -> None:
    assignment = assign(weights, workers)

    for file in {file_of(test) for test in assignment.tests}:
        owners = {n for test, n in assignment.tests.items() if file_of(test) == file}
        assert len(owners) > 1


@given(TABLES, WORKERS, st.randoms(use_true_random=False))
def test_the_order_of_the_history_changes_nothing(
    weights: dict[str, float], workers: int, random: Random
) -> None:
    shuffled = list(weights.items())
    random.shuffle(shuffled)

    assert assign(dict(shuffled), workers) == assign(weights, workers)


@given(st.dictionaries(FILES, st.floats(0.01, 100), min_size=1, max_size=8), st.integers(1, 3))
@example({f"test_{n}.py": weight for n, weight in enumerate([3, 3, 2, 2, 2])}, 2)
def test_whole_files_are_at_most_a_third_above_the_optimum(
    sizes: dict[str, float], workers: int
) -> None:
    assignment = assign(sizes, workers, file_cost=0)

    assert set(assignment.files) == set(sizes)
    assert longest(assignment, sizes) <= optimum(sizes, workers) * 4 / 3 + 1e-3


@given(TABLES, WORKERS)
def test_splitting_is_never_worse_than_the_greedy_bound(
    weights: dict[str, float], workers: int
) -> None:
    assignment = assign(weights, workers)

    files = {file_of(test): 0.0 for test in weights}
    for test, weight in weights.items():
        files[file_of(test)] += weight
    whole = assign(files, workers)
    assert longest(assignment, weights, FILE_COST) <= longest(whole, files, FILE_COST) * 1.05 + 1e-3


@given(
    st.lists(st.lists(st.floats(0.001, 0.2), min_size=1, max_size=80), min_size=1, max_size=20),
    st.integers(1, 8),
)
def test_small_tests_are_dealt_out_evenly_wherever_they_are(
    files: list[list[float]], workers: int
) -> None:
    weights = {
        f"tests/test_{f}.py::test_{t}": seconds
        for f, tests in enumerate(files)
        for t, seconds in enumerate(tests)
    }

    assignment = assign(weights, workers, file_cost=0)

    share = sum(weights.values()) / workers
    assert longest(assignment, weights) <= share * 1.05 + max(weights.values())


def test_longest_first_is_improved_where_it_is_far_from_perfect() -> None:
    sizes = {f"test_{n}.py": weight for n, weight in enumerate([3.0, 3.0, 2.0, 2.0, 2.0])}

    assert longest(assign(sizes, 2, file_cost=0), sizes) == pytest.approx(6)


def test_files_stay_whole_if_that_is_good_enough() -> None:
    weights = table({"a": [1.0] * 100, "b": [1.0] * 97})

    assignment = assign(weights, 2)

    assert assignment == Assignment(2, {"test_a.py": 0, "test_b.py": 1})


def test_a_file_that_is_longer_than_a_share_is_split_and_the_others_are_not() -> None:
    weights = table({"long": [1.0] * 100, "b": [10.0], "c": [10.0]})

    assignment = assign(weights, 3)

    assert set(assignment.files) == {"test_b.py", "test_c.py"}
    assert longest(assignment, weights) <= 42


def test_a_split_file_is_on_as_few_workers_as_it_needs() -> None:
    weights = table({"long": [1.0] * 15} | {f"short{n}": [1.0] * 5 for n in range(13)})

    assignment = assign(weights, 8, file_cost=0)

    assert len(set(assignment.tests.values())) == 2
    assert longest(assignment, weights) <= 10.5


def test_nothing_is_split_for_less_than_it_costs() -> None:
    weights = table({"a": [0.1, 0.1], "b": [0.1]})

    assert not assign(weights, 2, file_cost=1).tests


def test_a_class_stays_together_if_it_is_not_longer_than_a_share() -> None:
    classes = {f"test_a.py::Test{n}::test_{t}": 1.0 for n in range(8) for t in range(5)}

    assignment = assign(classes, 4)

    assert all(
        len({n for test, n in assignment.tests.items() if f"::Test{c}::" in test}) == 1
        for c in range(8)
    )
    assert longest(assignment, classes) == 10


def test_a_class_that_is_longer_than_a_share_is_split() -> None:
    weights = {f"test_a.py::TestLong::test_{t}": 1.0 for t in range(20)}
    weights |= {f"test_a.py::TestShort::test_{t}": 1.0 for t in range(4)}

    assignment = assign(weights, 3)

    assert longest(assignment, weights) == 8
    assert len({n for test, n in assignment.tests.items() if "::TestShort::" in test}) == 1


def test_a_class_is_split_if_nothing_else_comes_near_a_share() -> None:
    weights = {f"test_a.py::Test{n}::test_{t}": 1.0 for n in range(3) for t in range(10)}

    assignment = assign(weights, 2)

    assert longest(assignment, weights) == 15
    torn = [
        n
        for n in range(3)
        if len({w for test, w in assignment.tests.items() if f"::Test{n}::" in test}) > 1
    ]
    assert len(torn) == 1


def test_a_parametrised_function_stays_together_where_it_fits_in() -> None:
    weights = {f"test_a.py::test_{n}[{p}]": 1.0 for n in range(6) for p in "abcd"}

    assignment = assign(weights, 3)

    assert longest(assignment, weights) == 8
    for n in range(6):
        assert len({w for t, w in assignment.tests.items() if f"test_{n}[" in t}) == 1


def test_a_parametrised_function_is_split_where_it_fits_in_nowhere() -> None:
    weights = {f"test_a.py::test_it[{p}]": 1.0 for p in range(20)}

    assert longest(assign(weights, 4), weights) == 5


def test_one_long_test_bounds_what_is_asked_of_the_others() -> None:
    weights = table({"long": [30.0], "b": [10.0] * 3, "c": [10.0] * 3})

    assignment = assign(weights, 8)

    assert longest(assignment, weights) == 30
    assert not assignment.tests


def test_files_without_durations_are_dealt_out_evenly_too() -> None:
    assignment = assign({f"test_{n}.py": 0 for n in range(8)}, 4, file_cost=0)

    assert sorted(assignment.files.values()) == [0, 0, 1, 1, 2, 2, 3, 3]


def test_nothing_to_deal_out_is_an_empty_assignment() -> None:
    assert assign({}, 4) == Assignment(4)


def test_a_files_own_weight_is_dropped_where_its_tests_are_known() -> None:
    weights = {"test_a.py": 100.0, "test_a.py::test_one": 1.0, "test_a.py::test_two": 1.0}

    assert assign(weights, 2, file_cost=0).tests == {
        "test_a.py::test_one": 0,
        "test_a.py::test_two": 1,
    }


def table(files: Mapping[str, list[float]]) -> dict[str, float]:
    return {
        f"test_{file}.py::test_{number}": seconds
        for file, tests in files.items()
        for number, seconds in enumerate(tests)
    }


def test_a_file_with_a_long_shared_set_up_stays_whole_where_another_can_be_split() -> None:
    weights = {
        f"{file}.py::t{n}": 1.0
        for file, tests in (("plain", 20), ("sharing", 10))
        for n in range(tests)
    }

    assignment = assign(weights, 2, file_cost=0, shared={"sharing.py": 6.0})

    assert set(assignment.files) == {"sharing.py"}
    assert expected_loads(assignment, weights, shared={"sharing.py": 6.0}) == (18.0, 18.0)


def test_a_file_that_is_split_all_the_same_is_counted_with_its_set_up_on_each_worker() -> None:
    weights = {f"a.py::t{n}": 1.0 for n in range(10)}

    assignment = assign(weights, 2, file_cost=0, shared={"a.py": 2.0})

    assert set(assignment.tests.values()) == {0, 1}
    assert expected_loads(assignment, weights, shared={"a.py": 2.0}) == (7.0, 7.0)


def test_a_file_whose_shared_set_up_takes_longer_than_its_tests_is_not_split() -> None:
    weights = {f"a.py::t{n}": 1.0 for n in range(10)}

    assignment = assign(weights, 4, file_cost=0, shared={"a.py": 11.0})

    assert assignment.tests == {}
    assert set(assignment.files) == {"a.py"}


@pytest.mark.parametrize("place", ["tests/a.py", "tests", "tests/", "."])
def test_a_file_that_is_to_stay_whole_is_not_split_however_long_it_is(place: str) -> None:
    weights = {f"tests/a.py::t{n}": 10.0 for n in range(10)} | {"tests/b.py::t": 1.0}

    assignment = assign(weights, 2, whole=[place])

    assert assignment.tests == {}
    assert assignment.files["tests/a.py"] != assignment.files["tests/b.py"]


@pytest.mark.parametrize("place", ["tests/a", "a.py", "test"])
def test_a_place_is_a_whole_name_from_the_root_on(place: str) -> None:
    weights = {f"tests/a.py::t{n}": 10.0 for n in range(10)}

    assert assign(weights, 2, whole=[place]).tests == assign(weights, 2).tests != {}


@given(
    st.dictionaries(
        st.builds("{}.py::t{}".format, st.sampled_from("abcd"), st.integers(0, 30)),
        st.floats(0, 100),
        max_size=60,
    ),
    st.dictionaries(st.sampled_from(["a.py", "b.py", "x.py"]), st.floats(0, 300)),
    st.integers(1, 9),
)
def test_whatever_files_share_every_test_has_one_worker_and_splitting_never_takes_longer(
    weights: dict[str, float], shared: dict[str, float], workers: int
) -> None:
    assignment = assign(weights, workers, shared=shared)

    for test in weights:
        assert (file_of(test) in assignment.files) != (test in assignment.tests)
    whole = Assignment(1, {file_of(test): 0 for test in weights})
    alone = expected_loads(whole, weights, file_cost=FILE_COST, shared=shared)[0]
    loads = expected_loads(assignment, weights, file_cost=FILE_COST, shared=shared)
    assert max(loads) <= alone + 1e-3


def longest(assignment: Assignment, weights: Mapping[str, float], file_cost: float = 0.0) -> float:
    return max(expected_loads(assignment, weights, file_cost=file_cost))


def optimum(sizes: Mapping[str, float], workers: int) -> float:
    ways = product(range(workers), repeat=len(sizes))
    return min(
        max(
            sum(weight for weight, owner in zip(sizes.values(), way, strict=True) if owner == w)
            for w in range(workers)
        )
        for way in ways
    )


def test_a_name_of_a_thousand_parts_is_dealt_out_like_any_other() -> None:
    weights = {"test_a.py" + "::" * 1000 + name: 1.0 for name in "abcd"}

    assert longest(assign(weights, 4), weights) == 1


SMALL_TABLES = {
    "a class stays whole where it is no better cut": (
        2,
        {"a::TestA::t0": 4, "a::TestA::t1": 1, "b::TestA::t": 3, "b::TestB::t": 4}
        | {"b::t[0]": 4, "b::t[1]": 4},
        (11, set()),
    ),
    "a function stays whole where it fits in": (
        3,
        {"a::t0[0]": 1, "a::t0[1]": 1, "a::t0[2]": 1, "a::t1[0]": 2, "a::t1[1]": 1}
        | {"a::t2[0]": 2, "a::t2[1]": 1, "b::t": 4, "c::t": 4, "d::t": 4},
        (7, set()),
    ),
    "of two ways that take as long, the one with fewer pieces is taken": (
        3,
        {"a::TestA::t0": 1, "a::TestA::t1": 3}
        | {"b::TestA::t0": 3, "b::TestA::t1": 4, "b::TestB::t0": 3, "b::TestB::t1": 4},
        (7, set()),
    ),
    "a long file comes last where that is more even": (
        2,
        {"a::t[0]": 2, "b::t[0]": 2, "b::t[1]": 1, "b::TestA::t": 3},
        (4, {"b::t"}),
    ),
    "a file that is no longer than a share is split where it fits in nowhere": (
        2,
        {"a::t": 1, "b::t0": 3, "b::t1": 3, "c::t": 2},
        (5, set()),
    ),
    "a long test goes before files that can be cut small": (
        3,
        {"a::t[0]": 2, "a::t[1]": 2, "b::TestA::t": 3, "c::t[0]": 3, "c::t[1]": 4},
        (5, {"a::t", "c::t"}),
    ),
    "classes are cut to the last test if nothing else is even": (
        3,
        {"a::TestA::t0": 3, "a::TestA::t1": 2, "a::TestB::t0": 1, "a::TestB::t1": 2}
        | {"b::TestA::t": 4},
        (4, {"a::TestA", "a::TestB"}),
    ),
}


@pytest.mark.parametrize("case", SMALL_TABLES.values(), ids=SMALL_TABLES)
def test_what_is_split_is_what_has_to_be(
    case: tuple[int, dict[str, float], tuple[float, set[str]]],
) -> None:
    workers, weights, expected = case

    assignment = assign(weights, workers, file_cost=0)

    assert (longest(assignment, weights), torn(assignment)) == expected


def torn(assignment: Assignment) -> set[str]:
    """Classes and parametrised functions that are on several workers."""
    owners: dict[str, set[int]] = {}
    for test, worker in assignment.tests.items():
        group = test.partition("[")[0] if "[" in test else test.rpartition("::")[0]
        owners.setdefault(group, set()).add(worker)
    return {group for group, workers in owners.items() if len(workers) > 1 and "::" in group}
