"""Files and folders that settings name."""

from collections.abc import Iterable
from pathlib import PurePosixPath

__all__ = ["is_within"]


def is_within(file: str, places: Iterable[str]) -> bool:
    """Whether one of the places is the file, or a folder that it is in; all from the same root."""
    return any(PurePosixPath(file).is_relative_to(place) for place in places)
