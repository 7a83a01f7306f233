"""Whatever is changed, coverage that is put together is that of a run of all tests, or it is not.

A sample project is measured once; then for every change the tests that it can affect are run, and
what is put together of both is held against a run of all tests, pair of lines by pair of lines.
"""

import json
import shutil
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pytest
from bench.mutants import pick_mutants

from seatrial import probe
from seatrial.evidence.contexts import Contexts, read_contexts
from seatrial.evidence.dependencies import Dependencies, read_dependencies
from seatrial.probe.seatrial_coverage import ByTest, CannotPutTogether, put_together
from seatrial.selection.affected import affected
from seatrial.selection.changes import changes_between, snapshot
from seatrial.selection.holding import still_holding
from unit.probe.interpreters import SITE, Interpreter, NoRegistry, NotToBeHad, monitored

from .sample import IN_CHILDREN, SAMPLE_FILES

PROBE = Path(probe.__file__).parent
DRIVER = Path(__file__).parent / "all_covered.py"
MUTABLE = {name: text for name, text in SAMPLE_FILES.items() if name != "pytest.ini"}

Change = Mapping[str, str | None]
"""By file: its new content; None: it is gone."""
Rows = Mapping[str, set[Any]]


@dataclass
class Measured:
    """The sample project, and what each of its tests covered."""

    project: Path
    interpreter: Interpreter
    runs: int = 0

    def run(self, *trees: tuple[Change, Sequence[str] | None, bool]) -> list[Path]:
        """Run the tests named on each of the trees; returns where the data are."""
        self.runs += 1
        out = self.project.parent / f"runs-{self.runs}"
        out.mkdir()
        told = out / "trees.json"
        told.write_text(json.dumps(trees), encoding="utf-8")
        done = self.interpreter.run(
            *(str(DRIVER), str(self.project), str(told), str(out)),
            cwd=self.project,
            env={
                "PYTHONPATH": f"{self.project.parent / SITE}:{PROBE}",
                "PYTHONDONTWRITEBYTECODE": "1",
                "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1",
            },
            timeout=3600,
        )
        assert done.returncode == 0, done.stderr
        return [out / f"{number}.coverage" for number in range(len(trees))]

    def contexts(self, data: Path) -> Contexts:
        """What the data's contexts stand for."""
        found = read_contexts(list(data.with_suffix("").glob("dependencies*.jsonl")), self.project)
        assert isinstance(found, Contexts), found
        return found

    def known(self, data: Path) -> Dependencies:
        """What the tests used."""
        traces = list(data.with_suffix("").glob("dependencies*.jsonl"))
        known = read_dependencies(traces, self.project, snapshot(self.project))
        assert known is not None
        return known

    def read(self, name: str) -> bytes | None:
        """A file of the project."""
        path = self.project / name
        return path.read_bytes() if path.is_file() else None


@dataclass(frozen=True)
class Stored:
    """What a run of all tests kept."""

    at: Measured
    data: Path
    notes: Path
    contexts: Contexts
    known: Dependencies

    def select(self, change: Change) -> list[str] | None:
        """The tests that it can affect; None: all."""
        with changed(self.at.project, change):
            now = snapshot(self.at.project)
            found = affected(
                self.known, changes_between(self.known.states, now), self.at.read, files=now
            )
            return None if found.everything else sorted(found.tests | found.files)

    def together(self, change: Change, tests: Sequence[str], data: Path) -> Rows | str:
        """Put it together with what these tests covered on the changed project."""
        with changed(self.at.project, change):
            holding = still_holding(
                self.contexts,
                self.at.contexts(data),
                self.known,
                ran=tests,
                states=snapshot(self.at.project),
                read=self.at.read,
            )
            if isinstance(holding, str):
                return holding
            plan = data.with_suffix(".plan")
            told = {
                "keep": sorted(holding.labels),
                "keepers": sorted(holding.keepers),
                "same_tests": holding.same_tests,
            }
            plan.write_text(json.dumps(told), encoding="utf-8")
            asked = {"stored": str(self.data), "notes": str(self.notes), "plan": str(plan)}
            kept = data.with_suffix(".kept")
            shutil.copyfile(data, kept)
            try:
                put_together(asked, str(kept), str(kept.parent), VERSIONS)
            except CannotPutTogether as error:
                return str(error)
            return rows(kept)


VERSIONS = {"version": "7", "python": "3"}


def rows(data: Path) -> Rows:
    opened = ByTest(str(data))
    try:
        return opened.rows(opened.contexts())
    finally:
        opened.close()


class changed:  # noqa: N801 - reads like a function
    """The project with a change in it."""

    def __init__(self, project: Path, change: Change) -> None:
        self._project = project
        self._change = change
        self._before: dict[str, bytes | None] = {}

    def __enter__(self) -> None:
        for name, text in self._change.items():
            path = self._project / name
            self._before[name] = path.read_bytes() if path.exists() else None
            self._write(path, None if text is None else text.encode("latin-1"))

    def __exit__(self, *_: object) -> None:
        for name, content in self._before.items():
            self._write(self._project / name, content)

    def _write(self, path: Path, content: bytes | None) -> None:
        if content is None:
            path.unlink()
        else:
            path.write_bytes(content)


@pytest.fixture(scope="session")
def measured(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Measured]:
    folder = tmp_path_factory.mktemp("covered")
    project = folder / "project"
    for name, content in SAMPLE_FILES.items():
        (project / name).parent.mkdir(parents=True, exist_ok=True)
        (project / name).write_bytes(content)
    try:
        with monitored(
            folder, PROBE, DRIVER.parent, further=[f"coverage=={version('coverage')}"]
        ) as interpreter:
            yield Measured(project, interpreter)
    except (NotToBeHad, NoRegistry) as error:
        pytest.skip(f"no Python of 3.12 or newer with the compiled coverage.py: {error}")


@pytest.fixture(scope="session")
def stored(measured: Measured) -> Stored:
    (data,) = measured.run(({}, None, True))
    assert data.with_suffix(".code").read_text() == "0"
    kept = data.with_suffix(".kept")
    shutil.copyfile(data, kept)
    put_together({"stored": None}, str(kept), str(kept.parent), VERSIONS)
    notes = data.parent / "by-test.json"
    return Stored(measured, kept, notes, measured.contexts(data), measured.known(data))


def tried(stored: Stored, changes: Sequence[Change]) -> tuple[list[str], dict[str, int], int]:
    """What differs from a run of all tests; why it was not put together; how often it was."""
    selected = [(change, stored.select(change)) for change in changes]
    partial = [(change, tests) for change, tests in selected if tests]
    trees = [tree for c, tests in partial for tree in ((c, tests, True), (c, None, False))]
    data = stored.at.run(*trees)
    wrong: list[str] = []
    refused: dict[str, int] = {}
    together = 0
    for number, (change, tests) in enumerate(partial):
        part, whole = data[2 * number : 2 * number + 2]
        if part.with_suffix(".code").read_text() not in "01":
            continue  # the trial would not ask
        found = stored.together(change, tests, part)
        if isinstance(found, str):
            refused[found] = refused.get(found, 0) + 1
            continue
        together += 1
        expected = rows(whole)
        wrong += [
            f"{sorted(change)}: {path}: {sorted(differs)}"
            for path in sorted({*found, *expected})
            if (differs := found.get(path, set()) ^ expected.get(path, set()))
        ]
    return wrong, refused, together


def edited(name: str, old: str = "", new: str = "") -> dict[str, str]:
    text = SAMPLE_FILES[name].decode()
    assert old in text
    return {name: text.replace(old, new)}


EDITS: dict[str, Change] = {
    "a function": edited("src/shop/money.py", "amount * 19", "19 * amount"),
    "a longer function": edited("src/shop/money.py", "text = str", "text = ''\n    text = str"),
    "a constant": edited("src/shop/names.py", "WIDTH = 4", "WIDTH = 3\nif WIDTH:\n    WIDTH = 4"),
    "a test": edited("tests/test_limits.py", "limits.most() == 10", "10"),
    "a test is gone": edited("tests/test_money.py", "def test_vat", "def not_vat"),
    "a test is new": {
        "tests/test_new.py": "from shop.money import vat\ndef test_it():\n    vat(1)\n"
    },
    "a file of tests is gone": {"tests/test_money.py": None},
    "whose tests import first what others import": {"tests/test_events.py": None},
    "a file of tests has another name": {
        "tests/test_limits.py": None,
        "tests/test_bounds.py": SAMPLE_FILES["tests/test_limits.py"].decode(),
    },
    "a test that makes what others keep": edited(
        "tests/test_rates.py", 'convert(200, "usd")', "220"
    ),
    "a test of two that share a fixture": edited("tests/test_worker.py", "worker.ask(3)", "7"),
}


def test_coverage_after_an_edit_is_that_of_all_tests(stored: Stored) -> None:
    extra = {"tests/test_more.py": "def test_more():\n    pass\n"}  # something always runs

    wrong, refused, together = tried(stored, [{**edit, **extra} for edit in EDITS.values()])

    assert wrong == []
    assert together >= len(EDITS) - 3, refused


@pytest.mark.long
def test_coverage_after_a_fault_is_that_of_all_tests(stored: Stored) -> None:
    # How far a process gets that has a fault differs from run to run, and with it who waits for it.
    here = {name: text for name, text in MUTABLE.items() if name not in IN_CHILDREN}
    mutants = pick_mutants(here, 120, seed=1)

    wrong, refused, together = tried(
        stored, [{mutant.file: mutant.content.decode("latin-1")} for mutant in mutants]
    )

    assert wrong == []
    assert together > len(mutants) // 2, refused
