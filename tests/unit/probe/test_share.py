"""A worker runs its share of the tests and leaves the rest alone; together they run all of it."""

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from textwrap import dedent
from typing import Any

import pytest

from seatrial.evidence.shares import ShareReport, prove_split, read_share_report
from seatrial.selection.assignment import Assignment
from seatrial.selection.share import Share

from .conftest import Run, RunPytest

FILES = {
    "test_it": "def test_a(): pass\ndef test_b(): pass\ndef test_c(): pass",
    "test_one": "def test_one(): pass",
    "test_two": "def test_two(): pass",
}

OTHERS = {"test_one.py": 0, "test_two.py": 1}

RunShare = Callable[..., Run]


@pytest.fixture
def run_share(run: RunPytest, tmp_path: Path) -> RunShare:
    def call(share: Share, *arguments: str, **files: str) -> Run:
        told = tmp_path / "share.json"
        told.write_bytes(share.to_json() or b"{}")
        for old in (tmp_path / "out").glob("*.jsonl"):
            old.unlink()
        options = "-p no:randomly -p seatrial_probe -p seatrial_share"
        environ = {"SEATRIAL_SHARE": str(told), "PYTEST_ADDOPTS": options}
        return run(*arguments, environ=environ, **(files or FILES))

    return call


def names(done: Run) -> list[str]:
    return [event["id"] for event in done.events if event["event"] == "test"]


def report(done: Run) -> ShareReport:
    return read_share_report(done.folder / "out" / "share.jsonl")


def split(workers: int, **values: Any) -> list[Share]:
    assignment = Assignment(workers=workers, **values)
    return [Share(worker=number, assignment=assignment) for number in range(workers)]


def run_all(run_share: RunShare, *shares: Share) -> dict[int, tuple[ShareReport, list[str]]]:
    done = {}
    for number, share in enumerate(shares):
        one = run_share(share)
        done[number] = report(one), names(one)
    return done


def proven(done: Mapping[int, tuple[ShareReport, list[str]]]) -> list[str]:
    reports = [told for told, _ in done.values()]
    ran = [ids for _, ids in done.values()]
    return list(prove_split(reports, [len(ids) for ids in ran], ran).faults)


@pytest.mark.parametrize(
    "values",
    [
        {},
        {"files": {"test_one.py": 0, "test_two.py": 0, "test_it.py": 1}},
        {"tests": {"test_it.py::test_a": 0, "test_it.py::test_b": 1, "test_it.py::test_c": 1}},
        {"files": {"gone.py": 1}, "tests": {"test_it.py::test_gone": 1, "test_it.py::test_a": 1}},
    ],
    ids=["unknown", "by file", "by test", "out of date"],
)
@pytest.mark.parametrize("arguments", [(), ("test_it.py::test_a", "test_one.py"), ("-k", "b or w")])
def test_workers_together_run_every_test_once_and_can_prove_it(
    run: RunPytest, run_share: RunShare, values: Any, arguments: tuple[str, ...]
) -> None:
    expected = names(run(*arguments, **FILES))
    done = {}
    for number, share in enumerate(split(2, **values)):
        one = run_share(share, *arguments)
        assert one.code in {0, 5}, one.output
        done[number] = report(one), names(one)

    assert sorted(done[0][1] + done[1][1]) == sorted(expected)
    assert proven(done) == []


def test_a_file_of_another_worker_is_not_even_imported(run_share: RunShare) -> None:
    files = {**FILES, "test_two": "raise RuntimeError('imported')"}
    assigned = {"test_it.py": 0, "test_one.py": 0, "test_two.py": 1}

    done = run_share(Share(assignment=Assignment(2, assigned)), **files)

    assert done.code == 0
    assert len(names(done)) == 4
    assert report(done).left == {"test_two.py"}


def test_workers_begin_in_different_places_and_come_round_to_the_rest(run_share: RunShare) -> None:
    files = {f"test_{name}": "def test_1(): pass\ndef test_2(): pass" for name in "abcd"}
    mine = {f"test_{name}.py": 1 for name in "abcd"}

    first, second = (
        [name[5] + name[-1] for name in names(run_share(share, **files))]
        for share in (split(2, files=dict.fromkeys(mine, 0))[0], split(2, files=mine)[1])
    )

    assert second == ["c1", "c2", "d1", "d2", "a1", "a2", "b1", "b2"]
    assert first == sorted(first)


def test_a_test_that_nobody_took_is_found_out(run_share: RunShare) -> None:
    done = run_all(
        run_share,
        Share(worker=0, assignment=Assignment(2, {**OTHERS, "test_it.py": 1})),
        Share(worker=1, assignment=Assignment(2, {**OTHERS, "test_it.py": 0})),
    )

    assert proven(done) == ["test_it.py: no worker took it"]


def test_a_test_that_two_ran_is_found_out(run_share: RunShare) -> None:
    done = run_all(
        run_share,
        Share(worker=0, assignment=Assignment(2, {**OTHERS, "test_it.py": 0})),
        Share(worker=1, assignment=Assignment(2, {**OTHERS, "test_it.py": 1})),
    )

    assert proven(done) == ["test_it.py::test_a and 2 more: run by more than one worker"]


def test_a_test_that_was_collected_and_has_no_result_is_found_out() -> None:
    reports = [ShareReport(taken=frozenset({"a.py"})), ShareReport(left=frozenset({"a.py"}))]

    proof = prove_split(reports, [2, 0], [["a.py::test_a"], []])

    assert proof.faults == ("worker 1 collected 2 tests and ran 1",)


def test_a_worker_that_saw_other_files_is_found_out() -> None:
    reports = [ShareReport(taken=frozenset({"a.py"})), ShareReport(taken=frozenset({"b.py"}))]

    proof = prove_split(reports, [0, 0], [[], []])

    assert proof.faults == (
        "worker 1 did not see b.py, which others did",
        "worker 2 did not see a.py, which others did",
    )


def test_only_the_tests_that_are_named_are_run_and_other_files_are_not_imported(
    run_share: RunShare,
) -> None:
    files = {**FILES, "test_two": "raise RuntimeError('imported')"}

    done = run_share(Share(tests=("test_it.py::test_b", "test_one.py")), **files)

    assert names(done) == ["test_it.py::test_b", "test_one.py::test_one"]


def test_a_test_that_nobody_has_seen_runs_beside_those_that_are_wanted(
    run_share: RunShare,
) -> None:
    share = Share(tests=("test_it.py::test_b",), left_out=("test_it.py::test_a",))

    done = run_share(share)

    assert names(done) == ["test_it.py::test_b", "test_it.py::test_c"]


def test_tests_that_are_wanted_first_run_before_all_others(run_share: RunShare) -> None:
    done = run_share(Share(first=("test_two.py::test_two", "test_it.py::test_c", "test_one.py::x")))

    assert names(done) == [
        "test_two.py::test_two",
        "test_it.py::test_c",
        "test_it.py::test_a",
        "test_it.py::test_b",
        "test_one.py::test_one",
    ]


SHARING = {
    "module": """
        @pytest.fixture(scope="module")
        def shared(): print("set up")
        def test_a(shared): pass
        def test_b(shared): pass
    """,
    "class": """
        class Test:
            @pytest.fixture(scope="class", autouse=True)
            def shared(self): print("set up")
            def test_a(self): pass
            def test_b(self): pass
    """,
    "setup_module": """
        def setup_module(): print("set up")
        def test_a(): pass
        def test_b(): pass
    """,
    "unittest": """
        class Test(unittest.TestCase):
            @classmethod
            def setUpClass(cls): print("set up")
            def test_a(self): pass
            def test_b(self): pass
    """,
    "parameters": """
        @pytest.fixture(scope="session", params=[1])
        def shared(request): print("set up")
        def test_a(shared): pass
        def test_b(shared): pass
    """,
}


@pytest.mark.parametrize("kind", SHARING)
def test_a_test_that_shares_a_fixture_brings_its_file_with_it_and_nothing_is_set_up_twice(
    run_share: RunShare, kind: str
) -> None:
    sharing = "import pytest, unittest\n" + dedent(SHARING[kind])
    single = "def test_x(): pass\ndef test_y(): pass"
    alone = names(run_share(Share(), test_n=sharing))
    failed = next(name for name in alone if "test_b" in name)

    share = Share(first=(failed, "test_s.py::test_y"))
    done = run_share(share, "-s", test_a=single, test_n=sharing, test_s=single)

    order = [name.partition("::")[0] + ":" + name.rpartition("test_")[2][0] for name in names(done)]
    assert order[:3] == ["test_s.py:y", "test_n.py:b", "test_n.py:a"]
    assert order[3:] == ["test_a.py:x", "test_a.py:y", "test_s.py:x"]
    assert done.output.count("set up") == 1


def test_a_fixture_of_the_session_or_of_the_test_keeps_no_test_back(run_share: RunShare) -> None:
    text = """
        import pytest
        @pytest.fixture(scope="session")
        def wide(): pass
        @pytest.fixture(params=[1, 2])
        def narrow(request): pass
        def test_a(wide): pass
        def test_b(wide, narrow): pass
    """
    share = Share(first=("test_s.py::test_s", "test_n.py::test_b[2]"))

    done = run_share(share, test_n=dedent(text), test_s="def test_s(): pass")

    assert names(done) == [
        "test_s.py::test_s",
        "test_n.py::test_b[2]",
        "test_n.py::test_a",
        "test_n.py::test_b[1]",
    ]


def test_fail_fast_ends_the_run_at_the_first_failure(run_share: RunShare) -> None:
    done = run_share(Share(fail_fast=True), test_it="def test_a(): assert 0\ndef test_b(): pass")

    assert names(done) == ["test_it.py::test_a"]


def test_a_report_that_is_no_report_tells_nothing(tmp_path: Path) -> None:
    path = tmp_path / "share.jsonl"
    lines = ["[]", "{", json.dumps({"event": "files", "names": "x"}), json.dumps({"event": 1})]
    path.write_text("\n".join(lines), encoding="utf-8")

    assert read_share_report(path) == ShareReport()
    assert read_share_report(tmp_path / "none") == ShareReport()
