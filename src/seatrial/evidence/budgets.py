"""What a trial measured of that for which there can be a budget, and how it is told."""

from collections.abc import Mapping, Sequence
from typing import Literal

from seatrial.evidence.record import Phase, PhaseName, ServiceRecord
from seatrial.words import duration

__all__ = ["BudgetUnit", "cpu_share", "in_words", "measured", "memory_peaks", "unit_of"]

BudgetUnit = Literal["s", "bytes", "share"]

_UNITS: Mapping[str, BudgetUnit] = {"memory": "bytes", "cpu": "share"}
"""By metric; every other one is a time in seconds."""
_GIB, _MIB = 1 << 30, 1 << 20


def unit_of(metric: str) -> BudgetUnit:
    """The unit of a budget."""
    return _UNITS.get(metric, "s")


def in_words(metric: str, value: float) -> str:
    """A measured value or a limit: `1 min 05 s`, `1.50 GiB`, `83 %`."""
    match unit_of(metric):
        case "bytes":
            return f"{value / _GIB:.2f} GiB" if value >= _GIB else f"{value / _MIB:.1f} MiB"
        case "share":
            return f"{100 * value:.3g} %"
        case "s":
            return duration(value)


def measured(
    phases: Sequence[Phase], services: Sequence[ServiceRecord], cores: int, total_s: float
) -> dict[str, float]:
    """By the metrics' names, in their units; what was not measured is not in it."""
    found = {
        **{phase.name.value: phase.seconds for phase in phases if phase.completed},
        "total": total_s,
        "memory": memory_peaks(services),
        "cpu": cpu_share(services, phases, cores),
    }
    return {name: value for name, value in found.items() if value is not None}


def memory_peaks(services: Sequence[ServiceRecord]) -> float | None:
    """The services' peaks in bytes, added up; None if a test container was not sampled.

    It is an upper bound: the services need not have had their peaks at one time.
    """
    if not _tests_sampled(services):
        return None
    return float(sum(one.resources.memory_peak_bytes for one in services if one.resources))


def cpu_share(
    services: Sequence[ServiceRecord], phases: Sequence[Phase], cores: int
) -> float | None:
    """What all services used from start-up to the last test, of what the cores had; 0-1.

    None if a test container was not sampled, or there was no such time.
    """
    spans = {phase.name: phase for phase in phases}
    start, tests = spans.get(PhaseName.START), spans.get(PhaseName.TEST)
    if not (_tests_sampled(services) and start and tests and cores):
        return None
    seconds = tests.start + tests.seconds - start.start
    if seconds <= 0:
        return None
    used = sum(one.resources.cpu_seconds for one in services if one.resources)
    return used / (seconds * cores)


def _tests_sampled(services: Sequence[ServiceRecord]) -> bool:
    """Whether every worker's test container was sampled; without it the sum says nothing."""
    own = [one for one in services if one.role == "test"]
    return bool(own) and all(one.resources for one in own)
