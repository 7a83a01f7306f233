"""What a cheat is, and what the verdict on it must be."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from .honest import Judged

__all__ = ["Attempt", "Cheat", "assert_nothing_else", "assert_rejected_for", "is_consequence"]

_FOLLOWS = ("score", "required:", "not-enough-trials")
"""What speaks against a criterion takes its points as well, and a trial that failed is none that
passed."""


@dataclass(frozen=True)
class Cheat:
    """One way to a yes that is not deserved."""

    how: str
    """Completes "a project …" or "somebody …"."""
    reason: str
    """The key of the reason for which it is rejected."""
    says: str
    """What the reason's text holds: that it was seen for what it is."""
    also: tuple[str, ...] = ()
    """Keys of further reasons that the same cheat is due."""


@dataclass(frozen=True)
class Attempt:
    """A project that cheats in one way, or in several that do not hide each other."""

    cheats: tuple[Cheat, ...]
    changes: Mapping[str, str | None]
    """Files, in one commit on the honest project's; None removes one."""
    agreed: Mapping[str, str | None] = field(default_factory=dict)
    """Files in a commit before it, with whose rules it is compared."""
    keeps_coverage: str | None = None
    """A file of the project that gets the coverage data of the honest trial."""
    long: bool = False
    """Left out of `make test`: the catalogue or `acceptance` has one that comes to the same."""


def assert_rejected_for(cheat: Cheat, judged: Judged, honest: Judged) -> None:
    """Check that this is what the cheat is rejected for, and the honest project is not."""
    assert judged.code == 1, f"{cheat.how}: approved"
    assert cheat.reason not in honest.reasons
    assert cheat.says in judged.reasons.get(cheat.reason, ""), judged.reasons


def assert_nothing_else(cheats: tuple[Cheat, ...], judged: Judged) -> None:
    """Check that nothing but the cheats speaks against the project."""
    due = {key for cheat in cheats for key in (cheat.reason, *cheat.also)}
    others = {key: what for key, what in judged.reasons.items() if key not in due}
    assert [key for key in others if not is_consequence(key)] == [], others


def is_consequence(reason: str) -> bool:
    """Whether a reason follows from others."""
    return reason.startswith(_FOLLOWS)
