"""Coverage of something else than the project's code, or of another day."""

from .attempt import Attempt, Cheat
from .honest import COMMAND, TESTS, compose

__all__ = ["ATTEMPTS"]

ATTEMPTS = (
    Attempt(
        (
            Cheat(
                "measures coverage of a trivial file only",
                "required:coverage-extracted",
                "coverage looked at 1 of 9 of the project's lines, so 89% are left out",
            ),
        ),
        {
            "trivial.py": "ANSWER = 42\n",
            "tests/test_trivial.py": "import trivial\n\ndef test_it(): assert trivial.ANSWER\n",
            "docker-compose.test.yml": compose(
                f"python -m {COMMAND.replace('--cov ', '--cov=trivial ')}"
            ),
        },
    ),
    Attempt(
        (
            Cheat(
                "commits coverage's data and copies it where its tests measure less",
                "doubt:coverage-copied",
                "coverage's data is a copy of the project's file kept.data (/app/.coverage)",
            ),
        ),
        {
            "tests/test_prices.py": TESTS.partition("\n\n\ndef test_a_discount")[0],
            "docker-compose.test.yml": compose(f'sh -c "{COMMAND} && cp kept.data .coverage"'),
        },
        keeps_coverage="kept.data",
    ),
)
