"""Rules that a commit makes easier for itself."""

from .attempt import Attempt, Cheat
from .honest import FILES, PRICES, RULES

__all__ = ["ATTEMPTS"]

_WORKFLOW = ".github/workflows/tests.yml"
_EXPIRED = """\
[[waiver]]
waives = "audit:swallowed-exit-code"
person = "Ada Lovelace"
reason = "The old runner needs it until it is replaced."
expires = 2026-01-31
"""

ATTEMPTS = (
    Attempt(
        (
            Cheat(
                "lowers fail_under in the commit that needs it",
                "policy-loosened:coverage.fail_under",
                "coverage.fail_under: 90 → 50",
            ),
            Cheat(
                "raises a budget in the commit that needs it",
                "policy-loosened:budgets.test",
                "budgets.test: 60 → 600",
            ),
            Cheat(
                "takes a criterion out of those that are required",
                "policy-loosened:verdict.required",
                "artifacts-extracted → none",
            ),
            Cheat(
                "lowers the score that it must reach",
                "policy-loosened:verdict.passing_score",
                "100 → 40",
            ),
            Cheat(
                "puts `pragma: no cover` wherever its tests do not come",
                "policy-loosened:pragma: no cover",
                "0 → 2 added (shop/prices.py:",
            ),
            Cheat(
                "has coverage count less of its code by `pragma: no cover`",
                "required:coverage-extracted",
                "of the project's lines, so",
            ),
            Cheat(
                "silences a finding of the audit by a comment in the commit that is due it",
                "policy-loosened:ignore of continue-on-error",
                "0 comments → 1 comment",
            ),
            Cheat(
                "relies on a waiver that has expired",
                "audit:swallowed-exit-code",
                _WORKFLOW,
            ),
        ),
        {
            "seatrial.toml": RULES.replace("test = 60", "test = 600")
            .replace("fail_under = 90", "fail_under = 50")
            .replace("passing_score = 100", "passing_score = 40")
            .replace(', "artifacts-extracted"', ""),
            "shop/prices.py": PRICES.replace(
                "def reduced(price, percent):", "def reduced(price, percent):  # pragma: no cover"
            ).replace("def rounded(price):", "def rounded(price):  # pragma: no cover"),
            _WORKFLOW: FILES[_WORKFLOW].replace(
                "      - run: seatrial run\n",
                """\
      - run: seatrial run
        continue-on-error: true  # seatrial: ignore[continue-on-error] it is only for today
      - run: pytest || true
""",
            ),
        },
        agreed={"seatrial-waivers.toml": _EXPIRED},
    ),
)
