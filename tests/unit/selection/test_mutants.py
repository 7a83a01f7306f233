"""Whatever fault a change brings in, the tests that fail on it are among those that are selected.

A sample project is recorded once; then every mutant is run with all tests, and what fails is held
against what would have been selected for it.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from bench.mutants import Mutant, pick_mutants

from seatrial import probe
from seatrial.evidence.dependencies import (
    Dependencies,
    load_dependencies,
    read_dependencies,
    save_dependencies,
)
from seatrial.selection.affected import Affected, affected
from seatrial.selection.changes import changes_between, snapshot
from unit.probe.interpreters import SITE, Interpreter, NotToBeHad, monitored

from .sample import IN_CHILDREN, SAMPLE_FILES

PROBE = Path(probe.__file__).parent
DRIVER = Path(__file__).parent / "all_mutants.py"
MUTABLE = {name: text for name, text in SAMPLE_FILES.items() if name != "pytest.ini"}


@dataclass(frozen=True)
class Recorded:
    """The sample project, and what its tests were seen to use."""

    project: Path
    interpreter: Interpreter
    known: Dependencies

    def select(self, mutant: Mutant) -> Affected:
        """What a change to this mutant selects."""
        path = self.project / mutant.file
        before = path.read_bytes()
        path.write_bytes(mutant.content)
        try:
            now = snapshot(self.project, self.known.states)
            return affected(
                self.known, changes_between(self.known.states, now), self._read, files=now
            )
        finally:
            path.write_bytes(before)

    def outcomes(self, mutants: list[Mutant]) -> list[dict[str, list[str]]]:
        """What failed, with all tests, for each of the mutants."""
        told, out = self.project.parent / "mutants.json", self.project.parent / "outcomes.json"
        text = [[mutant.file, mutant.content.decode("latin-1")] for mutant in mutants]
        told.write_text(json.dumps(text), encoding="utf-8")
        done = self.interpreter.run(
            *(str(DRIVER), str(self.project), str(told), str(out)),
            cwd=self.project,
            env=environment(self.project.parent),
            timeout=3600,
        )
        assert done.returncode == 0, done.stderr
        found: list[dict[str, list[str]]] = json.loads(out.read_bytes())
        return found

    def _read(self, name: str) -> bytes | None:
        path = self.project / name
        return path.read_bytes() if path.is_file() else None


def environment(folder: Path, **more: str) -> dict[str, str]:
    return {
        "PYTHONPATH": f"{folder / SITE}:{PROBE}",
        "PYTHONDONTWRITEBYTECODE": "1",
        "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1",
        **more,
    }


@pytest.fixture(scope="session")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Recorded]:
    folder = tmp_path_factory.mktemp("sample")
    project = folder / "project"
    for name, content in SAMPLE_FILES.items():
        (project / name).parent.mkdir(parents=True, exist_ok=True)
        (project / name).write_bytes(content)
    (folder / "out").mkdir()
    try:
        with monitored(folder, PROBE, DRIVER.parent) as interpreter:
            done = interpreter.run(
                *("-m", "pytest", "-q", "-p", "seatrial_trace", "-p", "no:cacheprovider"),
                cwd=project,
                env=environment(folder, SEATRIAL_EVENTS=str(folder / "out/events.jsonl")),
            )
            assert done.returncode == 0, done.stdout + done.stderr
            traces = list((folder / "out").glob("dependencies-*.jsonl"))
            known = read_dependencies(traces, project, snapshot(project))
            assert known is not None
            save_dependencies(folder / "dependencies.json", known)
            kept = load_dependencies(folder / "dependencies.json")
            assert kept == known
            yield Recorded(project, interpreter, kept)
    except NotToBeHad as error:
        pytest.skip(f"no Python of 3.12 or newer: {error}")


@pytest.mark.parametrize(
    "count", [pytest.param(30, id="some"), pytest.param(600, id="many", marks=pytest.mark.long)]
)
def test_all_tests_that_fail_on_a_mutant_are_selected_for_it(
    recorded: Recorded, count: int
) -> None:
    mutants = pick_mutants(MUTABLE, count, seed=count)

    missed, killed, narrowed = tried(recorded, mutants)

    assert missed == []
    assert killed > len(mutants) // 2
    assert narrowed > len(mutants) // 2


@pytest.mark.parametrize(
    "count", [pytest.param(16, id="some"), pytest.param(200, id="all", marks=pytest.mark.long)]
)
def test_all_tests_are_selected_that_fail_on_a_fault_in_a_process_that_they_start(
    recorded: Recorded, count: int
) -> None:
    mutants = pick_mutants({name: SAMPLE_FILES[name] for name in IN_CHILDREN}, count, seed=1)

    missed, killed, narrowed = tried(recorded, mutants)

    assert missed == []
    assert killed > len(mutants) // 2
    assert narrowed > len(mutants) // 2


def test_tests_are_left_out_whose_processes_do_not_run_what_changed(recorded: Recorded) -> None:
    answer = SAMPLE_FILES["src/shop/wire.py"].replace(b"+ 1", b"+ 2")
    answering = recorded.select(Mutant("src/shop/wire.py", "a function", answer))
    pack = SAMPLE_FILES["src/shop/pack.py"].replace(b"word[-1]", b"word[-2]")
    packing = recorded.select(Mutant("src/shop/pack.py", "a function", pack))

    def named(file: str, *names: str) -> set[str]:
        return {f"tests/serving/test_{file}.py::test_{name}" for name in names}

    # A shell tells nothing, and neither does who cannot be told to.
    always = named("serving", "shell", "clean")
    users = named("serving", "answers", "banner", "relay", "forks")
    assert packing.tests == always | named("serving", "packs")
    assert answering.tests == always | users | named("leftover", "starts", "asks", "ends")


def tried(recorded: Recorded, mutants: list[Mutant]) -> tuple[list[str], int, int]:
    """Tests that fail and were not selected; how many mutants fail, and leave tests out."""
    missed = []
    killed = narrowed = 0
    for mutant, outcome in zip(mutants, recorded.outcomes(mutants), strict=True):
        selection = recorded.select(mutant)
        failed = set(outcome["failed"])
        # A test file that cannot be imported stands for all of its tests.
        unselected = {
            test for test in selection.left_out if test in failed or test.split("::")[0] in failed
        }
        if unselected:
            missed.append(f"{mutant.file}, {mutant.what}: {sorted(unselected)}")
        killed += bool(failed)
        narrowed += not selection.everything and bool(selection.left_out)
    return missed, killed, narrowed
