import asyncio
import io
import json
import tarfile
from collections.abc import AsyncIterator
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, cast

import pytest
from aiodocker.exceptions import DockerError
from hypothesis import given
from hypothesis import strategies as st

from seatrial.evidence.event_doubts import LiveView
from seatrial.trial.live import MAX_FAILURES, MAX_NAME, PAUSE_S, follow_tests, read_progress
from seatrial.trial.observer import SilentObserver, TestsProgress
from unit.engine.fake_engine import FakeEngine

if TYPE_CHECKING:
    from seatrial.trial.rig import Rig

TOLD: dict[str, Any] = {
    "total": 3,
    "done": 2,
    "failed": 1,
    "running": "a.py::c",
    "failures": [["a.py::b", "AssertionError: no"]],
    "ended": False,
}


def written(**values: Any) -> bytes:
    return json.dumps(TOLD | values).encode()


class Writing(FakeEngine):
    """A container whose progress is one content after the other; an error stands for an engine
    that does not answer. After the last one it is never asked again."""

    def __init__(self, *contents: bytes | Exception, sizes: tuple[int | None, ...] = ()) -> None:
        super().__init__()
        self._contents = iter(contents)
        self._sizes = iter(sizes)
        self.over = asyncio.Event()

    async def get_archive(self, container: str, path: str) -> AsyncIterator[bytes]:
        content = next(self._contents, None)
        if content is None:
            self.over.set()
            await asyncio.Event().wait()
        if isinstance(content, Exception):
            raise content
        file = io.BytesIO()
        with tarfile.open(fileobj=file, mode="w") as archive:
            entry = tarfile.TarInfo("progress.json")
            entry.size = len(content or b"")
            archive.addfile(entry, io.BytesIO(content or b""))
        yield file.getvalue()

    async def size_of(self, container: str, path: str) -> int | None:
        return next(self._sizes, None)


class Shown(SilentObserver):
    progress_every_s = PAUSE_S

    def __init__(self) -> None:
        self.told: list[TestsProgress] = []

    def tests_changed(self, progress: TestsProgress) -> None:
        self.told.append(progress)


async def follow(
    engine: Writing, live: LiveView, *, every_s: float = PAUSE_S
) -> list[TestsProgress]:
    """All that the observer is told until the engine has nothing new any more."""
    shown = Shown()
    shown.progress_every_s = every_s
    rig = SimpleNamespace(
        engine=engine,
        observer=shown,
        division=SimpleNamespace(expected=(9.0, 5.0)),
        share=SimpleNamespace(worker=1),
    )
    following = asyncio.create_task(follow_tests(cast("Rig", rig), live, "c1", pause_s=0))
    await engine.over.wait()
    following.cancel()
    return shown.told


async def test_what_changes_is_told_once_with_what_this_worker_took_before() -> None:
    engine = Writing(written(done=1), written(done=1), written(done=2))

    told = await follow(engine, LiveView())

    assert [(one.done, one.total, one.expected_s) for one in told] == [(1, 3, 5.0), (2, 3, 5.0)]
    assert told[0].running == "a.py::c"
    assert told[0].failures == (("a.py::b", "AssertionError: no"),)


async def test_who_asks_seldom_is_told_seldom_and_the_size_is_looked_at_all_the_same() -> None:
    live = LiveView()
    engine = Writing(written(done=1), sizes=(100, 200, 300, 400, 500))

    told = await follow(engine, live, every_s=2.2 * PAUSE_S)

    assert [one.done for one in told] == [1]
    assert live.size == 300


async def test_an_engine_that_fails_and_a_file_that_is_odd_are_passed_over() -> None:
    engine = Writing(
        written(done=1), DockerError(500, "busy"), DockerError(404, "none"), b"{", written()
    )

    assert [one.done for one in await follow(engine, LiveView())] == [1, 2]


async def test_the_most_that_was_seen_is_kept_whatever_the_file_says_later() -> None:
    live = LiveView()
    less = written(done=0, failed=0, failures=[])

    await follow(Writing(written(), less, sizes=(700, 100)), live)

    assert (live.done, live.failed, live.size) == (2, {"a.py::b"}, 700)


async def test_failures_without_end_cost_no_memory_without_end() -> None:
    live = LiveView()
    contents = [
        written(done=turn, failures=[[f"{turn}::{n}", ""] for n in range(MAX_FAILURES)])
        for turn in range(20)
    ]

    await follow(Writing(*contents), live)

    assert 1000 <= len(live.failed) < 1000 + MAX_FAILURES


@pytest.mark.parametrize(
    "raw",
    [
        None,
        b"",
        b"\0" * 100,
        b"\xff\xfe",
        b"[" * 100_000,
        b"[]",
        b"null",
        b"7",
        b'"text"',
        written(done="many"),
        written(done=-1),
        written(total=1e300),
        written().replace(b'"done": 2', b'"done": 1e999'),
        written().replace(b'"done": 2', b'"done": NaN'),
        written().replace(b'"done": 2', b'"done": ' + b"9" * 10_000),
        written(failed=1 << 80),
        written(failed=None),
        written(failures=None),
        written(failures=7),
        written(failures={"a": "b"}),
        written(failures=[["a"]]),
        written(failures=[["a", "b", "c"]]),
        written(failures=[7]),
        json.dumps({"done": 1}).encode(),
    ],
)
def test_what_the_probe_does_not_write_is_no_progress(raw: bytes | None) -> None:
    assert read_progress(raw) is None


def test_names_are_made_safe_to_show_on_one_line() -> None:
    odd = "\x1b[2Ja\r\nb\u202e\ud800 \x1b]0;title\x07c"

    progress = read_progress(written(running=odd, failures=[[odd, odd], [["x"], None]]))

    assert progress is not None
    assert progress.running == "a b c"
    assert progress.failures == (("a b c", "a b c"), ("['x']", "None"))


def test_names_and_failures_are_bounded() -> None:
    failures = [["n" * 5000, "m" * 5000]] * 300

    progress = read_progress(written(running="r" * 5000, failures=failures))

    assert progress is not None
    assert len(progress.running) == MAX_NAME
    assert len(progress.failures) == MAX_FAILURES
    assert {len(text) for failure in progress.failures for text in failure} == {MAX_NAME}


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=5,
)


@given(st.dictionaries(st.sampled_from(sorted(TOLD)), JSON) | st.binary())
def test_any_content_is_read_or_refused(content: dict[str, Any] | bytes) -> None:
    raw = content if isinstance(content, bytes) else written(**content)

    progress = read_progress(raw)

    assert progress is None or progress.done >= 0
