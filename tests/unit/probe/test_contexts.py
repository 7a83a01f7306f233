"""What coverage.py is told of what runs, and when it is left alone."""

import importlib
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import coverage
import pytest

from seatrial import probe
from seatrial.probe.seatrial_contexts import Labels

PROBE = Path(probe.__file__).parent


@pytest.fixture
def measured(tmp_path: Path) -> Iterator[Any]:
    """Makes a coverage that measures while the test runs; what measures this run waits."""
    made: list[coverage.Coverage] = []

    def make(configuration: str = "") -> coverage.Coverage:
        (tmp_path / "rc").write_text(configuration, encoding="utf-8")
        one = coverage.Coverage(data_file=str(tmp_path / "data"), config_file=str(tmp_path / "rc"))
        made.append(one)
        one.start()
        return one

    yield make
    for one in made:
        one.stop()


def contexts(one: coverage.Coverage) -> set[str]:
    return set(one.get_data().measured_contexts())


def test_what_runs_is_noted_for_the_innermost(measured: Any) -> None:
    labels, one = Labels(), measured()

    outer = labels.enter("test:a")
    frame = object()
    labels.enter("module:/b.py", frame)
    assert (labels.in_module, labels.around) == (True, "test:a")
    assert labels.leave_module(frame) == 0
    labels.leave(outer)

    assert labels.measured
    assert not labels.fault
    assert contexts(one) >= {"seatrial test:a", "seatrial module:/b.py"}


def test_what_was_left_by_an_exception_ends_with_what_it_was_in() -> None:
    labels = Labels()

    outer = labels.enter("test:a")
    labels.enter("fixture:x")
    labels.leave(outer)

    assert labels.around == "session"


def test_a_name_that_is_no_text_is_no_fault(measured: Any) -> None:
    labels = Labels()
    measured()

    labels.enter("test:\ud800")

    assert labels.measured


def test_without_coverage_nothing_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(coverage.Coverage, "current", classmethod(lambda _: None))
    labels = Labels()

    labels.enter("test:a")

    assert not labels.measured
    assert not labels.fault


@pytest.mark.parametrize(
    ("configuration", "reason"),
    [
        ("[run]\ndynamic_context = test_function\n", "dynamic_context"),
        ("[run]\ncontext = nightly\n", "a context of its own"),
        ("[report]\ncontexts = nightly\n", "a context of its own"),
        ("[run]\ntimid = true\n", "PyTracer"),
    ],
)
def test_a_project_with_contexts_of_its_own_or_another_core_is_left_alone(
    measured: Any, configuration: str, reason: str
) -> None:
    labels, one = Labels(), measured(configuration)

    labels.enter("test:a")

    assert reason in labels.fault
    assert not labels.measured
    assert "seatrial test:a" not in contexts(one)


@pytest.mark.parametrize(
    ("options", "environ", "reason"),
    [
        ({}, {}, ""),
        ({"numprocesses": 0, "dist": "no"}, {}, ""),
        ({"numprocesses": 2, "dist": "load"}, {}, "xdist"),
        ({"numprocesses": 0}, {"PYTEST_XDIST_WORKER": "gw0"}, "xdist"),
        ({"cov_context": "test"}, {}, "--cov-context"),
    ],
)
def test_nothing_is_told_where_pytest_cov_could_not_take_it(
    monkeypatch: pytest.MonkeyPatch, options: dict[str, Any], environ: dict[str, str], reason: str
) -> None:
    monkeypatch.syspath_prepend(PROBE)
    monkeypatch.delenv("PYTEST_XDIST_WORKER", raising=False)
    for name, value in environ.items():
        monkeypatch.setenv(name, value)

    found = importlib.import_module("seatrial_trace").no_contexts(SimpleNamespace(**options))

    assert reason in found
    assert bool(reason) == bool(found)


def test_who_refuses_is_asked_when_coverage_has_begun(measured: Any) -> None:
    labels = Labels(lambda: "xdist")
    labels.enter("test:a")
    one = measured()

    labels.enter("test:b")

    assert labels.fault == "xdist"
    assert "seatrial test:b" not in contexts(one)


def test_a_coverage_that_cannot_be_told_breaks_nothing(
    measured: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    labels, one = Labels(), measured()

    def refuse(_: str) -> None:
        raise OSError("no space")

    monkeypatch.setattr(one, "switch_context", refuse)
    labels.enter("test:a")

    assert labels.fault == "coverage.py could not be told: no space"
