"""The label by which everything that a trial makes in the engine is found again."""

__all__ = ["TRIAL_LABEL", "label_of"]

TRIAL_LABEL = "dev.seatrial.trial"


def label_of(trial: str) -> str:
    """The label that finds everything of a trial."""
    return f"{TRIAL_LABEL}={trial}"
