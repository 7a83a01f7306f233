"""Says how many workers are worth starting where nobody named a number, and why."""

from seatrial.evidence.record import Record
from seatrial.words import counted

__all__ = ["choose_workers", "stack_peak"]

MEMORY_SHARE = 0.8
"""Of the engine's memory; the rest is for the engine, the page cache and what else runs there."""

PEAK_UNKNOWN = 1 << 30
"""Bytes of one stack that was never measured: a PostgreSQL, a Redis and a test container of a
common suite peak below it together."""

_GIB = 1 << 30


def choose_workers(
    cores: int,
    memory_bytes: int,
    *,
    past_peak_bytes: int | None,
    units: int,
    unit: str = "test",
    limit: int | None = None,
) -> tuple[int, str]:
    """How many workers, at least one, and the reason in one sentence.

    `cores` and `memory_bytes` are those of the engine's machine, `past_peak_bytes` is what one
    stack took at most (see `stack_peak`), `units` how many tests can be dealt out, or files where
    single tests are not known, and `unit` the word for one. `limit` is the most that the user
    allows.
    """
    peak = past_peak_bytes or PEAK_UNKNOWN
    measured = "took before" if past_peak_bytes else "is taken to need, as none was measured yet"
    room = f"{MEMORY_SHARE * 100:.0f} % of {memory_bytes / _GIB:.1f} GiB of memory"
    choices = [
        (cores, f"the engine's machine has {counted(cores, 'core')}"),
        (
            int(memory_bytes * MEMORY_SHARE / peak),
            f"more do not fit into {room}, with the {peak / _GIB:.2f} GiB that a stack {measured}",
        ),
        (units, f"there is no more to deal out than {counted(units, unit)}"),
    ]
    if limit is not None:
        choices.append((limit, f"{limit} is the most that is asked for"))
    number, reason = min(choices, key=lambda choice: choice[0])
    return max(1, number), f"{counted(max(1, number), 'worker')}: {reason}"


def stack_peak(record: Record) -> int | None:
    """Bytes that a stack took at most: the sum of its services' peaks; None: none was measured.

    Services do not peak at the same time, so it is rather too much than too little.
    """
    peaks = [
        service.resources.memory_peak_bytes
        for service in record.services
        if service.resources and service.worker == 1
    ]
    return sum(peaks) or None
