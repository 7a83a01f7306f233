"""An honest project that is approved after one trial; each cheat is a copy with something changed.

So whatever rejects a cheat is what the cheat did. What one short trial cannot show (drills, trials
before it, more workers) has no weight here: the first commit says so, and the second, which is the
one that is approved, leaves the rules alone.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from acceptance.program import run_trial, seatrial
from acceptance.projects import COVERAGE_IMAGE, Project
from seatrial.evidence.record import Record
from seatrial.judge.approval import Approval
from seatrial.judge.model import CriterionResult
from unit.judge.repositories import Repository, make_repository

__all__ = ["COMMAND", "FILES", "Judged", "Subject", "compose", "make_honest"]

COMMAND = "pytest -q -p no:cacheprovider --cov --cov-report="

DOCKERFILE = f"""\
FROM {COVERAGE_IMAGE}
WORKDIR /app
COPY . .
"""

RULES = """\
[budgets]
test = 60
total = 120

[coverage]
fail_under = 90

[verdict]
passing_score = 100
required = ["contained-tests", "coverage-extracted", "image-built", "artifacts-extracted"]
weights = { coverage-enforced = 0, ready-and-parallel = 0, cleaned-up = 0, \
errors-handled = 0, performance-kept = 0 }
"""

TESTS = """\
from shop import prices


def test_a_sum():
    assert prices.total([1, 2]) == 3


def test_a_discount():
    assert prices.reduced(100, 25) == 75


def test_no_discount():
    assert prices.reduced(100, 0) == 100


def test_a_rounded_sum():
    assert prices.rounded(2.4) == 2
"""

PYPROJECT = """\
[tool.coverage.run]
source = ["shop"]

[tool.pytest.ini_options]
markers = ["slow: takes long"]
"""

PRICES = '''\
"""What things cost."""


def total(prices):
    return sum(prices)


def reduced(price, percent):
    if percent:
        return price - price * percent / 100
    return price


def rounded(price):
    return round(price)
'''


def compose(command: str = COMMAND, *, more: str = "") -> str:
    """The compose file, with another command, or with more lines of the test service."""
    return f"""\
services:
  test:
    build:
      context: .
      dockerfile: Dockerfile.test
    command: {command}
    volumes: ["./reports:/app/reports"]
{more}"""


FILES: Mapping[str, str] = {
    ".gitignore": ".seatrial/\n__pycache__/\n",
    ".dockerignore": ".seatrial\n.git\nreports\n",
    ".github/workflows/tests.yml": """\
name: tests
on: [push]
permissions:
  contents: read
jobs:
  trial:
    runs-on: ubuntu-latest
    steps:
      - uses: actions/checkout@v4
        with:
          persist-credentials: false
      - run: seatrial run
      - uses: actions/upload-artifact@v4
        with:
          path: .seatrial/runs
""",
    "Dockerfile.test": DOCKERFILE,
    "docker-compose.test.yml": compose(),
    "pyproject.toml": PYPROJECT,
    "reports/.gitkeep": "",
    "seatrial.toml": RULES,
    "shop/__init__.py": "",
    "shop/prices.py": PRICES,
    "tests/conftest.py": "",
    "tests/test_prices.py": TESTS,
    "tests/test_slow.py": "import pytest\n\n@pytest.mark.slow\ndef test_takes_long(): pass\n",
    "tests/test_stock.py": "def test_is_counted(): pass\n",
    "tests/test_returns.py": "def test_is_taken_back(): pass\n",
    "tests/test_orders.py": "def test_is_sent(): pass\n",
    "checks/test_books.py": "def test_books_add_up(): pass\n",
}


@dataclass(frozen=True)
class Judged:
    """What a project's newest trial and the verdict on it came to."""

    record: Record
    approval: Approval
    code: int
    """With which `seatrial approve` ended."""

    @property
    def reasons(self) -> dict[str, str]:
        """Why it is rejected: by key, in words."""
        return {reason.key: reason.what for reason in self.approval.verdict.reasons}

    def criterion(self, key: str) -> CriterionResult:
        return next(one for one in self.approval.verdict.criteria if one.key == key)


@dataclass(frozen=True)
class Subject:
    """A project in a repository of its own."""

    folder: Path

    @property
    def repository(self) -> Repository:
        return Repository(self.folder)

    @property
    def project(self) -> Project:
        return Project(self.folder)

    def commit(self, files: Mapping[str, str | None]) -> str:
        return self.repository.commit(dict(files))

    def tried(self, *arguments: str) -> Record:
        return run_trial(self.project, *arguments).record

    def approve(self, env: Mapping[str, str] | None = None) -> Judged:
        """Ask for a yes."""
        ended = seatrial("approve", "--json", cwd=self.folder, env=env)
        approval = Approval.model_validate_json(ended.stdout)
        record = self.project.runs / approval.trial.id / "record.json"
        return Judged(Record.model_validate_json(record.read_text()), approval, ended.code)


def make_honest(folder: Path) -> Subject:
    """The project, committed: its rules first, then what is to be approved."""
    repository = make_repository(folder)
    repository.commit(dict(FILES))
    made = Subject(folder)
    made.commit({"shop/prices.py": PRICES.replace("What things cost", "What a thing costs")})
    return made
