"""Runs the probe as a test container does: under a pytest of its own, which knows no Seatrial."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from textwrap import dedent
from typing import Any

import pytest

from seatrial import probe
from seatrial.evidence.doubt import Doubt
from seatrial.evidence.event_doubts import LiveView, event_doubts
from seatrial.evidence.events import each_event, read_events
from seatrial.evidence.record import Pytest

from .interpreters import OWN, Environment, Interpreter, NoRegistry, made

PROBE_FOLDER = Path(probe.__file__).parent


@dataclass(frozen=True)
class Run:
    """One run of pytest with the probe."""

    code: int
    output: str
    folder: Path

    @property
    def events(self) -> list[dict[str, Any]]:
        """The probe's lines."""
        return [dict(event) for event in each_event(self.folder / "out/events.jsonl")]

    @property
    def outcomes(self) -> dict[str, str]:
        """By the test's name."""
        return {
            event["id"].rpartition("::")[2]: event["outcome"]
            for event in self.events
            if event["event"] == "test"
        }

    @property
    def seen(self) -> Pytest:
        """What Seatrial makes of the events."""
        report = read_events(self.folder / "out/events.jsonl")
        assert report is not None
        return report.pytest


RunPytest = Callable[..., Run]


def _doubts(run: Run) -> list[Doubt]:
    """What speaks against the events themselves, which nothing that happens to tests may do."""
    starts = [event for event in run.events if event["event"] == "start"]
    found = event_doubts(
        run.folder / "out/events.jsonl",
        live=LiveView(),
        container=starts[0]["container"] if starts else "",
        inserted={file: digest for start in starts[:1] for file, digest in start["loaded"]},
    )
    told = {"outcome-changed-by-hook", "pytest-changed", "asserts-off"}
    return [doubt for doubt in found if doubt.key not in told]


@pytest.fixture(scope="session")
def interpreter(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Interpreter]:
    """The Python of this run, or the one that a test file asks for by an `Environment`."""
    wanted: Environment | None = getattr(request, "param", None)
    if wanted is None:
        yield OWN
        return
    folder = tmp_path_factory.mktemp("python")
    with ExitStack() as stack:
        try:
            mounts = (tmp_path_factory.getbasetemp(), PROBE_FOLDER)
            found = stack.enter_context(made(wanted, folder, *mounts))
        except NoRegistry as error:
            pytest.skip(f"no package registry answers: {error}")
        yield found


@pytest.fixture
def run(tmp_path: Path, interpreter: Interpreter) -> RunPytest:
    """Runs pytest in a folder with `test_it.py` and further files."""

    def call(
        *arguments: str,
        with_probe: bool = True,
        shuffled: bool = False,
        environ: dict[str, str] | None = None,
        program: tuple[str, ...] = ("-m", "pytest"),
        **files: str,
    ) -> Run:
        (tmp_path / "out").mkdir(exist_ok=True)
        (tmp_path / "pytest.ini").write_text("[pytest]\n", encoding="utf-8")
        for name, text in files.items():
            (tmp_path / f"{name}.py").write_text(dedent(text), encoding="utf-8")
        options = "" if shuffled else "-p no:randomly"
        added = {
            "PYTHONPATH": str(PROBE_FOLDER),
            "PYTEST_ADDOPTS": f"{options} -p seatrial_probe",
            "SEATRIAL_EVENTS": str(tmp_path / "out/events.jsonl"),
        }
        done = interpreter.run(
            *program,
            *arguments,
            cwd=tmp_path,
            env={
                **({} if interpreter.plugins else {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}),
                "PYTHONDONTWRITEBYTECODE": "1",
                "PYTEST_ADDOPTS": options,
                **(added if with_probe else {}),
                **(environ or {}),
            },
        )
        found = Run(done.returncode, done.stdout + done.stderr, tmp_path)
        assert _doubts(found) == []
        return found

    return call
