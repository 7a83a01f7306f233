import pytest

from seatrial.evidence.split import Split, SplitProof, WorkerRecord
from seatrial.report.split import print_split
from unit.report.screen import Screen

WORKERS = (
    WorkerRecord(number=1, folder="workers/1", tests=3, seconds=2.5, expected_seconds=2.0),
    WorkerRecord(number=2, folder="workers/2", tests=1),
)


def shown(**values: object) -> list[str]:
    screen = Screen()
    defaults = {"weighed_by": "durations", "xdist": "not asked for", "reason": ""}
    print_split(screen.out, Split.model_validate({"workers": WORKERS, **defaults, **values}))
    return screen.lines


def test_each_worker_has_a_line_and_the_proof_another() -> None:
    assert shown(proof=SplitProof(files=2, shared_files=0, tests=4)) == [
        "  worker 1: 3 tests in 2.5 s (2.0 s expected)",
        "  worker 2: 1 test",
        "split: shares by measured durations",
        "  each of 4 tests in 2 files ran once",
    ]


def test_what_disproves_the_split_is_shown() -> None:
    proof = SplitProof(files=2, shared_files=0, tests=4, faults=("a.py: no worker took it",))

    assert shown(proof=proof)[-1] == "  a.py: no worker took it"


def test_a_split_that_is_not_proven_says_so() -> None:
    assert "not proven" in shown()[-1]


@pytest.mark.parametrize(
    ("xdist", "words"), [("taken over", "switched off"), ("left", "as the command asks")]
)
def test_what_became_of_xdist_is_told(xdist: str, words: str) -> None:
    assert words in shown(xdist=xdist)[2]
