"""Which events files are in doubt, and which of those that crashes and retries leave are not."""

import json
from pathlib import Path
from typing import Any

import pytest

from seatrial.evidence.event_doubts import LiveView, event_doubts

CONTAINER = "ab" * 32
PROBE = "/seatrial/seatrial_probe.py"
INSERTED = {PROBE: "cd" * 32}
START = {"event": "start", "at": 1.0, "container": CONTAINER, "loaded": [[PROBE, "cd" * 32]]}
END = {"event": "end", "at": 9.0, "status": 0}


def running(test: str, at: float = 2.0) -> dict[str, Any]:
    return {"event": "running", "at": at, "id": test}


def result(test: str, outcome: str = "passed", at: float = 3.0, **more: Any) -> dict[str, Any]:
    seconds = {"setup": 0.1, "call": 0.1, "teardown": 0.1}
    return {
        "event": "test", "outcome": outcome, "at": at, "seconds": seconds, "id": test, **more
    }  # fmt: skip


def collected(count: int) -> dict[str, Any]:
    return {"event": "collected", "at": 1.5, "count": count}


def doubts(
    folder: Path, *events: dict[str, Any] | bytes, live: LiveView | None = None
) -> list[tuple[str, str]]:
    """Keys and places of the doubts about these events; bytes stand for themselves."""
    path = folder / "events.jsonl"
    lines = [e if isinstance(e, bytes) else json.dumps(e).encode() + b"\n" for e in events]
    path.write_bytes(b"".join(lines))
    found = event_doubts(path, live=live or LiveView(), container=CONTAINER, inserted=INSERTED)
    return [(doubt.key, doubt.where) for doubt in found]


HONEST: dict[str, tuple[dict[str, Any] | bytes, ...]] = {
    "a session": (START, collected(1), running("t"), result("t"), b"\0" * 99, END, b"\0" * 9),
    "two sessions, each with the test": (
        START, collected(1), running("t"), result("t"), END, b"\0" * 99,
        START, collected(1), running("t"), result("t"), END,
    ),
    "a session inside a test": (
        START, collected(1), running("t"), b"\0" * 9,
        START, collected(1), running("inner", 2.5), result("inner", at=2.6), END, b"\0" * 9,
        result("t"), END,
    ),
    "a kill in the middle of a line": (
        START, collected(2), running("t"), result("t"), b'{"event": "runn', b"\0" * 99,
        b'{"event": "stacks", "at": 5.0}\n', b'{"eve',
    ),
    "a worker of xdist that died": (
        START, collected(2), running("t"), running("u"), result("u", "failed", seconds={}),
        result("t"), result("t", "failed", seconds={}), END,
    ),
    "a hung test": (
        START, collected(1), running("t"), b"\0" * 99, result("t", "failed", seconds={}, hung=True),
    ),
    "a test that is run in a loop": (
        START, collected(1), running("t"), result("t", "failed"), running("t"), result("t"), END,
    ),
    "a file that cannot be imported": (
        START, {"event": "broken", "at": 1.2, "id": "f.py", "message": "no"}, END,
    ),
    "windows of two processes without zeros between": (
        START, collected(2), running("t" * (1 << 16), 50.0), running("u", 2.0), result("u"), END,
    ),
    "an id that is longer than any line that is read": (
        START, collected(1), b'{"event": "running", "id": "' + b"x" * (1 << 21) + b'"}\n', END,
    ),
}  # fmt: skip

FORGED: dict[str, tuple[tuple[dict[str, Any] | bytes, ...], str]] = {
    "a result of a test that never ran": ((START, collected(1), result("t"), END), "t"),
    "a second result": (
        (START, collected(2), running("t"), result("t", "failed"), result("t"), END), "t",
    ),
    "more tests than were collected": (
        (START, collected(1), running("t"), result("t"), running("u"), result("u"), END), "",
    ),
    "bytes that are no event": (
        (START, collected(1), b"# nothing to see\n", running("t"), result("t"), END), "",
    ),
    "spaces over a line": (
        (START, collected(1), b" " * 40 + b"\n", running("t"), result("t"), END), "",
    ),
    "a time that goes back": (
        (START, collected(1), running("t", 20.0), result("t", at=10.0), END), "t",
    ),
    "no time at all": (
        (START, collected(1), running("t"), {**result("t"), "at": None}, END), "t",
    ),
    "a session elsewhere": (
        ({**START, "container": "ef" * 32}, collected(1), running("t"), result("t"), END),
        "ef" * 32,
    ),
    "a session without the probe": (
        ({"event": "start", "at": 1.0, "container": CONTAINER}, END), "",
    ),
    "an end without a session": ((START, END, END), ""),
    "a test before any session": ((running("t"), START, collected(1), result("t"), END), "t"),
}  # fmt: skip


@pytest.mark.parametrize("name", HONEST)
def test_what_the_probe_leaves_is_not_in_doubt(tmp_path: Path, name: str) -> None:
    assert doubts(tmp_path, *HONEST[name]) == []


@pytest.mark.parametrize("name", FORGED)
def test_what_the_probe_cannot_have_written_is(tmp_path: Path, name: str) -> None:
    events, where = FORGED[name]

    assert doubts(tmp_path, *events) == [("events-forged", where)]


def test_another_probe_than_the_one_put_there_is_named(tmp_path: Path) -> None:
    elsewhere = {**START, "loaded": [["/app/seatrial_probe.py", "cd" * 32]]}
    changed = {**START, "loaded": [[PROBE, "00" * 32]]}

    assert doubts(tmp_path, elsewhere, END) == [("probe-changed", "/app/seatrial_probe.py")]
    assert doubts(tmp_path, changed, END) == [("probe-changed", PROBE)]


def test_what_the_guard_told_is_a_doubt(tmp_path: Path) -> None:
    changed = {"event": "changed", "id": "t", "from": "failed", "to": "passed"}
    patched = {"event": "patched", "what": "CallInfo.from_call", "file": "/app/conftest.py"}

    assert doubts(tmp_path, START, changed, patched, END) == [
        ("outcome-changed-by-hook", "t"),
        ("pytest-changed", "/app/conftest.py"),
    ]


def test_results_seen_live_must_be_there_at_the_end(tmp_path: Path) -> None:
    honest = (START, collected(2), running("a"), result("a"), running("b"), result("b"), END)
    size = len(b"".join(json.dumps(event).encode() + b"\n" for event in honest))

    assert doubts(tmp_path, *honest, live=LiveView(done=2, size=size)) == []
    assert doubts(tmp_path, *honest, live=LiveView(done=3)) == [("events-lost", "")]
    assert doubts(tmp_path, *honest, live=LiveView(failed={"a"})) == [("events-lost", "a")]
    assert doubts(tmp_path, *honest, live=LiveView(size=size + 1)) == [("events-lost", "")]


def test_a_result_that_was_being_written_when_the_process_was_killed_may_be_missing(
    tmp_path: Path,
) -> None:
    cut = (START, collected(2), running("a"), result("a"), running("b"))

    assert doubts(tmp_path, *cut, live=LiveView(done=2, failed={"b"})) == []
    assert doubts(tmp_path, *cut, live=LiveView(done=3)) == [("events-lost", "")]


def test_a_file_that_is_gone_although_it_was_seen_is_lost(tmp_path: Path) -> None:
    found = event_doubts(
        tmp_path / "none", live=LiveView(done=5, size=100), container=CONTAINER, inserted={}
    )

    assert [doubt.key for doubt in found] == ["events-lost", "events-lost"]
    nothing = event_doubts(tmp_path / "none", live=LiveView(), container=CONTAINER, inserted={})
    assert nothing == ()


def test_doubts_of_a_kind_are_not_told_without_end(tmp_path: Path) -> None:
    events = [result(f"t{number}") for number in range(500)]

    assert len(doubts(tmp_path, START, *events, END)) == 20


@pytest.mark.parametrize(("optimized", "count"), [(0, 0), (1, 1), (2, 1)])
def test_a_python_that_leaves_assert_statements_out_casts_a_doubt(
    tmp_path: Path, optimized: int, count: int
) -> None:
    found = doubts(tmp_path, START | {"optimized": optimized}, END)

    assert [key for key, _ in found] == ["asserts-off"] * count


@pytest.mark.parametrize(("lent", "found"), [("ef" * 32, []), ("01" * 32, ["ef" * 32])])
def test_a_container_may_know_itself_by_the_id_that_another_lent_it(
    tmp_path: Path, lent: str, found: list[str]
) -> None:
    path = tmp_path / "events.jsonl"
    path.write_text("\n".join(map(json.dumps, ({**START, "container": "ef" * 32}, END))) + "\n")

    told = event_doubts(
        path,
        live=LiveView(),
        container=CONTAINER,
        inserted=INSERTED,
        known_by={lent: CONTAINER},
    )

    assert [doubt.where for doubt in told] == found
