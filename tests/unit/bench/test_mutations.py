"""What is made of the faults that were tried."""

from collections.abc import Collection
from dataclasses import dataclass, replace
from pathlib import Path

from bench.mutants import Mutant
from bench.mutations import Fault, Options, Tried, fingerprint, summary, table, try_fault
from bench.stand import Outcome, Stand, read_outcome

from seatrial.selection.affected import Affected

TRIED = Tried(
    key="state:src/a.py:1",
    selection="digest",
    file="src/a.py",
    what="line 1: returns nothing",
    everything="",
    tests=10,
    selected=4,
    left_out_run=6,
    failed=None,
    missed=(),
    seconds=1.0,
)
MISSED = replace(TRIED, missed=("tests/test_a.py::test_a",))


def test_failed_tests_are_read_with_their_names_whole() -> None:
    said = """
FAILED tests/unit/test_a.py::test_a[two words] - AssertionError: assert 1 == 2 - 3
ERROR tests/unit/test_b.py - ModuleNotFoundError: No module named 'b'
FAILED tests/unit/test_c.py::test_c
3 failed, 12 passed in 1.2s
"""
    outcome = read_outcome(1, said)

    assert outcome.failed == {
        "tests/unit/test_a.py::test_a[two words]",
        "tests/unit/test_b.py",
        "tests/unit/test_c.py::test_c",
    }
    assert (outcome.passed, outcome.broken) == (12, "")


def test_a_file_that_cannot_be_imported_breaks_all_of_its_tests() -> None:
    outcome = Outcome(frozenset({"tests/b.py", "tests/c.py::test_1"}), 3, "")

    tests = ["tests/b.py::test_1", "tests/b.py::test_2", "tests/c.py::test_1", "tests/c.py::test_2"]
    assert outcome.breaks(tests) == {*tests[:3]}


def test_a_run_that_did_not_come_to_its_end_breaks_all_tests() -> None:
    for code in (1, 2, 3, 4, 124, 137):
        outcome = read_outcome(code, "")
        assert outcome.broken == f"the run ended with exit code {code}"
        assert outcome.breaks(["a", "b"]) == {"a", "b"}
    for code in (0, 5):
        assert read_outcome(code, "").breaks(["a"]) == frozenset()


def test_a_result_counts_for_the_options_that_it_was_made_with() -> None:
    usual = fingerprint(Options())

    assert fingerprint(Options(count=3, seed=4, stands=5, cpu_shares=6, minutes=7)) == usual
    assert (
        len({usual, fingerprint(Options(full=True)), fingerprint(Options(without_slow=True))}) == 3
    )


def test_the_summary_names_what_was_missed_and_how_many_were_tried() -> None:
    told = summary([TRIED, MISSED, replace(TRIED, file="data/a.csv", selected=10)], 200)

    assert "3 of 200 faults were tried, 1 of them in data" in told
    assert "2 of 3 break no test that is left out" in told
    assert "2 leave tests out; on average 60% of the tests run" in told
    assert "MISSED src/a.py, line 1: returns nothing: tests/test_a.py::test_a" in told


def test_the_table_counts_faults_that_were_not_tried_as_missed() -> None:
    whole, _ = table([TRIED, TRIED], 2)
    short, _ = table([TRIED], 2)
    wrong, share = table([TRIED, MISSED], 2)

    assert (whole.value, whole.met) == (0, True)
    assert (short.value, short.met) == (1, False)
    assert (wrong.value, wrong.met) == (1, False)
    assert (share.value, share.met) == (0.4, True)


@dataclass(frozen=True)
class Failing(Stand):
    """A stand on which some tests fail with the fault."""

    failing: frozenset[str] = frozenset()

    def run(self, tests: Collection[str] | None, *_: str) -> Outcome:
        named = frozenset(tests or ())
        faulty = (self.project / "a.py").read_text() == "fault"
        failed = named & self.failing if faulty else frozenset[str]()
        return Outcome(failed, len(named - failed), "")


def test_of_what_another_selection_leaves_out_only_those_are_run_that_did_not_pass_before(
    tmp_path: Path,
) -> None:
    (tmp_path / "a.py").write_text("whole")
    fault = Fault("key", "now", Mutant("a.py", "a fault", b"fault"), frozenset({"1", "2"}))
    stand = Failing(tmp_path, tmp_path, "", failing=frozenset({"1", "5"}))

    def tried(*left_out: str) -> Tried:
        selection = Affected(False, "", left_out=frozenset(left_out))
        return try_fault(stand, lambda: selection, 9, fault, Options())

    fewer, more, wrong = tried("1"), tried("1", "3", "4"), tried("3", "5")

    # The first fails now: it was not run again.
    assert (fewer.left_out_run, fewer.missed, fewer.passed) == (1, (), ("1", "2"))
    assert (more.left_out_run, more.missed, more.passed) == (3, (), ("1", "2", "3", "4"))
    assert (wrong.left_out_run, wrong.missed, wrong.passed) == (2, ("5",), ("1", "2"))
    assert (tmp_path / "a.py").read_text() == "whole"
