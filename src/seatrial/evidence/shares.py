"""What each worker saw and took of the tests, and the proof that nothing was missed or run twice.

Every line of the workers' reports is untrusted.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from seatrial.evidence.events import each_event
from seatrial.evidence.hostile import plain_text
from seatrial.evidence.split import SplitProof

__all__ = ["ShareReport", "prove_split", "read_share_report", "tests_with_results"]

_MAX_NAMES = 1_000_000
MAX_TOLD = 20
_COUNTED = frozenset({"passed", "failed", "error", "skipped", "xfailed", "xpassed"})


@dataclass(frozen=True)
class ShareReport:
    """What one worker told of its share; files and tests by pytest's ids."""

    taken: frozenset[str] = frozenset()
    """Files that it imported."""
    left: frozenset[str] = frozenset()
    """Files that it saw and left to the others."""
    shared: Mapping[str, tuple[frozenset[str], frozenset[str]]] = field(default_factory=dict)
    """By file that more than one worker imports: all tests in it, and its own."""
    xdist: Literal["taken over", "left", "not asked for"] = "not asked for"
    """What became of the command's wish for several processes."""


def read_share_report(path: Path) -> ShareReport:
    """Read a worker's report; what is not there was not told."""
    files: dict[bool, set[str]] = {True: set(), False: set()}
    shared: dict[str, tuple[set[str], set[str]]] = {}
    xdist: Literal["taken over", "left", "not asked for"] = "not asked for"
    left = _MAX_NAMES
    for event in each_event(path):
        raw = event.get("names")
        names = [plain_text(str(name)) for name in raw] if isinstance(raw, list) else []
        left -= len(names)
        if left < 0:
            break
        own = event.get("own") is True
        match event.get("event"):
            case "files":
                files[own].update(names)
            case "tests":
                both = shared.setdefault(str(event.get("file")), (set(), set()))
                both[int(own)].update(names)
            case "xdist":
                xdist = "taken over" if event.get("taken_over") is True else "left"
    return ShareReport(
        taken=frozenset(files[True]),
        left=frozenset(files[False]),
        shared={file: (frozenset(seen), frozenset(own)) for file, (seen, own) in shared.items()},
        xdist=xdist,
    )


def prove_split(
    reports: Sequence[ShareReport],
    collected: Sequence[int],
    results: Sequence[Iterable[str]],
) -> SplitProof:
    """Hold what the workers took and ran against what each of them saw.

    `collected` is how many tests each worker said it would run, `results` the ids of the tests
    that came to a result on it. Nothing was missed if all workers saw the same files, every file
    was taken by somebody, the tests of a shared file are all somebody's, and every worker has a
    result for each test that it collected.
    """
    seen = [report.taken | report.left for report in reports]
    faults = []
    everything = frozenset().union(*seen)
    for number, files in enumerate(seen, 1):
        if missing := everything - files:
            faults.append(f"worker {number} did not see {_some(missing)}, which others did")
    owners = Counter(file for report in reports for file in report.taken)
    if nobodys := everything - set(owners):
        faults.append(f"{_some(nobodys)}: no worker took it")
    for file in sorted(file for file, count in owners.items() if count > 1):
        faults += _shared_faults(file, reports)
    ran: Counter[str] = Counter()
    for number, (expected, ids) in enumerate(zip(collected, results, strict=True), 1):
        own = set(ids)
        ran.update(own)
        if len(own) < expected:
            faults.append(f"worker {number} collected {expected} tests and ran {len(own)}")
    twice = sorted(test for test, count in ran.items() if count > 1)
    if twice:
        faults.append(f"{_some(twice)}: run by more than one worker")
    return SplitProof(
        files=len(everything),
        shared_files=sum(count > 1 for count in owners.values()),
        tests=len(ran),
        faults=tuple(faults[:MAX_TOLD]),
    )


def _shared_faults(file: str, reports: Sequence[ShareReport]) -> Iterator[str]:
    """What is wrong with the way that a file's tests were shared."""
    nothing = frozenset[str](), frozenset[str]()
    parts = [report.shared.get(file, nothing) for report in reports if file in report.taken]
    if len({seen for seen, _ in parts}) > 1:
        yield f"{file} has other tests on one worker than on another"
    owned = frozenset[str]().union(*(own for _, own in parts))
    if missing := parts[0][0] - owned:
        yield f"{_some(missing)}: no worker took it"


def tests_with_results(path: Path) -> Iterator[str]:
    """Ids of the tests that came to a result, from a worker's file of results."""
    for event in each_event(path):
        if event.get("outcome") in _COUNTED and "::" in str(event.get("id")):
            yield str(event["id"])


def _some(names: Iterable[str]) -> str:
    listed = sorted(names)
    more = f" and {len(listed) - 1} more" if len(listed) > 1 else ""
    return f"{listed[0]}{more}"
