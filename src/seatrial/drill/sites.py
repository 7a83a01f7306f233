"""Finds folders of the project in which a new test would be collected: beside tests that ran."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path, PurePosixPath

from seatrial.evidence.tests import TestResult

__all__ = ["Site", "find_sites"]

_MOST_SITES = 20
"""Folders with tests of their own that failing tests are put into."""


@dataclass(frozen=True)
class Site:
    """A folder with tests."""

    folder: PurePosixPath
    """Relative to the project."""
    node_folder: PurePosixPath
    """As pytest names it."""
    named_at_end: bool
    """Its files are called `money_test.py`, not `test_money.py`."""

    def file(self, stem: str) -> PurePosixPath:
        """Where a new test file goes, relative to the project; e.g. `stem` drill_fails."""
        return self.folder / self._name(stem)

    def node(self, stem: str) -> str:
        """The same file as pytest names it."""
        return (self.node_folder / self._name(stem)).as_posix()

    def _name(self, stem: str) -> str:
        return f"{stem}_test.py" if self.named_at_end else f"test_{stem}.py"


def find_sites(results: Iterable[TestResult], project: Path) -> tuple[Site, ...]:
    """Folders in which tests passed, those with the least set-up first; at most 20.

    A folder that the project does not have (made in the image) is passed over.
    """
    quickest: dict[PurePosixPath, tuple[float, PurePosixPath]] = {}
    for result in results:
        file = PurePosixPath(result.id.partition("::")[0])
        if result.outcome != "passed" or not _is_test_file(file.name):
            continue
        seconds = (result.setup or 0.0) + (result.teardown or 0.0)
        if file.parent not in quickest or seconds < quickest[file.parent][0]:
            quickest[file.parent] = (seconds, file)
    ordered = [file for _, file in sorted(quickest.values())]
    return tuple(islice(_sites(ordered, project), _MOST_SITES))


def _sites(files: Iterable[PurePosixPath], project: Path) -> Iterator[Site]:
    for file in files:
        place = _place(file, project)
        if place is not None:
            yield Site(place.parent, file.parent, not file.name.startswith("test_"))


def _is_test_file(name: str) -> bool:
    return name.endswith(".py") and (name.startswith("test_") or name.endswith("_test.py"))


def _place(file: PurePosixPath, project: Path) -> PurePosixPath | None:
    """The project's file of a node id, which begins wherever pytest's root folder is."""
    if file.is_absolute() or ".." in file.parts:
        return None
    if (project / file).is_file():
        return file
    found = [
        PurePosixPath(path.relative_to(project).as_posix())
        for path in project.rglob(file.name)
        if path.as_posix().endswith(f"/{file}") and ".git" not in path.parts
    ]
    return found[0] if len(found) == 1 else None
