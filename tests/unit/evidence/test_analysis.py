import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seatrial.evidence.analysis import TestTimes, analyse, critical_path, read_times
from seatrial.evidence.bench import Finding
from seatrial.evidence.build import BuildStep, sum_up
from seatrial.evidence.record import Phase, PhaseName, Record, Resources
from seatrial.evidence.split import Split, WorkerRecord
from unit.factories import make_record, make_service


def phases(**spans: tuple[float, float]) -> tuple[Phase, ...]:
    """By name: start and end."""
    return tuple(
        Phase(name=PhaseName(name), start=start, seconds=end - start, completed=True)
        for name, (start, end) in spans.items()
    )


def trial(total: float = 10.0, test: float = 6.0, **values: Any) -> Record:
    """Build 0 to 1, start 0 to 3, then the tests; the database is ready after 2.5 s."""
    spans = {"build": (0, 1), "start": (0, 3), "test": (3, 3 + test), "clean": (3 + test, total)}
    return make_record(seconds=total, phases=phases(**spans), **values)


def ran(cores: float) -> Resources:
    return Resources(
        cpu_seconds=1,
        cpu_mean=cores,
        memory_peak_bytes=1,
        memory_peak_source="kernel",
        received_bytes=0,
        sent_bytes=0,
        read_bytes=0,
        written_bytes=0,
        samples=3,
    )


def step(instruction: str, seconds: float) -> BuildStep:
    return BuildStep(
        services=("test",), stage="", instruction=instruction, cached=not seconds, seconds=seconds
    )


def found(about: str, times: TestTimes | None = None, **scenarios: list[Record]) -> list[Finding]:
    """With several workers in scenarios `two` and `four`."""
    pairs = {
        count: list(zip(scenarios["warm"], scenarios[name], strict=True))
        for count, name in ((2, "two"), (4, "four"))
        if name in scenarios
    }
    findings = analyse(scenarios, main="warm", cold="cold", by_workers=pairs, times=times)
    return [finding for finding in findings if finding.about == about]


def test_overlapping_time_is_the_starts_if_a_service_was_ready_after_the_build() -> None:
    late = trial(services=(make_service(ready_at=2.5),))
    assert critical_path(late) == {"start": 3, "test": 6, "clean": 1}
    early = trial(services=(make_service(ready_at=0.5),))
    assert critical_path(early) == {"build": 1, "start": 2, "test": 6, "clean": 1}


def test_time_between_phases_is_named() -> None:
    record = make_record(seconds=5.0, phases=phases(test=(1.0, 3.0)))
    assert critical_path(record) == {"between phases": 3.0, "test": 2.0}


moments = st.tuples(st.floats(0, 50), st.floats(0, 50)).map(sorted).map(tuple)


@given(st.dictionaries(st.sampled_from([one.value for one in PhaseName]), moments))
def test_the_shares_of_the_phases_add_up_to_the_whole(
    spans: dict[str, tuple[float, float]],
) -> None:
    record = make_record(seconds=40.0, phases=phases(**spans))
    assert sum(critical_path(record).values()) == pytest.approx(40.0)


def test_the_phases_are_told_of_the_run_nearest_to_the_median() -> None:
    (told,) = found("phases", warm=[trial(10.0), trial(30.0, id="far"), trial(11.0, id="middle")])
    assert told.sentence.startswith("Of 11.0 s (trial middle, the nearest to the median of n = 3)")
    assert "test 6.0 s (55 %)" in told.sentence


def test_slow_tests_fixtures_and_what_is_outside_of_tests_are_told_with_their_shares() -> None:
    times = TestTimes(count=20, total=4.0, fixtures=1.0, slowest=(("a", 1.5), ("b", 0.5)))
    (slow,) = found("tests", times, warm=[trial()])
    assert "2 slowest of 20 tests took 2.0 s of 4.0 s (50 %)" in slow.sentence
    (fixtures,) = found("fixtures", times, warm=[trial()])
    assert (fixtures.saves, "1.0 s of the tests' 4.0 s (25 %)" in fixtures.sentence) == (1.0, True)
    (outside,) = found("outside tests", times, warm=[trial()])
    assert (outside.saves, "2.0 s of the test phase's 6.0 s" in outside.sentence) == (2.0, True)


def test_the_service_that_was_ready_last_is_named() -> None:
    services = (
        make_service("db", ready_at=2.5, ready_seconds=1.0),
        make_service("x", ready_at=1.0),
    )
    (told,) = found("services", warm=[trial(services=services)])
    assert "`db` was the last, 2.5 s after the trial began" in told.sentence
    assert told.saves == 3.0


def test_steps_that_run_again_in_warm_builds_are_named() -> None:
    again = trial(build=sum_up([step("FROM x", 0), step("RUN `pip` install", 0.9)], None))
    (told,) = found("build", warm=[again, trial()])
    assert "In 1 of 1 run of `warm` steps were run again" in told.sentence
    assert "`RUN 'pip' install` 0.90 s" in told.sentence


def test_a_build_all_from_the_cache_and_a_cold_one_are_only_told() -> None:
    warm = trial(build=sum_up([step("RUN a", 0)], None))
    cold = trial(id="c", build=sum_up([step("RUN a", 0.8)], None))
    told = found("build", warm=[warm], cold=[cold])
    assert [one.saves for one in told] == [None, None]
    assert "All 1 build steps came from the cache in all runs of `warm` (n = 1)" in told[0].sentence
    assert "Without the cache the build took 1.0 s (trial c)" in told[1].sentence


def test_waiting_is_told_by_the_cores_in_use() -> None:
    idle = trial(services=(make_service("test", role="test", resources=ran(0.25)),))
    (told,) = found("waiting", warm=[idle])
    assert told.saves == pytest.approx(4.5)
    assert "0.25 of 2 cores" in told.sentence
    assert "75 %" in told.sentence
    busy = trial(services=(make_service("test", role="test", resources=ran(1.2)),))
    assert [one.saves for one in found("waiting", warm=[busy])] == [None]


def test_what_workers_saved_is_a_measured_difference() -> None:
    (told,) = found("workers", warm=[trial(10.0, 6.0)], two=[trial(7.5, 3.0)])
    assert (told.saves, told.measured) == (2.5, True)
    assert (
        "2.00 times as fast (median of n = 1 rounds), and the trial took 2.5 s less"
        in told.sentence
    )
    (slower,) = found("workers", warm=[trial(10.0, 6.0)], two=[trial(12.0, 8.0)])
    assert (slower.saves, slower.advice) == (None, "")


def test_only_runs_of_one_round_are_compared() -> None:
    quiet, busy = [trial(10.0, 6.0), trial(8.0, 3.0)], [trial(40.0, 30.0), trial(30.0, 20.0)]
    (told,) = found("workers", warm=[quiet[0], busy[0]], two=[quiet[1], busy[1]])
    assert "1.75 times as fast (median of n = 2 rounds, 1.50 to 2.00)" in told.sentence
    assert told.saves == 6.0


def test_shares_that_are_not_equal_are_told() -> None:
    workers = tuple(
        WorkerRecord(number=number, folder=str(number), seconds=seconds)
        for number, seconds in enumerate((1.0, 3.0), 1)
    )
    split = Split(workers=workers, reason="r", weighed_by="nothing", xdist="not asked for")
    told = found("workers", warm=[trial(10.0)], two=[trial(8.0, 4.0, split=split)])
    assert [one.saves for one in told] == [2.0, 1.0]
    assert "the last took 3.0 s, their mean was 2.0 s (1.50 times" in told[1].sentence


def test_what_explains_comes_first_and_then_what_saves_most() -> None:
    times = TestTimes(count=9, total=5.0, fixtures=2.0, slowest=(("a", 3.0),))
    saves = [
        one.saves
        for one in analyse({"warm": [trial()]}, main="warm", cold=None, by_workers={}, times=times)
    ]
    assert saves[0] is None
    rest = [value for value in saves if value is not None]
    assert rest == sorted(rest, reverse=True)


def test_the_times_of_tests_are_read_and_lines_that_are_none_are_passed_over(
    tmp_path: Path,
) -> None:
    path = tmp_path / "tests.jsonl"
    lines = [{"id": f"t{n}", "setup": 0.5, "call": n, "teardown": None} for n in range(8)]
    lines.append({"id": "\x1b[2Jevil", "setup": 0, "call": 100.0, "teardown": 0.0})
    odd = ["", "{", "[]", '{"id": "x", "call": "much"}', '{"call": 1}', '{"id": "n", "call": -1}']
    path.write_text("\n".join([*map(json.dumps, lines), *odd]))

    times = read_times(path)

    assert times is not None
    assert (times.count, times.total, times.fixtures) == (9, 132.0, 4.0)
    assert times.slowest[0] == ("evil", 100.0)
    assert [name for name, _ in times.slowest[1:]] == ["t7", "t6", "t5", "t4"]
    assert read_times(tmp_path / "none") is None
