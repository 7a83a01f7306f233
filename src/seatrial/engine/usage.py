"""Samples what a container uses, once a second, for as long as it runs."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from seatrial.engine.api import Engine

__all__ = ["Sample", "read_sample", "sample_usage"]


@dataclass(frozen=True)
class Sample:
    """What a container has used since it started, at one moment."""

    cpu_seconds: float
    memory_bytes: int
    """In use now, page cache included."""
    memory_peak_bytes: int | None
    """The kernel's own high-water mark; None where neither the engine passes it on (cgroup v1) nor
    this machine's cgroup tree has it (v2)."""
    received_bytes: int
    sent_bytes: int
    read_bytes: int
    written_bytes: int


async def sample_usage(
    engine: Engine,
    container: str,
    on_sample: Callable[[float, Sample], None],
    *,
    peak: Callable[[], int | None] = lambda: None,
) -> None:
    """Call `on_sample` with the monotonic time and a sample about once a second.

    Ends with the container. `peak` is asked for the kernel's high-water mark where the engine does
    not tell it, with each sample: it is gone as soon as the container has ended. The engine samples
    by itself for as long as the stream is open, so this costs no request per sample.
    """
    async for raw in engine.stats(container):
        sample = read_sample(raw)
        if sample is None:
            return
        if sample.memory_peak_bytes is None:
            sample = replace(sample, memory_peak_bytes=peak())
        on_sample(time.monotonic(), sample)


def read_sample(raw: Mapping[str, Any]) -> Sample | None:
    """Read one message of the engine's statistics; None if the container has ended.

    An engine goes on sending messages without content for a container that is gone.
    """
    cpu = (raw.get("cpu_stats") or {}).get("cpu_usage") or {}
    memory = raw.get("memory_stats") or {}
    if not cpu.get("total_usage") or "usage" not in memory:
        return None
    networks = (raw.get("networks") or {}).values()
    blocks = (raw.get("blkio_stats") or {}).get("io_service_bytes_recursive") or ()
    return Sample(
        cpu_seconds=cpu["total_usage"] / 1e9,
        memory_bytes=memory["usage"],
        memory_peak_bytes=memory.get("max_usage"),
        received_bytes=sum(network.get("rx_bytes", 0) for network in networks),
        sent_bytes=sum(network.get("tx_bytes", 0) for network in networks),
        read_bytes=_sum(blocks, "read"),
        written_bytes=_sum(blocks, "write"),
    )


def _sum(blocks: Any, operation: str) -> int:
    # Engine 20.10 says `Read`, newer ones `read`.
    return sum(b.get("value", 0) for b in blocks if str(b.get("op", "")).lower() == operation)
