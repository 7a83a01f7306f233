"""Holds the probe's events against each other, and against what was seen of them live."""

from dataclasses import dataclass, field

__all__ = ["LiveView"]


@dataclass
class LiveView:
    """What the probe's progress said while the tests ran."""

    done: int = 0
    """The most."""
    failed: set[str] = field(default_factory=set)
    """Node ids."""
    size: int = 0
    """Of the events file, in bytes, at its largest."""
