"""Keeps the samples of all containers in one file, and sums them up for each service."""

import asyncio
import csv
from collections.abc import Callable
from dataclasses import astuple, fields
from pathlib import Path

from seatrial.engine.api import Engine
from seatrial.engine.cgroup import find_peak_file, read_peak
from seatrial.engine.faults import engine_faults
from seatrial.engine.usage import Sample, sample_usage
from seatrial.errors import EnvironmentFault
from seatrial.evidence.record import Resources

__all__ = ["RESOURCES_FILE", "ResourceLog"]

RESOURCES_FILE = "resources.csv"


class ResourceLog:
    """Samples of a trial's containers; the first, the last and the peak of each are kept."""

    def __init__(
        self,
        engine: Engine,
        path: Path,
        since: Callable[[float], float],
        *,
        engine_is_local: bool,
        root: Path = Path("/"),
    ) -> None:
        """`root` is where /proc and /sys are; they are read only if the engine is local."""
        self._engine = engine
        self._local = engine_is_local
        self._root = root
        self._path = path
        self._since = since
        self._samples: dict[str, list[tuple[float, Sample]]] = {}
        self._peaks: dict[str, int] = {}
        self._counts: dict[str, int] = {}
        self._tasks: list[asyncio.Task[None]] = []

    def watch(self, service: str, container: str) -> None:
        """Sample a container until it ends."""
        self._tasks.append(asyncio.create_task(self._follow(service, container)))

    async def stop(self) -> None:
        """Sample no more."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def summary(self, service: str) -> Resources | None:
        """What a service used; None if it ended before it could be sampled."""
        samples = self._samples.get(service)
        if not samples:
            return None
        (began, first), (ended, last) = samples[0], samples[-1]
        seconds = ended - began
        return Resources(
            cpu_seconds=last.cpu_seconds,
            cpu_mean=(last.cpu_seconds - first.cpu_seconds) / seconds if seconds > 0 else None,
            memory_peak_bytes=self._peaks[service],
            memory_peak_source="samples" if last.memory_peak_bytes is None else "kernel",
            received_bytes=last.received_bytes,
            sent_bytes=last.sent_bytes,
            read_bytes=last.read_bytes,
            written_bytes=last.written_bytes,
            samples=self._counts[service],
        )

    async def _follow(self, service: str, container: str) -> None:
        def keep(at: float, sample: Sample) -> None:
            kept = self._samples.get(service, [])
            if kept and sample.cpu_seconds < kept[-1][1].cpu_seconds:
                kept = []  # started again: the engine counts from nothing
            self._samples[service] = [*kept[:1], (at, sample)]
            peak = sample.memory_peak_bytes or sample.memory_bytes
            self._peaks[service] = max(self._peaks.get(service, 0), peak)
            self._counts[service] = self._counts.get(service, 0) + 1
            self._write(service, at, sample)

        try:
            with engine_faults(f"service {service}"):
                peak = await self._peak_file(container)
                await sample_usage(
                    self._engine, container, keep, peak=lambda: read_peak(peak) if peak else None
                )
        except EnvironmentFault:
            return  # the container went away between two samples

    async def _peak_file(self, container: str) -> Path | None:
        info = await self._engine.info() if self._local else {}
        if str(info.get("CgroupVersion")) != "2":
            return None
        state = (await self._engine.inspect(container)).get("State") or {}
        return find_peak_file(info, container, int(state.get("Pid") or 0), root=self._root)

    def _write(self, service: str, at: float, sample: Sample) -> None:
        fresh = not self._path.exists()
        with self._path.open("a", encoding="utf-8", newline="") as file:
            rows = csv.writer(file, lineterminator="\n")
            if fresh:
                rows.writerow(["seconds", "service", *(field.name for field in fields(Sample))])
            rows.writerow([f"{self._since(at):.3f}", service, *astuple(sample)])
