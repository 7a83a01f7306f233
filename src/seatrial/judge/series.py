"""Trials that confirm the judged one, or that it can be held against."""

from collections.abc import Callable
from dataclasses import replace

from seatrial.evidence.record import PhaseName, Record
from seatrial.judge.benchmarks import comparable_trials
from seatrial.judge.dossier import Dossier, TrialEvidence
from seatrial.judge.model import Confidence, Evidence
from seatrial.judge.suite import part_of_the_suite

__all__ = [
    "by_one_worker",
    "confidence",
    "others_of_commit",
    "phase_row",
    "same_cache",
]


def same_cache(dossier: Dossier) -> tuple[TrialEvidence, ...]:
    """Comparable trials of the whole suite with the same cache state, the judged one first."""
    state = _cache_state(dossier.trial.record)
    return tuple(
        trial
        for number, trial in enumerate(comparable_trials(dossier))
        if number == 0 or (_counts(trial.record) and _cache_state(trial.record) == state)
    )


def by_one_worker(dossier: Dossier) -> tuple[TrialEvidence, ...]:
    """Trials that could stand beside the judged one, had that had one worker."""
    alone = replace(dossier.trial, record=dossier.trial.record.model_copy(update={"split": None}))
    twin = replace(dossier, trials=(alone, *dossier.trials[1:]))
    return tuple(trial for trial in comparable_trials(twin)[1:] if _counts(trial.record))


def others_of_commit(dossier: Dossier) -> tuple[TrialEvidence, ...]:
    """Comparable trials of the same commit beside the judged one."""
    ids = {trial.record.id for trial in dossier.trials}
    return tuple(
        trial
        for trial in comparable_trials(dossier)[1:]
        if trial.record.id in ids and _counts(trial.record)
    )


def confidence(
    dossier: Dossier, shows: Callable[[Record], bool], drills: tuple[Evidence, ...] = ()
) -> Confidence:
    """High if a drill passed, or another trial of the commit shows the same; else medium."""
    confirmed = drills or any(shows(trial.record) for trial in others_of_commit(dossier))
    return Confidence.HIGH if confirmed else Confidence.MEDIUM


def phase_row(trial: TrialEvidence, name: PhaseName) -> Evidence | None:
    """What a phase took, in seconds; None if the trial did not come to its end."""
    for number, phase in enumerate(trial.record.phases):
        if phase.name is name and phase.completed:
            return trial.exhibit.row(
                f"phase {name}", phase.seconds, "s", f"/phases/{number}/seconds"
            )
    return None


def _counts(record: Record) -> bool:
    """Whether nothing is known against the trial's evidence, and it is of the whole suite."""
    return not record.doubts and not part_of_the_suite(record)


def _cache_state(record: Record) -> str:
    return record.build.state if record.build else "nothing to build"
