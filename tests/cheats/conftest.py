"""One honest project for the session, and copies of it in which somebody cheats."""

import secrets
import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from acceptance.conftest import _engine, coverage_image
from acceptance.engine_state import remove_images
from unit.judge.repositories import make_repository

from .attempt import Attempt
from .honest import Judged, Subject, make_honest

__all__ = ["_engine", "coverage_image"]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker("engine")
            item.add_marker("alone")


class Workshop:
    """Makes copies of the honest project, and has each cheating project judged once."""

    def __init__(self, parent: Path) -> None:
        self._parent = parent
        self._judged: dict[int, Judged] = {}
        self.honest = make_honest(self._new())
        self.honest.tried()
        self.approval = self.honest.approve()

    def copy(self, *, with_trial: bool) -> Subject:
        """The honest project as it was committed, with what its trial left or without."""
        ignored = () if with_trial else (".seatrial",)
        folder = self._new()
        shutil.copytree(self.honest.folder, folder, ignore=shutil.ignore_patterns(*ignored))
        return Subject(folder)

    def begun_anew(self, files: Mapping[str, str]) -> Subject:
        """A project whose history is one commit."""
        subject = Subject(self._new())
        make_repository(subject.folder).commit(dict(files))
        return subject

    def judged(self, attempt: Attempt) -> Judged:
        """What comes of a trial of the cheating project."""
        if id(attempt) not in self._judged:
            subject = self.copy(with_trial=False)
            if attempt.agreed:
                subject.commit(attempt.agreed)
            if attempt.keeps_coverage:
                shutil.copyfile(self._coverage_data(), subject.folder / attempt.keeps_coverage)
            subject.commit(attempt.changes)
            subject.tried()
            self._judged[id(attempt)] = subject.approve()
        return self._judged[id(attempt)]

    def remove_images(self) -> None:
        for folder in self._parent.iterdir():
            remove_images(f"seatrial-{folder.name}-*")

    def _coverage_data(self) -> Path:
        record = self.approval.record
        assert record.coverage is not None
        assert record.coverage.data_files[0].path is not None
        return self.honest.project.runs / record.id / record.coverage.data_files[0].path

    def _new(self) -> Path:
        return self._parent / f"cheat-{secrets.token_hex(4)}"


@pytest.fixture(scope="session")
def workshop(coverage_image: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workshop]:
    made = Workshop(tmp_path_factory.mktemp("cheats"))
    yield made
    made.remove_images()


@pytest.fixture
def honest(workshop: Workshop) -> Judged:
    """The verdict on the honest project."""
    return workshop.approval
