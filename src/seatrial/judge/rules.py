"""The rules that a commit is judged by, and the digest by which others hold them against theirs."""

import hashlib

from seatrial.evidence.model import Model
from seatrial.judge.attest.strict_json import canonical
from seatrial.settings import Budgets, Settings, VerdictSettings

__all__ = ["Rules", "rules_digest", "rules_of"]


class Rules(Model):
    """The part of a project's settings that decides what is asked of a commit."""

    verdict: VerdictSettings = VerdictSettings()
    budgets: Budgets = Budgets()
    fail_under: float | None = None
    """`coverage.fail_under`."""
    retries: int = 0


def rules_of(settings: Settings) -> Rules:
    """The rules among the settings."""
    return Rules(
        verdict=settings.verdict,
        budgets=settings.budgets,
        fail_under=settings.coverage.fail_under,
        retries=settings.retries,
    )


def rules_digest(rules: Rules) -> str:
    """SHA-256 of the rules as JSON with sorted keys and no spaces: equal digests, equal rules."""
    return hashlib.sha256(canonical(rules.model_dump(mode="json"))).hexdigest()
