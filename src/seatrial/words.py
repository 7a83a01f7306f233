"""Puts counts, durations and endings into words, the same way everywhere."""

from signal import Signals

__all__ = ["counted", "duration", "ending"]

_MINUTE = 60
_SIGNALLED = 128
"""Shells and engines add it to the number of the signal that ended a program."""


def counted(count: int, word: str) -> str:
    """A count with its noun: `1 test`, `2 tests`."""
    return f"{count} {word}{'s' * (count != 1)}"


def duration(seconds: float) -> str:
    """A duration as people say it: `0.42 s`, `12.3 s`, `2 min 05 s`."""
    if round(seconds, 2) < 1:
        return f"{seconds:.2f} s"
    if round(seconds, 1) < _MINUTE:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), _MINUTE)
    return f"{minutes} min {rest:02d} s"


def ending(code: int) -> str:
    """How a program ended: `exit code 1`, `killed by SIGSEGV (exit code 139)`."""
    try:
        return f"killed by {Signals(code - _SIGNALLED).name} (exit code {code})"
    except ValueError:
        return f"exit code {code}"
