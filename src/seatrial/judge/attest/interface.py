"""What signs statements, and what says whose signatures count; a module for each way of both."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

__all__ = ["MAX_SEALED", "PAYLOAD_TYPE", "Held", "Seal", "Sealed", "Trust"]

PAYLOAD_TYPE = "application/vnd.in-toto+json"
MAX_SEALED = 64 << 20
"""Bytes of a signed statement; 100,000 tests with names of 100 characters take a quarter of it."""


@dataclass(frozen=True)
class Sealed:
    """A signed statement."""

    data: bytes
    """The file."""
    signers: tuple[str, ...]
    """Whom a verifier has to trust, for a reader."""


class Seal(Protocol):
    """Signs statements."""

    @property
    def suffix(self) -> str:
        """What the names of its files end in, with the first dot."""

    def __call__(self, statement: Mapping[str, Any]) -> Sealed:
        """Sign a statement.

        Raises:
            EnvironmentFault: a service that takes part in the signature failed.
        """


@dataclass(frozen=True)
class Held:
    """What the signatures of a file come to."""

    said: str
    """Who signed it, or why nobody did that counts."""
    payload: bytes | None
    """The statement, if it is signed as was asked; None: it is not."""


class Trust(Protocol):
    """Says whose signatures count."""

    @property
    def form(self) -> str:
        """What the files are, for a reader."""

    def held(self, data: bytes) -> Held:
        """Whether those who are trusted signed a file.

        Raises:
            ValueError: it is no such file.
        """
