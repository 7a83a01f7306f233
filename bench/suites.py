"""The suites that Seatrial and the plain flow are compared on, each in a folder of its own."""

import shutil
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from bench.start import Greeting

__all__ = ["COMPOSE_FILE", "EXAMPLE", "NAMES", "Suite", "copy_example", "copy_suite"]

ROOT = Path(__file__).parent.parent
EXAMPLE = ROOT / "examples" / "shop"
COMPOSE_FILE = "docker-compose.test.yml"
NAMES = ("shop", "rq", "pgqueuer")
"""The example, and two that people wrote who do not know Seatrial."""

_REDIS: Greeting = (6379, b"PING\r\n", b"+PONG")


def _postgres(user: str) -> Greeting:
    """A start-up message (protocol 3.0); R asks for the password, E says "not yet"."""
    said = b"\x00\x03\x00\x00user\x00" + user.encode() + b"\x00\x00"
    return 5432, (len(said) + 4).to_bytes(4, "big") + said, b"R"


@dataclass(frozen=True)
class Suite:
    """A project."""

    name: str
    folder: Path
    greetings: Mapping[str, Greeting]
    """By service that the tests need: what it answers to as soon as it is ready."""
    few_tests: str
    """A test command for rounds in which only start-up counts."""
    leaves: tuple[str, ...]
    """Modules that few tests run a function of."""


def copy_suite(name: str, parent: Path, *, xdist: bool) -> Suite:
    """Make a copy of a suite in a new folder below `parent`, with pytest-xdist in its image or not.

    Raises:
        CalledProcessError: its source cannot be had.
    """
    return {"shop": _shop, "rq": _rq, "pgqueuer": _pgqueuer}[name](parent, xdist=xdist)


def copy_example(parent: Path) -> Path:
    """Copy the example, without what earlier trials left in it."""
    ignored = shutil.ignore_patterns(".seatrial", "__pycache__", ".*_cache", "reports")
    project = shutil.copytree(EXAMPLE, parent / EXAMPLE.name, ignore=ignored)
    (project / "reports").mkdir()
    return project


def _shop(parent: Path, *, xdist: bool) -> Suite:
    project = copy_example(parent)
    if xdist:
        _append(project / "Dockerfile.test", "RUN /opt/venv/bin/pip install pytest-xdist\n")
    return Suite(
        name="shop",
        folder=project,
        greetings={
            "db": _postgres("shop"),
            "cache": _REDIS,
            "gateway": (8080, b"GET /health HTTP/1.0\r\n\r\n", b"HTTP/1.1 200"),
        },
        few_tests="pytest -q --no-cov tests/unit/test_money.py",
        leaves=("src/shop/vouchers.py", "src/shop/product_files.py", "src/shop/sales.py"),
    )


def _rq(parent: Path, *, xdist: bool) -> Suite:
    project = _fetch("rq", parent)
    if xdist:
        with (project / "requirements-test.txt").open("a", encoding="utf-8") as file:
            file.write("\npytest-xdist\n")
    return Suite(
        name="rq",
        folder=project,
        greetings={"redis": _REDIS},
        few_tests="pytest -q tests/test_utils.py",
        leaves=("rq/repeat.py", "rq/dependency.py", "rq/cron_scheduler_registry.py"),
    )


def _pgqueuer(parent: Path, *, xdist: bool) -> Suite:
    """Its image always has pytest-xdist, as its own settings ask for two processes."""
    del xdist
    project = _fetch("pgqueuer", parent)
    compose = project / COMPOSE_FILE
    text = compose.read_text(encoding="utf-8")
    # One process by a variable, which a variable of the plain flow can replace.
    text = _replaced(text, "pytest test -n 0\n", "pytest test\n")
    text = _replaced(
        text, "    environment:\n      EX", "    environment:\n      PYTEST_ADDOPTS: -n 0\n      EX"
    )
    compose.write_text(text, encoding="utf-8")
    return Suite(
        name="pgqueuer",
        folder=project,
        greetings={"db": _postgres("pgq")},
        few_tests="pytest -q -n 0 test/test_helpers.py",
        leaves=(
            "pgqueuer/metrics/prometheus.py",
            "pgqueuer/adapters/cli/sql_cmd.py",
            "pgqueuer/adapters/tracing/opentelemetry.py",
        ),
    )


def _fetch(name: str, parent: Path) -> Path:
    project = parent / name
    fetch = ROOT / "tests" / "foreign" / "fetch.py"
    subprocess.run([sys.executable, fetch, name, project], check=True)
    return project


def _replaced(text: str, old: str, new: str) -> str:
    if text.count(old) != 1:
        raise ValueError(f"the suite is not what it was: {old!r} is not in it once")
    return text.replace(old, new)


def _append(dockerfile: Path, line: str) -> None:
    """Add a line to the test stage of the example, right after its packages are there."""
    text = dockerfile.read_text(encoding="utf-8")
    head, found, tail = text.partition("COPY --from=packages /opt/venv /opt/venv\n")
    if not found or " AS test" not in head:
        raise ValueError("the example's Dockerfile is not what it was")
    dockerfile.write_text(head + found + line + tail, encoding="utf-8")
