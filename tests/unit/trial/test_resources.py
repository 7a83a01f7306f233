"""How samples of containers become what a service used."""

import asyncio
import csv
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest

from seatrial.trial.resources import ResourceLog
from unit.engine.fake_engine import FakeEngine

ID = "c" * 64


class Sampled(FakeEngine):
    """An engine that sends these statistics and ends; `meanwhile` is called before each."""

    def __init__(
        self, *messages: dict[str, Any], cgroup: str = "1", meanwhile: Callable[[int], None]
    ) -> None:
        super().__init__()
        self.inspected["State"] = {"Pid": 7}
        self._messages = messages
        self._cgroup = cgroup
        self._meanwhile = meanwhile
        self.done = asyncio.Event()

    async def info(self) -> dict[str, Any]:
        return {"CgroupVersion": self._cgroup}

    async def stats(self, container: str) -> AsyncIterator[dict[str, Any]]:
        try:
            for number, message in enumerate(self._messages):
                self._meanwhile(number)
                yield message
        finally:
            self.done.set()


def message(cpu: float, memory: int, peak: int | None = None) -> dict[str, Any]:
    found = {"usage": memory} | ({} if peak is None else {"max_usage": peak})
    return {
        "cpu_stats": {"cpu_usage": {"total_usage": int(cpu * 1e9)}},
        "memory_stats": found,
        "networks": {"eth0": {"rx_bytes": memory, "tx_bytes": 1}},
    }


def kernel_says(file: Path, peak: int) -> None:
    file.write_text(f"{peak}\n")


async def log(
    tmp_path: Path,
    *messages: dict[str, Any],
    cgroup: str = "1",
    local: bool = True,
    meanwhile: Callable[[int], None] = lambda _: None,
) -> ResourceLog:
    engine = Sampled(*messages, cgroup=cgroup, meanwhile=meanwhile)
    kept = ResourceLog(
        engine, tmp_path / "resources.csv", lambda at: at, engine_is_local=local, root=tmp_path
    )
    kept.watch("db", ID)
    async with asyncio.timeout(10):
        await engine.done.wait()
    await kept.stop()
    return kept


async def test_a_service_used_what_its_last_sample_says(tmp_path: Path) -> None:
    used = (await log(tmp_path, message(1, 10, 30), message(3, 20, 40), {})).summary("db")

    assert used is not None
    assert (used.cpu_seconds, used.samples, used.received_bytes) == (3, 2, 20)
    assert (used.memory_peak_bytes, used.memory_peak_source) == (40, "kernel")
    assert used.cpu_mean is not None
    with (tmp_path / "resources.csv").open() as file:
        assert [row["memory_bytes"] for row in csv.DictReader(file)] == ["10", "20"]


async def test_one_that_was_started_again_is_counted_from_there_but_for_its_peak(
    tmp_path: Path,
) -> None:
    used = (await log(tmp_path, message(5, 90, 90), message(1, 10, 20))).summary("db")

    assert used is not None
    assert (used.cpu_seconds, used.cpu_mean, used.memory_peak_bytes) == (1, None, 90)


async def test_of_one_that_ended_at_once_nothing_is_known(tmp_path: Path) -> None:
    kept = await log(tmp_path, {})

    assert kept.summary("db") is None
    assert not (tmp_path / "resources.csv").exists()


@pytest.mark.parametrize(
    ("local", "cgroup", "peak", "source"),
    [(True, "2", 700, "kernel"), (False, "2", 20, "samples"), (True, "1", 20, "samples")],
)
async def test_the_kernels_mark_is_read_with_each_sample_where_the_engine_is_here(
    tmp_path: Path, local: bool, cgroup: str, peak: int, source: str
) -> None:
    file = tmp_path / "sys/fs/cgroup/docker" / ID / "memory.peak"
    file.parent.mkdir(parents=True)
    file.touch()

    kept = await log(
        tmp_path,
        message(1, 20),
        message(2, 10),
        cgroup=cgroup,
        local=local,
        meanwhile=lambda number: kernel_says(file, 600 + 100 * number),
    )

    used = kept.summary("db")
    assert used is not None
    assert (used.memory_peak_bytes, used.memory_peak_source) == (peak, source)
