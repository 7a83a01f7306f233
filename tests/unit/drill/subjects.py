"""Subjects of drills: a small shop with a database, and what its earlier trial found."""

from pathlib import Path, PurePosixPath
from typing import Any

from seatrial.drill.sites import Site
from seatrial.drill.subject import Subject
from seatrial.evidence.record import Record
from seatrial.settings import Settings
from seatrial.stack.model import read_services
from seatrial.stack.select import select_services
from unit.factories import make_record

__all__ = ["make_subject"]

DOCKERFILE = "FROM python AS test\nRUN a\n\nFROM test\nRUN b\n"


def make_subject(
    copy: Path, *, record: Record | None = None, settings: dict[str, Any] | None = None, **test: Any
) -> Subject:
    """A subject whose files are in `copy`; `test` is further keys of the test service."""
    (copy / "Dockerfile").write_text(DOCKERFILE, encoding="utf-8")
    services: dict[str, Any] = {
        "test": {
            "build": {"context": str(copy), "dockerfile": "Dockerfile", "target": "test"},
            "depends_on": {"db": {"condition": "service_healthy"}},
            **test,
        },
        "db": {"image": "postgres:16"},
    }
    form = {
        "services": {name: {k: v for k, v in raw.items() if v} for name, raw in services.items()}
    }
    found = read_services(form)
    tests = PurePosixPath("tests")
    return Subject(
        copy=copy,
        settings=Settings(**(settings or {})),
        compose_files=(str(copy / "compose.yml"),),
        form=form,
        services=found,
        selection=select_services(found, named=None, mode="auto"),
        record=record or make_record(),
        sites=(Site(tests, tests, False), Site(tests / "api", tests / "api", False)),
    )
