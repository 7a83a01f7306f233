"""What an image's history tells: the commands and variables of every layer."""

import asyncio
from collections.abc import Mapping
from pathlib import Path

from seatrial.audit.sources import MAX_BYTES, Source
from seatrial.evidence.record import Record
from seatrial.stack.process import run_process

__all__ = ["HISTORY", "read_history"]

HISTORY = "history of the test image"
_TIME_LIMIT_S = 20.0


async def read_history(record: Record, environ: Mapping[str, str], project: Path) -> Source | str:
    """The history of the test image that a trial built; in words why there is none."""
    images = record.build.images if record.build else ()
    image = next((i.id for i in images if record.test_service in i.services), None)
    if image is None:
        return "the trial built no test image"
    command = ["docker", "history", "--no-trunc", "--format", "{{.CreatedBy}}", image]
    try:
        async with asyncio.timeout(_TIME_LIMIT_S):
            done = await run_process(command, cwd=project, environ=environ)
    except (OSError, TimeoutError):
        return "the engine cannot be asked"
    if done.code != 0:
        return "the engine has the image no more"
    return Source(HISTORY, done.stdout[:MAX_BYTES])
