"""Holds the test files that a container had against the project's own."""

import asyncio
from collections.abc import Collection, Iterator, Mapping, Sequence
from pathlib import Path, PurePosixPath

from seatrial.engine.hashing import hash_files
from seatrial.evidence.doubt import Doubt
from seatrial.evidence.events import ProbeReport
from seatrial.evidence.sources import ComparedFile, compare_sources
from seatrial.evidence.tests import read_results
from seatrial.trial.rig import Rig

__all__ = ["places_of_tests", "suite_doubts"]

_MAX_BYTES = 256 << 20
_MAX_TOLD = 20
_SHARED_BY_TESTS = "conftest.py"
_OF_TESTS_THEMSELVES = "pytest-of-"
"""Begins the name of the folder in which pytest makes temporary ones: a project that tests a plugin
writes tests there and runs them, and they may be called like its own."""


async def suite_doubts(rig: Rig, container: str, report: ProbeReport) -> tuple[Doubt, ...]:
    """Test files and conftest.py files that are not as the project has them.

    One that is gone after the run counts as well: it could have been anything. A file that the
    project does not have, or has several of, cannot be told to differ.

    Raises:
        DockerError: the engine failed.
        OSError: results or the project's files cannot be read.
    """
    if report.pytest.tests is None:
        return ()
    results = rig.folder.path / report.pytest.tests
    places = await asyncio.to_thread(
        lambda: set(places_of_tests(rig.project, results, report.roots))
    )
    test = rig.plan.selection.test
    mounts = [(one.target, one.source) for one in rig.plan.sources if one.service == test]
    digests: dict[str, str] = {}
    again = places
    for _ in range(2):  # what lies beyond the limit of a whole folder is asked for by itself
        digests |= await hash_files(rig.engine, container, again, max_bytes=_MAX_BYTES)
        compared = await asyncio.to_thread(
            compare_sources, rig.project, digests, sorted(places), mounts
        )
        own = {place: one for place, one in compared.items() if one.project_file}
        again = set(sorted(own.keys() - digests.keys())[:_MAX_TOLD])
    return tuple(_told(own, again))[:_MAX_TOLD]


def _told(own: Mapping[str, ComparedFile], gone: Collection[str]) -> Iterator[Doubt]:
    for place, one in own.items():
        if place in gone:
            what = f"a test file is gone from the container after the run: {one.project_file}"
            yield Doubt(key="tests-differ", what=what, where=place)
        elif one.equal is False:
            what = f"a test file in the container is not as the project's {one.project_file}"
            yield Doubt(key="tests-differ", what=what, where=place)


def places_of_tests(project: Path, results: Path, roots: Collection[str]) -> Iterator[str]:
    """Where in the container the files with results are, and the project's conftest.py above them.

    Node ids count from pytest's root folder, of which each session has its own.
    """
    files = {one.id.partition("::")[0] for one in read_results(results)}
    for root in roots:
        if not any(part.startswith(_OF_TESTS_THEMSELVES) for part in PurePosixPath(root).parts):
            for name in _with_conftests(project, sorted(files)):
                yield f"{root.rstrip('/')}/{name}"


def _with_conftests(project: Path, files: Sequence[str]) -> Iterator[str]:
    yield from files
    folders = {folder for file in files for folder in PurePosixPath(file).parents}
    for folder in sorted(folders):
        name = (folder / _SHARED_BY_TESTS).as_posix()
        if ".." not in folder.parts and (project / name).is_file():
            yield name
