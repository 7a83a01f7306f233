"""Follows the tests while they run, by the small file in which the probe keeps its progress."""

import asyncio
import itertools
import json
from dataclasses import replace
from typing import Any

from seatrial.engine.archive import read_small_file
from seatrial.engine.faults import engine_faults
from seatrial.errors import EnvironmentFault
from seatrial.evidence.event_doubts import LiveView
from seatrial.evidence.events import EVENTS_FILE
from seatrial.evidence.hostile import plain_text
from seatrial.stack.instrument import PROBE_OUTPUT
from seatrial.trial.observer import TestsProgress
from seatrial.trial.rig import Rig

__all__ = ["follow_tests", "read_progress"]

PAUSE_S = 2.0
"""Between two looks at how much the probe has written. How far the tests are is looked at no more
often than somebody wants to know: for that the engine starts a process, on the cores that the tests
run on, and mounts all of the container's file systems."""
MAX_NAME = 2000
"""Characters, as many as are compared with the events; what is shown is cut to its line anyway."""
MAX_FAILURES = 200
_MAX_FAILED = 1000
_MAX_BYTES = 1 << 19
"""200 failures with a node id and 500 characters each, and room for odd names."""


async def follow_tests(
    rig: Rig, live: LiveView, container: str, *, pause_s: float = PAUSE_S
) -> None:
    """Tell the observer how far the tests are, as often as it asks for, until cancelled.

    What was seen is kept in `live`: what the probe's file says at the end must not be less.

    Archives work with every engine and image, so this does too; a mounted folder or a command
    run beside the tests would not.
    """
    seen: TestsProgress | None = None
    every = max(1, round(rig.observer.progress_every_s / PAUSE_S))
    for turn in itertools.count(1):
        await asyncio.sleep(pause_s)
        raw = None
        try:
            with engine_faults("progress"):
                if turn % every == 0:
                    raw = await read_small_file(
                        rig.engine, container, f"{PROBE_OUTPUT}/progress.json", max_bytes=_MAX_BYTES
                    )
                size = await rig.engine.size_of(container, f"{PROBE_OUTPUT}/{EVENTS_FILE}")
        except EnvironmentFault:
            continue  # display only: whoever needs the engine finds out by himself
        live.size = max(live.size, size or 0)
        progress = read_progress(raw)
        if progress and progress != seen:
            expected = rig.division.expected[rig.share.worker]
            rig.observer.tests_changed(replace(progress, expected_s=expected))
            seen = progress
            live.done = max(live.done, progress.done)
            if len(live.failed) < _MAX_FAILED:
                live.failed.update(test for test, _ in progress.failures)


def read_progress(raw: bytes | None) -> TestsProgress | None:
    """Read the file's content; None if it is not what the probe writes."""
    try:
        values = json.loads(raw or b"")
        failures = tuple(
            (_line(test), _line(message)) for test, message in values["failures"][:MAX_FAILURES]
        )
        return TestsProgress(
            done=_count(values["done"]),
            total=_count(values["total"]),
            failed=_count(values["failed"]),
            running=_line(values["running"]),
            failures=failures,
        )
    except (ValueError, KeyError, TypeError, RecursionError):
        return None


def _count(value: Any) -> int:
    """A number of tests.

    Raises:
        ValueError: it is none.
    """
    if not isinstance(value, int) or not 0 <= value < 1 << 31:
        raise ValueError("no number of tests")
    return value


def _line(value: Any) -> str:
    return " ".join(plain_text(str(value)).replace("\n", " ")[:MAX_NAME].split())
