"""Tests that are left out, in each of the ways that a commit has for it."""

from .attempt import Attempt, Cheat
from .honest import COMMAND, FILES, PYPROJECT, compose

__all__ = ["ATTEMPTS"]

ATTEMPTS = (
    Attempt(
        (
            Cheat(
                "deselects tests by a marker in addopts",
                "required:contained-tests",
                "deselected: 1 test",
                also=("policy-loosened:pytest -m not slow",),
            ),
            Cheat(
                "ignores a file of tests in addopts",
                "required:contained-tests",
                "--ignore tests/test_stock.py",
                also=("policy-loosened:pytest --ignore tests/test_stock.py",),
            ),
            Cheat(
                "ignores a file of tests by collect_ignore in its conftest.py",
                "required:contained-tests",
                "collect_ignore in /app/tests/conftest.py test_returns.py",
            ),
            Cheat(
                "lets its command look in one folder of two",
                "required:contained-tests",
                "no test was collected of checks/test_books.py",
                also=("policy-loosened:pytest paths",),
            ),
            Cheat(
                "keeps a file of tests out of the image by .dockerignore",
                "required:contained-tests",
                "tests/test_orders.py",
            ),
        ),
        {
            "pyproject.toml": PYPROJECT
            + 'addopts = ["-m", "not slow", "--ignore=tests/test_stock.py"]\n',
            "tests/conftest.py": 'collect_ignore = ["test_returns.py"]\n',
            "docker-compose.test.yml": compose(f"{COMMAND} tests"),
            ".dockerignore": f"{FILES['.dockerignore']}tests/test_orders.py\n",
        },
    ),
)
