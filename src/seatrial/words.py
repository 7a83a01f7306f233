"""Puts counts and durations into words, the same way everywhere."""

__all__ = ["counted", "duration"]

_MINUTE = 60


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
