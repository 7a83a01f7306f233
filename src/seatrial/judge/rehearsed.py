"""What the drills show for a criterion; a drill that is outdated or edited shows nothing."""

from collections.abc import Sequence
from dataclasses import dataclass

from seatrial.evidence.drills import DrillResult
from seatrial.judge.dossier import Dossier
from seatrial.judge.model import Evidence

__all__ = ["REHEARSE", "Rehearsal", "passed_drills", "rehearsal"]

REHEARSE = "run `seatrial drill`"


@dataclass(frozen=True)
class Rehearsal:
    """One drill, as far as it is evidence on this commit."""

    key: str
    result: DrillResult | None
    """None: it was not made, or does not count."""
    why_not: str = ""
    """Why there is no result, or why what there is could not be rehearsed."""
    evidence: tuple[Evidence, ...] = ()

    @property
    def passed(self) -> bool | None:
        """None: it shows nothing."""
        return self.result.passed if self.result else None


def rehearsal(dossier: Dossier, key: str) -> Rehearsal:
    """What came of a drill."""
    drills = dossier.drills
    if drills is None:
        return Rehearsal(key, None, "no drill was made")
    if drills.faults:
        return Rehearsal(key, None, f"the drills' files were changed: {drills.faults[0]}")
    if drills.outdated:
        return Rehearsal(key, None, f"the drills are outdated: {drills.outdated}")
    for number, result in enumerate(drills.report.results):
        if result.key == key:
            row = drills.exhibit.row(
                f"drill {key} passed", result.passed, where=f"/results/{number}/passed"
            )
            why_not = ""
            if result.passed is None:
                why_not = result.why_not or "it does not say why it was not rehearsed"
            return Rehearsal(key, result, why_not, (row,))
    return Rehearsal(key, None, f"the drill {key} was not made")


def passed_drills(dossier: Dossier, keys: Sequence[str]) -> tuple[Evidence, ...]:
    """Rows of those drills that passed."""
    made = [rehearsal(dossier, key) for key in keys]
    return tuple(row for drill in made if drill.passed for row in drill.evidence)
