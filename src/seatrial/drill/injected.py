"""The tests that drills put into a copy of the project."""

from collections.abc import Mapping, Sequence
from pathlib import PurePosixPath

from seatrial.drill.sites import Site

__all__ = ["FAILING_TESTS", "STEM", "function_of", "injected_files", "stem_of"]

STEM = "seatrial_drill"
"""Starts the names of all files and tests that are put in."""

_PASSES = """\
def test_seatrial_drill_passes():
    pass
"""

_HANGS = """\
import threading


def test_seatrial_drill_hangs():
    threading.Event().wait()
"""

_MEMORY = """\
import pathlib


def limit():
    for path in ("memory.max", "memory/memory.limit_in_bytes"):
        try:
            return int((pathlib.Path("/sys/fs/cgroup") / path).read_text())
        except (OSError, ValueError):
            continue
    return 1 << 62


def test_seatrial_drill_memory():
    most = limit()
    assert most < 1 << 34, "the container has no memory limit"
    held = []
    while len(held) << 24 < 2 * most:
        held.append(bytearray(b"x") * (1 << 24))
    raise AssertionError("the memory limit did not hold")
"""

_WAITS = '''\
import socket
import time

SERVICE = {service!r}


def answers():
    try:
        socket.getaddrinfo(SERVICE or "localhost", None)
    except OSError:
        return False
    return True


def test_seatrial_drill_waits():
    """Fails once the service's name is gone, as it is when its container has ended."""
    deadline = time.monotonic() + {patience_s}
    known = answers()
    while time.monotonic() < deadline and answers() == known:
        time.sleep(0.2)
    raise AssertionError("the service is gone" if known else "the service has no name")
'''
_PATIENCE_S = 60
"""Within it a drill has seen the test run and acted."""

_FAILS = """\
import unittest

import pytest


@pytest.fixture
def breaks_in_set_up():
    raise RuntimeError("seatrial drill: set-up")


@pytest.fixture
def breaks_in_teardown():
    yield
    raise RuntimeError("seatrial drill: teardown")


def test_seatrial_drill_fails_by_assertion_{n}():
    assert False, "seatrial drill"


def test_seatrial_drill_fails_by_exception_{n}():
    raise ValueError("seatrial drill")


def test_seatrial_drill_fails_by_pytest_{n}():
    pytest.fail("seatrial drill")


def test_seatrial_drill_fails_by_exit_{n}():
    raise SystemExit(0)


def test_seatrial_drill_fails_in_set_up_{n}(breaks_in_set_up):
    pass


def test_seatrial_drill_fails_in_teardown_{n}(breaks_in_teardown):
    pass


class TestSeatrialDrill{n}(unittest.TestCase):
    def test_seatrial_drill_fails_in_a_case_{n}(self):
        self.fail("seatrial drill")
"""
FAILING_TESTS = (
    "by_assertion",
    "by_exception",
    "by_pytest",
    "by_exit",
    "in_set_up",
    "in_teardown",
    "in_a_case",
)
"""The ways in which the tests of one folder fail."""


def stem_of(kind: str, number: int | None = None) -> str:
    """The stem of a file's name: `seatrial_drill_fails_2`."""
    return f"{STEM}_{kind}" + ("" if number is None else f"_{number}")


def function_of(kind: str, way: str = "", number: int | None = None) -> str:
    """The name of a test function: `test_seatrial_drill_fails_in_set_up_2`."""
    return "_".join(filter(None, ("test", STEM, kind, way, "" if number is None else str(number))))


def injected_files(sites: Sequence[Site], service: str) -> Mapping[PurePosixPath, str]:
    """All test files by their place in the project; `service` is one that the tests need, or ''.

    Failing tests go into each of the folders, as each may have a conftest.py of its own; files are
    numbered, since pytest refuses two of one name in folders without __init__.py.
    """
    first = sites[0]
    files = {
        first.file(stem_of("passes")): _PASSES,
        first.file(stem_of("hangs")): _HANGS,
        first.file(stem_of("memory")): _MEMORY,
        first.file(stem_of("waits")): _WAITS.format(service=service, patience_s=_PATIENCE_S),
    }
    for number, site in enumerate(sites, 1):
        files[site.file(stem_of("fails", number))] = _FAILS.format(n=number)
    return files
