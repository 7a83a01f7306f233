import pytest

from seatrial.evidence.record import Resources
from seatrial.selection.workers import choose_workers, stack_peak
from unit.factories import make_record, make_service

GIB = 1 << 30


def test_every_core_gets_a_worker_if_nothing_is_scarce() -> None:
    number, reason = choose_workers(8, 64 * GIB, past_peak_bytes=GIB, units=500)

    assert (number, reason) == (8, "8 workers: the engine's machine has 8 cores")


def test_memory_holds_so_many_stacks_as_the_last_one_was_large() -> None:
    number, reason = choose_workers(8, 10 * GIB, past_peak_bytes=2 * GIB, units=500)

    assert number == 4
    assert reason == (
        "4 workers: more do not fit into 80 % of 10.0 GiB of memory, "
        "with the 2.00 GiB that a stack took before"
    )


def test_a_stack_that_was_never_measured_is_taken_to_need_a_gibibyte() -> None:
    number, reason = choose_workers(8, 4 * GIB, past_peak_bytes=None, units=500)

    assert number == 3
    assert "the 1.00 GiB that a stack is taken to need, as none was measured yet" in reason


@pytest.mark.parametrize(("units", "word"), [(1, "1 file"), (3, "3 files")])
def test_no_worker_is_left_without_work(units: int, word: str) -> None:
    number, reason = choose_workers(8, 64 * GIB, past_peak_bytes=None, units=units, unit="file")

    assert number == units
    assert reason.endswith(f"there is no more to deal out than {word}")


def test_the_users_limit_is_kept() -> None:
    number, reason = choose_workers(8, 64 * GIB, past_peak_bytes=None, units=500, limit=2)

    assert (number, reason) == (2, "2 workers: 2 is the most that is asked for")


@pytest.mark.parametrize(
    ("cores", "memory", "units"), [(0, 64 * GIB, 9), (8, 0, 9), (8, 64 * GIB, 0)]
)
def test_there_is_always_one_worker(cores: int, memory: int, units: int) -> None:
    number, reason = choose_workers(cores, memory, past_peak_bytes=None, units=units)

    assert number == 1
    assert reason.startswith("1 worker: ")


def test_a_stack_peaks_at_the_sum_of_its_services_peaks() -> None:
    record = make_record(
        services=(
            make_service("db", resources=make_resources(300)),
            make_service("cache", resources=None),
            make_service("test", role="test", resources=make_resources(200)),
        )
    )

    assert stack_peak(record) == 500


def test_a_stack_that_was_not_sampled_has_no_peak() -> None:
    assert stack_peak(make_record(services=(make_service(resources=None),))) is None


def make_resources(peak: int) -> Resources:
    return Resources(
        cpu_seconds=1,
        cpu_mean=None,
        memory_peak_bytes=peak,
        memory_peak_source="kernel",
        received_bytes=0,
        sent_bytes=0,
        read_bytes=0,
        written_bytes=0,
        samples=1,
    )
