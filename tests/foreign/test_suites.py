"""Suites that nobody here wrote, run by the real program; pytest's own word is the measure."""

import json
import re
import shutil
from collections import Counter
from pathlib import Path

import pytest
from junitparser import Error, Failure, JUnitXml, Skipped, TestSuite

from .fetch import NoRegistry, Source, fetch, load_sources
from .trial import run_trial

OWN_FILE = "--junitxml=/tmp/own.xml"
OURS = "junit.xml"
EXAMPLE = Path(__file__).parents[2] / "examples" / "shop"
LONG = {"pgqueuer"}
"""Runs for over a minute and shows nothing that the other PostgreSQL suite does not."""


@pytest.mark.engine
@pytest.mark.foreign
@pytest.mark.parametrize(
    "source",
    [
        pytest.param(source, id=name, marks=[pytest.mark.long] if name in LONG else [])
        for name, source in load_sources().items()
    ],
)
def test_a_released_package_passes_its_own_suite_in_a_trial(source: Source, tmp_path: Path) -> None:
    try:
        project = fetch(source, tmp_path / source.name)
    except NoRegistry as error:
        pytest.skip(f"no package registry answers: {error}")
    record = run_trial(project, "--", OWN_FILE)
    assert record.pytest is not None
    counts = record.pytest.counts
    assert (counts.passed, counts.skipped + counts.xfailed, counts.failed + counts.errors) == (
        source.expected.passed,
        source.expected.skipped,
        source.expected.failed,
    )
    assert not record.clean_up.left
    assert all(s.proof != "none" for s in record.services if s.role == "required")
    folder = project / ".seatrial" / "latest"
    ours, theirs = record.pytest.junit
    found = our_outcomes(folder / "tests.jsonl")
    assert found == junit_outcomes(folder / theirs) == junit_outcomes(folder / ours)


@pytest.mark.engine
@pytest.mark.foreign
@pytest.mark.long
def test_the_example_passes_its_suite_as_its_own_junit_files_tell_it(tmp_path: Path) -> None:
    project = tmp_path / "shop"
    ignored = shutil.ignore_patterns(".seatrial", "reports", "__pycache__")
    shutil.copytree(EXAMPLE, project, ignore=ignored)
    settings = project / "seatrial.toml"
    # How long it takes is not what is looked at, and this machine may be busy.
    settings.write_text(settings.read_text(encoding="utf-8").partition("[budgets]")[0])

    record = run_trial(project)

    folder = project / ".seatrial" / "latest"
    # Its script asks for a file; each of its two workers writes one, of its share.
    theirs = sorted(folder.glob("workers/*/junit-project.xml"))
    assert len(theirs) == 2
    told = our_outcomes(folder / "tests.jsonl")
    assert told == sum(map(junit_outcomes, theirs), Counter()) == junit_outcomes(folder / OURS)
    assert record.pytest is not None
    assert told.total() == record.pytest.counts.collected > 100


def our_outcomes(path: Path) -> Counter[tuple[str, str]]:
    """What the record says of each test, under the name that JUnit gives it."""
    words = {"xfailed": "skipped", "xpassed": "passed", "error": "failed"}
    results = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    return Counter((junit_name(r["id"]), words.get(r["outcome"], r["outcome"])) for r in results)


def junit_outcomes(path: Path) -> Counter[tuple[str, str]]:
    """What a JUnit file says."""
    found: Counter[tuple[str, str]] = Counter()
    for suite in JUnitXml.fromfile(str(path)):
        assert isinstance(suite, TestSuite)
        for case in suite:
            kinds = [type(result) for result in case.result]
            bad = Failure in kinds or Error in kinds
            outcome = "failed" if bad else "skipped" if Skipped in kinds else "passed"
            found[(f"{case.classname}::{case.name}", outcome)] += 1
    return found


def junit_name(node: str) -> str:
    """A node id as pytest's JUnit files have it: dots for folders, classes before the name."""
    address, bracket, parameters = node.partition("[")
    names = address.split("::")
    names[0] = re.sub(r"\.py$", "", names[0].replace("/", "."))
    return f"{'.'.join(names[:-1])}::{names[-1]}{bracket}{parameters}"
